import { execFileSync } from 'node:child_process';
import t from 'tap';
import type { DatagramReceiver } from '../../src/udp/datagram-socket.ts';
import { loadLibc } from '../../src/udp/libc.ts';
import { MmsgSocket } from '../../src/udp/mmsg-socket.ts';
import { type Watch, watchByDgram, watchByPipe } from '../../src/udp/readiness.ts';
import { chooseWatch } from '../../src/udp/readiness-trial.ts';
import { skipWithout } from '../support/accelerator.ts';

const libc = loadLibc();
const skip = skipWithout(t, libc);

t.test('on the Node that runs this, the trial says that a descriptor can be watched as a pipe', { skip }, async (t) => {
  if (typeof libc === 'string') return;
  t.equal(await chooseWatch(libc), watchByPipe);
});

/** Opens a socket that sends a datagram to itself and does something when it comes. */
async function echo(watch: Watch, onDatagram: (socket: MmsgSocket) => void): Promise<MmsgSocket> {
  if (typeof libc === 'string') throw new Error(libc);
  const came = Promise.withResolvers<void>();
  const receiver: DatagramReceiver = {
    onDatagram: () => {
      onDatagram(socket);
      came.resolve();
    },
    onBatchEnd: () => {},
  };
  const socket = await MmsgSocket.open(libc, { host: '127.0.0.1', port: 0, receiver }, watch);
  socket.send(Buffer.from('x'), 0, 1, socket.endpoint('127.0.0.1', socket.port));
  await came.promise;
  return socket;
}

t.test('a receiver may close the socket with a datagram in hand, whoever watches', { skip }, async (t) => {
  for (const watch of [watchByPipe, watchByDgram]) {
    const socket = await echo(watch, (socket) => void socket.close());
    await socket.close();
    t.equal(socket.stats.received, 1);
    // Its port is free again.
    if (typeof libc === 'string') return;
    const receiver = { onDatagram: () => {}, onBatchEnd: () => {} };
    await (await MmsgSocket.open(libc, { host: '127.0.0.1', port: socket.port, receiver }, watch)).close();
  }
});

t.test('what cannot be watched is closed, and says so', { skip }, async (t) => {
  if (typeof libc === 'string') return;
  const closed: number[] = [];
  const counting = { ...libc };
  counting.close = (fd) => {
    closed.push(fd);
    return libc.close(fd);
  };
  const receiver = { onDatagram: () => {}, onBatchEnd: () => {} };
  const never: Watch = () => Promise.reject(new Error('no'));
  await t.rejects(MmsgSocket.open(counting, { host: '127.0.0.1', port: 0, receiver }, never), { message: 'no' });
  t.equal(closed.length, 1);
  await t.rejects(watchByPipe(-1, 4, {} as never), /cannot be watched/);
});

t.test(
  'where Node lacks a part, it does something else, or there is no koffi, node:dgram does its work',
  { skip },
  async (t) => {
    const index = new URL('../../src/udp/index.ts', import.meta.url).href;
    const pipe = `
    import { connect } from 'node:net';
    const probe = connect({ path: '\\0nobody' }).on('error', () => {});
    const pipe = probe._handle;
    probe.destroy();
    const owner = (name) => {
      let handle = pipe;
      while (!Object.hasOwn(handle, name)) handle = Object.getPrototypeOf(handle);
      return handle;
    };
  `;
    const noKoffi = `
    import { Module } from 'node:module';
    const find = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => {
      if (name === 'koffi') throw Object.assign(new Error('gone'), { code: 'MODULE_NOT_FOUND' });
      return find(name, ...rest);
    };
  `;
    // Standard output may be a pipe.
    const REFUSE = `
    const { open } = owner('open');
    owner('open').open = function (fd) { return fd > 2 ? -22 : open.call(this, fd); };
  `;
    for (const [what, change, kind, calls] of [
      ['nothing lacks', '', 'mmsg', 1],
      ['no memory of the caller', `${pipe} delete owner('useUserBuffer').useUserBuffer;`, 'mmsg', 2],
      ['memory that is not read into', `${pipe} owner('useUserBuffer').useUserBuffer = () => {};`, 'mmsg', 2],
      ['a handle that tells nothing', `${pipe} owner('readStart').readStart = () => 0;`, 'mmsg', 2],
      ['a handle that cannot be opened', `${pipe} ${REFUSE}`, 'mmsg', 2],
      ['no koffi', noKoffi, 'dgram', 1],
    ] as const) {
      const script = `${change}
      const { openDatagramSocket } = await import('${index}');
      const got = [];
      const { promise, resolve } = Promise.withResolvers();
      const receiver = {
        onDatagram: (buffer, offset, length) => void got.push(buffer.toString('latin1', offset, offset + length)),
        onBatchEnd: () => { if (got.length === 3) resolve(); },
      };
      const socket = await openDatagramSocket({ host: '127.0.0.1', port: 0, receiver });
      const before = socket.stats.receiveCalls;
      for (const text of ['one', 'two', 'three']) socket.send(Buffer.from(text), 0, text.length, socket.endpoint('127.0.0.1', socket.port));
      await promise;
      const { kind, stats } = socket;
      await socket.close();
      console.log(JSON.stringify({ kind, got, calls: stats.receiveCalls - before }));`;
      const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        timeout: 30_000,
      });
      const result = JSON.parse(out);
      t.match(result, { kind, got: ['one', 'two', 'three'] }, what);
      // With node:dgram in front, the first datagram takes a call of its own.
      if (kind === 'mmsg') t.equal(result.calls, calls, `${what}: calls`);
    }
  },
);
