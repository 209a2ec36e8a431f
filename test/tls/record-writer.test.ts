import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import t from 'tap';
import { tryDirectWrites } from '../../src/tls/direct-trial.ts';
import { RecordWriter, type RecordWriterOptions } from '../../src/tls/record-writer.ts';
import { Transport } from '../../src/tls/transport.ts';
import { CstpType } from '../../src/wire/cstp.ts';
import { testLeaf } from '../support/certificates.ts';
import { ipv4Packet, startTestGateway, withHeadroom } from '../support/gateway.ts';
import { countRecords } from '../support/record-counter.ts';

/** What a record adds to its plaintext: tag and inner content type, or explicit nonce and tag. */
const OVERHEAD = { 'TLSv1.3': 17, 'TLSv1.2': 24 } as const;

type Version = keyof typeof OVERHEAD;

/** A TLS pair over loopback with a record counter between. */
async function pair(version: Version, options: RecordWriterOptions = {}) {
  if (!(await tryDirectWrites())) throw new Error(`The trial of Node ${process.version} failed.`);
  const leaf = await testLeaf('localhost');
  const secureContext = createSecureContext({ cert: leaf.certPem, key: leaf.keyPem, maxVersion: version });
  const accepted = Promise.withResolvers<{ writer: RecordWriter; tls: TLSSocket; raw: Socket }>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (raw) => {
    const transport = new Transport(raw);
    const tls = new TLSSocket(transport, { isServer: true, secureContext });
    const writer = new RecordWriter(tls, transport, options);
    tls.on('error', () => {});
    transport.on('error', () => {});
    tls.on('secure', () => accepted.resolve({ writer, tls, raw }));
    tls.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const counter = await countRecords((server.address() as { port: number }).port);
  const client = connect({
    host: '127.0.0.1',
    port: counter.port,
    ca: leaf.caPem,
    servername: 'localhost',
    maxVersion: version,
    ciphers: 'TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384',
  });
  let received = 0;
  const waiting: { want: number; resolve: () => void }[] = [];
  client.on('data', (chunk: Buffer) => {
    received += chunk.length;
    for (const each of waiting.splice(0)) {
      if (received >= each.want) each.resolve();
      else waiting.push(each);
    }
  });
  client.on('error', () => {});
  const { writer, tls, raw } = await accepted.promise;
  return {
    writer,
    tls,
    raw,
    client,
    counter,
    /** Resolves when the client has got that many bytes in all. */
    got(want: number): Promise<void> {
      if (received >= want) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ want, resolve }));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      tls.destroy();
      await counter[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first ordinary write, as the answer to CONNECT in the gateway. */
async function warmUp(link: Awaited<ReturnType<typeof pair>>): Promise<number> {
  await new Promise<void>((resolve) => link.tls.write(Buffer.from('HTTP/1.1 200 CONNECTED\r\n\r\n'), () => resolve()));
  await link.got(26);
  link.counter.reset();
  return 26;
}

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  for (const portable of [false, true]) {
    const how = portable ? 'by callbacks alone' : 'directly';
    t.test(`${version}, ${how}: packets of any size written in one turn are one record each`, async (t) => {
      await using link = await pair(version, { portable });
      let total = await warmUp(link);
      t.equal(link.writer.direct, !portable);
      link.writer.expect(1480);
      const before = [8, 16_384, 1408, 1408, 600, 4096, 16_384, 1480];
      const sizes = [
        ...[8, 48, 108, 576, 1408, 1434, 1480, 1, 60, 60, 60, 1480, 1480, 1480, 52, 1480, 1480, 600, 600, 511, 512],
        ...[512, 513, 1479, 1480, 1480, 1480, 1479, 1480, ...Array.from({ length: 60 }, () => 1480), 1408, 1408],
      ];
      for (let round = 0; round < 6; round++) {
        if (round > 0) await new Promise((resolve) => setImmediate(resolve));
        for (const size of round === 0 ? before : sizes) {
          const packet = Buffer.alloc(size + 3, round);
          t.equal(link.writer.write(packet, 3, 3 + size), true);
          packet.fill(0xff);
          total += size;
        }
      }
      await link.got(total);
      const wanted = [before, ...Array.from({ length: 5 }, () => sizes)].flat().map((size) => size + OVERHEAD[version]);
      t.strictSame(
        link.counter.records.map((record) => record.length),
        wanted,
      );
      t.ok(link.counter.records.every((record) => record.type === 23));
      t.equal(link.writer.written, wanted.length);
    });
  }

  t.test(
    `${version}: at full speed, with a reader that cannot keep up, no record holds two packets or half of one`,
    async (t) => {
      await using link = await pair(version);
      let total = await warmUp(link);
      let sent = 0;
      const packet = Buffer.alloc(1416, 7);
      for (let turn = 0; turn < 400; turn++) {
        for (let i = 0; i < 100; i++) {
          const size = (i & 7) === 7 ? 60 : 1416;
          if (link.writer.write(packet, 0, size)) {
            sent++;
            total += size;
          }
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      await link.got(total);
      t.equal(link.counter.records.length, sent);
      t.strictSame(
        [...new Set(link.counter.records.map((record) => record.length - OVERHEAD[version]))].sort((a, b) => a - b),
        [60, 1416],
      );
      t.equal(sent + link.writer.dropped, 40_000);
      t.ok(link.writer.written === sent);
    },
  );
}

t.test('a packet larger than the runs is refused once there has been a run, and passes before', async (t) => {
  await using link = await pair('TLSv1.3');
  let total = await warmUp(link);
  link.writer.expect(1000);
  t.equal(link.writer.largest, 16_384);
  for (const size of [1001, 1000, 1001, 1000, 1000, 1000]) {
    t.equal(link.writer.write(Buffer.alloc(size), 0, size), true);
    total += size;
  }
  await link.got(total);
  t.strictSame(
    link.counter.records.map((record) => record.length - OVERHEAD['TLSv1.3']),
    [1001, 1000, 1001, 1000, 1000, 1000],
  );
  t.equal(link.writer.largest, 1000);
  t.equal(link.writer.write(Buffer.alloc(1001), 0, 1001), false);
  t.equal(link.writer.dropped, 1);
});

t.test('by callbacks alone, a larger packet that waits is not torn by a run behind it', async (t) => {
  await using link = await pair('TLSv1.3', { portable: true });
  let total = await warmUp(link);
  link.writer.expect(1000);
  const sizes = [60, 2000, 1000, 1000, 1000, 60];
  for (const size of sizes) {
    t.equal(link.writer.write(Buffer.alloc(size), 0, size), true);
    total += size;
  }
  await link.got(total);
  t.strictSame(
    link.counter.records.map((record) => record.length - OVERHEAD['TLSv1.3']),
    sizes,
  );
});

t.test('ordinary writes and packets keep their order', async (t) => {
  await using link = await pair('TLSv1.3');
  await warmUp(link);
  const seen: Buffer[] = [];
  link.client.on('data', (chunk: Buffer) => seen.push(chunk));
  link.tls.write(Buffer.from('first '));
  link.writer.write(Buffer.from('second '), 0, 7);
  link.writer.flush();
  link.tls.write(Buffer.from('third '));
  link.writer.write(Buffer.from('fourth'), 0, 6);
  await link.got(26 + 25);
  t.equal(Buffer.concat(seen).toString(), 'first second third fourth');
});

t.test('a full queue drops the newest packets and takes new ones once it has drained', async (t) => {
  await using link = await pair('TLSv1.3', { limit: 200_000 });
  await warmUp(link);
  link.client.pause();
  const packet = Buffer.alloc(1400);
  let turns = 0;
  while (link.writer.write(packet, 0, 1400)) {
    if (++turns % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(link.writer.dropped, 1);
  t.ok(link.writer.queuedBytes > 200_000 && link.writer.queuedBytes < 400_000, 'bounded');
  link.client.resume();
  await link.got(26 + link.writer.written * 1400);
  t.equal(link.writer.write(packet, 0, 1400), true);
});

t.test('after close nothing is written, and a destroyed connection takes packets without a throw', async (t) => {
  await using link = await pair('TLSv1.3');
  await warmUp(link);
  link.raw.destroy();
  for (let i = 0; i < 10; i++) {
    link.writer.write(Buffer.alloc(100), 0, 100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  link.writer.close();
  t.equal(link.writer.write(Buffer.alloc(100), 0, 100), false);
});

for (const portable of [false, true]) {
  t.test(
    `what was queued before the end leaves before it${portable ? ', on the public interface alone' : ''}`,
    async (t) => {
      await using link = await pair('TLSv1.3', { portable });
      const before = await warmUp(link);
      const ended = once(link.client, 'end');
      link.writer.write(Buffer.alloc(900), 0, 900);
      for (let i = 0; i < 10; i++) link.writer.write(Buffer.alloc(100 + i), 0, 100 + i);
      link.writer.close(() => link.tls.end());
      t.equal(link.writer.write(Buffer.alloc(100), 0, 100), false);
      await link.got(before + 900 + 1045);
      await ended;
      t.strictSame(
        link.counter.records.slice(0, 11).map((record) => record.length - OVERHEAD['TLSv1.3']),
        [900, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109],
      );
    },
  );
}

t.test('through the whole gateway, a burst of packets is one record each', async (t) => {
  await using lab = await startTestGateway();
  await using counter = await countRecords(lab.port);
  const client = await lab.dial({ port: counter.port });
  await client.login();
  await client.connectTunnel();
  counter.reset();
  const sizes = [60, 1472, 40, 576, 1472, 1472, 52];
  for (let round = 0; round < 50; round++) {
    for (const size of sizes) {
      const { buffer, offset, length } = withHeadroom(ipv4Packet('192.168.77.1', '192.168.77.2', size));
      t.equal(lab.gateway.deliver(buffer, offset, length), true);
    }
  }
  for (let i = 0; i < 50 * sizes.length; i++) t.equal((await client.packet())?.type, CstpType.Data);
  t.strictSame(
    counter.records.map((record) => record.length),
    Array.from({ length: 50 }, () => sizes.map((size) => size + 8 + OVERHEAD['TLSv1.3'])).flat(),
  );
  client.close();
});
