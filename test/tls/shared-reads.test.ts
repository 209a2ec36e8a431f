import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import t from 'tap';
import { readsAreShared, tryDirectWrites } from '../../src/tls/direct-trial.ts';
import { ReadMemory, readInto } from '../../src/tls/shared-reads.ts';
import { ciphertextMemory, plaintextMemory, Transport } from '../../src/tls/transport.ts';
import { carryTraffic } from '../support/tunnel-traffic.ts';

t.setTimeout(120_000);

const WELL = { echoed: true, upstream: true, downloaded: 3_000_000, datagram: 'a datagram' };

/** Spoils every read as soon as its reader has returned, until the test is over. */
function spoil(t: { teardown(fn: () => void): void }) {
  const reads = { ciphertext: 0, plaintext: 0 };
  for (const [name, memory] of [
    ['ciphertext', ciphertextMemory],
    ['plaintext', plaintextMemory],
  ] as const) {
    memory.watch((length) => {
      reads[name]++;
      memory.bytes.fill(0xdb, 0, length);
    });
    t.teardown(() => memory.watch(undefined));
  }
  return reads;
}

t.test('on the Node that runs this, the trial says that sockets can share what they read into', async (t) => {
  await tryDirectWrites();
  t.equal(readsAreShared(), true);
});

t.test('nobody keeps a view of shared memory: what is spoilt after each read arrives whole', async (t) => {
  const reads = spoil(t);
  t.strictSame(await carryTraffic(), { shared: true, ...WELL });
  // Both ways of three transfers, in reads of 64 KiB and records of 1.4 KB.
  t.ok(reads.ciphertext >= 100, `${reads.ciphertext} reads of ciphertext`);
  t.ok(reads.plaintext >= 4000, `${reads.plaintext} of plaintext`);
});

/** Both ends of a TCP connection; that of the server within a transport. */
async function pair(t: { teardown(fn: () => void): void }, portable = false) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [raw] = (await once(server, 'connection')) as [Socket];
  const transport = new Transport(raw, { portable });
  t.teardown(() => {
    peer.destroy();
    transport.destroy();
    server.close();
  });
  return { peer, raw, transport };
}

t.test('bytes that nobody listens to yet, or that wait behind others, are kept in memory of their own', async (t) => {
  const reads = spoil(t);
  for (const pieces of [0, 7]) {
    const { peer, transport } = await pair(t);
    t.equal(transport.sharesReads, true);
    transport.handInPieces(pieces);
    const arrived = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => void (transport.readableLength >= count ? resolve() : setImmediate(look));
        look();
      });
    transport.pause();
    peer.write('before');
    await arrived(6);
    peer.write(' and behind it');
    await arrived(20);
    const sizes: number[] = [];
    const got: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      transport.on('data', (chunk: Buffer) => {
        sizes.push(chunk.length);
        got.push(Buffer.from(chunk));
        // A listener that stops in the middle of a read gets the rest of it when it goes on.
        transport.pause();
        setImmediate(() => transport.resume());
        if (Buffer.concat(got).length >= 40) resolve();
      });
    });
    transport.resume();
    peer.write(', then twenty more..');
    await all;
    t.equal(Buffer.concat(got).toString(), 'before and behind it, then twenty more..');
    if (pieces > 0) t.ok(Math.max(...sizes) <= pieces, `pieces of ${sizes}`);
  }
  t.ok(reads.ciphertext > 0);
});

t.test('what a socket had read before still comes, and first', async (t) => {
  const { peer, raw } = await pair(t, true);
  raw.removeAllListeners('data');
  raw.pause();
  peer.write('first');
  while (raw.readableLength < 5) await new Promise((resolve) => setImmediate(resolve));
  const got: string[] = [];
  const all = new Promise<void>((resolve) => {
    raw.on('data', (chunk: Buffer) => void got.push(`event ${chunk}`));
    const taken = readInto(raw, new ReadMemory(100), (chunk) => {
      got.push(`memory ${chunk}`);
      resolve();
    });
    t.equal(taken, true);
  });
  raw.resume();
  peer.write('second');
  await all;
  t.strictSame(got, ['event first', 'memory second']);
});

t.test('sockets that lack a part are left as they are, and no native function is called', async (t) => {
  const never = (): never => {
    throw new Error('called');
  };
  const memory = new ReadMemory(10);
  const lacking = (change: (socket: Socket) => void, handle: object | null = { useUserBuffer: never }): Socket => {
    const socket = new Socket();
    Object.defineProperty(socket, '_handle', { value: handle });
    change(socket);
    return socket;
  };
  const without = (name: string) => (socket: Socket) => {
    const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
    t.ok(key, `this Node has ${name}`);
    delete (socket as unknown as Record<symbol, unknown>)[key!];
  };
  const nothing = (): void => {};
  for (const socket of [
    lacking(nothing, null),
    lacking(nothing, {}),
    lacking(nothing, { useUserBuffer: 'no function' }),
    lacking(without('kBuffer')),
    lacking(without('kBufferCb')),
    Object.assign(new Duplex(), { _handle: { useUserBuffer: never } }),
    {},
  ]) {
    t.equal(readInto(socket, memory, never), false);
  }
});

t.test('where Node lacks a part, or it does something else, everything is read by public means', async (t) => {
  const traffic = new URL('../support/tunnel-traffic.ts', import.meta.url).href;
  // The prototypes of the native handles, each with its own `useUserBuffer`.
  const insides = `
    import { Duplex } from 'node:stream';
    import { createServer } from 'node:net';
    import { TLSSocket } from 'node:tls';
    import { createRequire } from 'node:module';
    const owner = (handle) => {
      while (!Object.hasOwn(handle, 'useUserBuffer')) handle = Object.getPrototypeOf(handle);
      return handle;
    };
    const tls = owner(new TLSSocket(new Duplex({ read() {} }))._handle);
    const tcp = await new Promise((resolve) => {
      const server = createServer((socket) => { resolve(owner(socket._handle)); socket.destroy(); server.close(); });
      server.listen(0, '127.0.0.1', () => createRequire(import.meta.url)('node:net').connect(server.address().port, '127.0.0.1').on('error', () => {}));
    });
  `;
  const symbols = 'const symbols = Object.getOwnPropertySymbols; Object.getOwnPropertySymbols =';
  for (const [what, change, shared] of [
    ['no memory for TLS', 'delete tls.useUserBuffer;', false],
    ['no memory for TCP', 'delete tcp.useUserBuffer;', true],
    ['memory that is not read into', 'tls.useUserBuffer = () => {};', false],
    [
      'no properties',
      `${symbols} (value) => symbols(value).filter((key) => !/^kBuffer/.test(key.description));`,
      false,
    ],
  ] as const) {
    const script = `${insides}\n${change}
      const { carryTraffic } = await import('${traffic}');
      process.stdout.write(JSON.stringify(await carryTraffic()));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 60_000,
    });
    t.strictSame(JSON.parse(stdout), { shared, ...WELL }, what);
  }
});
