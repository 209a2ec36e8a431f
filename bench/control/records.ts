/**
 * TLS records per second of one CSTP connection, one packet a record, beside what Node's stream does by itself.
 *
 *   node bench/control/records.ts [seconds] [packet bytes] [rounds]
 *
 * The reader runs in a process of its own. "merged" is Node's stream without record boundaries: fast, and useless to
 * clients; it is the yardstick. "up" is the other direction: packets from a client through reader and checks.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { tryDirectWrites } from '../../src/tls/direct-trial.ts';
import { RecordWriter } from '../../src/tls/record-writer.ts';
import { Transport } from '../../src/tls/transport.ts';
import { CstpReader, serializeCstp } from '../../src/wire/cstp.ts';
import { testLeaf } from '../../test/support/certificates.ts';
import { inTurns, median, medianAndLeast, times } from '../lib/figures.ts';

const BURST = 64;
const WARM_UP = 300;

interface ClientTask {
  readonly port: number;
  readonly ca: string;
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly upload: boolean;
  readonly size: number;
}

/** The other end: reads everything, or sends packets as fast as it can. */
function runClient(task: ClientTask): void {
  const tls = connect({
    host: '127.0.0.1',
    port: task.port,
    ca: task.ca,
    servername: 'localhost',
    maxVersion: task.version,
  });
  tls.on('error', () => process.exit(0));
  tls.on('close', () => process.exit(0));
  tls.resume();
  if (!task.upload) return;
  tls.once('secureConnect', () => {
    const packet = serializeCstp(0, Buffer.alloc(task.size, 0x45));
    // Each write starts from the callback of the one before: one record a packet, as clients send them.
    const next = (error?: Error | null): void => {
      if (error) process.exit(0);
      tls.write(packet, next);
    };
    next();
  });
}

type Mode = 'merged' | 'callbacks' | 'direct' | 'up';

async function measure(mode: Mode, version: ClientTask['version'], seconds: number, size: number): Promise<number> {
  await tryDirectWrites();
  const leaf = await testLeaf('localhost');
  const secureContext = createSecureContext({ cert: leaf.certPem, key: leaf.keyPem, maxVersion: version });
  const ready = Promise.withResolvers<{ tls: TLSSocket; writer: RecordWriter; transport: Transport }>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (raw) => {
    const transport = new Transport(raw);
    const tls = new TLSSocket(transport, { isServer: true, secureContext });
    const writer = new RecordWriter(tls, transport, { portable: mode === 'callbacks' });
    writer.expect(size + 8);
    for (const stream of [tls, transport]) stream.on('error', () => {});
    tls.on('secure', () => ready.resolve({ tls, writer, transport }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const task: ClientTask = {
    port: (server.address() as { port: number }).port,
    ca: leaf.caPem,
    version,
    upload: mode === 'up',
    size,
  };
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, TUNNELITE_BENCH_CLIENT: JSON.stringify(task) },
  });
  const { tls, writer, transport } = await ready.promise;
  let count = 0;
  let running = true;
  const packet = Buffer.alloc(size + 8, 0x45);
  if (mode === 'up') {
    const reader = new CstpReader(() => {
      count++;
    });
    tls.on('data', (chunk: Buffer) => reader.push(chunk));
  } else {
    tls.resume();
    await new Promise<void>((resolve) => tls.write(Buffer.from('HTTP/1.1 200 CONNECTED\r\n\r\n'), () => resolve()));
    const burst = (): void => {
      if (!running) return;
      if (mode === 'merged') {
        let go = true;
        for (let i = 0; i < BURST; i++) {
          count++;
          go = tls.write(packet);
        }
        if (go) setImmediate(burst);
        else tls.once('drain', burst);
        return;
      }
      for (let i = 0; i < BURST && writer.write(packet, 0, packet.length); i++) count++;
      writer.flush();
      if (transport.raw.writableLength < 262_144) setImmediate(burst);
      else transport.raw.once('drain', burst);
    };
    burst();
  }
  await new Promise((resolve) => setTimeout(resolve, WARM_UP));
  const before = count;
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const rate = ((count - before) / (performance.now() - start)) * 1000;
  running = false;
  tls.destroy();
  if (child.exitCode === null) await once(child, 'exit');
  await new Promise((resolve) => server.close(resolve));
  return rate;
}

const task = process.env.TUNNELITE_BENCH_CLIENT;
if (task) {
  runClient(JSON.parse(task) as ClientTask);
} else {
  const seconds = Number(process.argv[2] ?? 1);
  const size = Number(process.argv[3] ?? 1400);
  const rounds = Number(process.argv[4] ?? 3);
  const modes = ['merged', 'callbacks', 'direct', 'up'] as const;
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const rates = new Map<Mode, number[]>(modes.map((mode) => [mode, []]));
    await inTurns(rounds, modes, async (mode) => {
      rates.get(mode)!.push(await measure(mode, version, seconds, size));
    });
    for (const [mode, all] of rates) {
      const mbit = (median(all) * size * 8) / 1e6;
      console.log(
        `${version} ${mode.padEnd(9)} ${medianAndLeast(all)} packets/s ${Math.round(mbit).toString().padStart(6)} Mbit/s  ${times(all, rates.get('merged')!)} merged`,
      );
    }
  }
}
