/**
 * From connecting to the first byte of a resource, by channel; and what the loss of UDP costs those who have something open: the longest
 * time without data, and how many flows broke.
 *
 *   node bench/client/loss.ts [rounds] [flows] [DPD of the gateway in seconds]
 *
 * Simulator and client are one process. In each round data comes down every 100 ms on every flow, then all datagrams are lost, until data comes over
 * TLS again. Needs nothing but Node.js.
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { digits, least, median, medianAndLeast } from '../lib/figures.ts';
import { options } from '../lib/options.ts';

const { numbers } = options();
const [rounds = 3, flows = 10, dpd = 5] = numbers;
const HOST = 'files.contoso.internal';
const REQUEST = `GET /slow/1000000000?rate=20000 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

await using sim = await startSimulator({ gateway: { dpd }, journal: { level: 'info' } });
const token = await sim.token();
const connect = (dtls: 'psk' | 'off', onChannel?: () => void): Promise<TunnelClient> =>
  TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token, dtls, ...(onChannel && { onChannel }) });

/** A connected client, once data goes over the channel that is wanted. */
async function connected(channel: 'TLS' | 'DTLS'): Promise<TunnelClient> {
  if (channel === 'TLS') return await connect('off');
  const up = Promise.withResolvers<void>();
  const client = await connect('psk', up.resolve);
  await up.promise;
  return client;
}

for (const channel of ['TLS', 'DTLS'] as const) {
  const toTunnel: number[] = [];
  const toByte: number[] = [];
  // The first one loads what the others use.
  for (let round = 0; round <= rounds; round++) {
    const begin = performance.now();
    await using client = await connected(channel);
    const tunnel = performance.now() - begin;
    const stream = await client.openTcp('tools.contoso.internal', 19);
    stream.on('error', () => {});
    await once(stream, 'data');
    if (round > 0) {
      toTunnel.push(tunnel);
      toByte.push(performance.now() - begin);
    }
    stream.destroy();
  }
  console.log(
    `${channel.padEnd(5)} ${medianAndLeast(toTunnel)} ms to the tunnel, ${medianAndLeast(toByte)} ms to the first byte`,
  );
}

const pauses: number[] = [];
let broken = 0;
for (let round = 0; round < rounds; round++) {
  await using client = await connected('DTLS');
  const streams: Duplex[] = [];
  let last = performance.now();
  let longest = 0;
  const seen = new Set<Duplex>();
  let onData = (): unknown => undefined;
  for (let i = 0; i < flows; i++) {
    const stream = await client.openTcp(HOST, 80);
    stream.on('error', () => void broken++);
    stream.on('end', () => void broken++);
    stream.on('data', () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      seen.add(stream);
      onData();
    });
    stream.write(REQUEST);
    streams.push(stream);
  }
  /** Resolves when data has come on every flow. */
  const all = async (): Promise<void> => {
    seen.clear();
    const complete = Promise.withResolvers<void>();
    onData = () => seen.size === flows && complete.resolve();
    await complete.promise;
  };
  await all();
  longest = 0;
  const mark = sim.journal.mark();
  const rule = sim.faults.add({ on: { seam: 'udp' }, then: { do: 'drop' } });
  await sim.journal.waitFor({ name: 'channel.switch', since: mark, fields: { to: 'cstp' } }, { timeout: 60_000 });
  await all();
  rule.remove();
  pauses.push(longest);
  for (const stream of streams) stream.destroy();
}
console.log(
  `UDP is lost: ${digits(median(pauses) / 1000)} s without data (least ${digits(least(pauses) / 1000)}, most ${digits(Math.max(...pauses) / 1000)}), ` +
    `${(median(pauses) / 1000 / dpd).toFixed(2)} × the DPD period of ${dpd} s; ${broken} of ${rounds * flows} flows broke`,
);
process.exit(0);
