/**
 * The bundled client in a process of its own, beside openconnect. Answers each line of its input with a line of JSON, and ends with its input:
 *
 *   first CHANNEL            connects, and reads the first byte of the resource; milliseconds
 *   open CHANNEL             a tunnel for what follows
 *   down SECONDS, up SECONDS a transfer through it; Mbit/s, bytes, and seconds of CPU of this process
 *
 *   node bench/client/tunnel-client.ts <url> <ca file> <token> <name> <resource>
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { TunnelClient } from '../../src/client/index.ts';

const [server = '', caFile = '', token = '', serverName = '', resource = ''] = process.argv.slice(2);
const ca = readFileSync(caFile, 'utf8');
const BLOCK = Buffer.alloc(1 << 18);
const WARM_UP_MS = 500;
let client: TunnelClient | undefined;

/** A tunnel, once data goes over the channel that is wanted. */
async function connect(channel: string): Promise<TunnelClient> {
  const up = Promise.withResolvers<void>();
  const options = { server, ca, token, serverName, onChannel: () => up.resolve() };
  const one = await TunnelClient.connect({ ...options, dtls: channel === 'DTLS' ? 'psk' : 'off' });
  if (channel === 'DTLS' && one.channel !== 'dtls') await up.promise;
  return one;
}

async function first(channel: string): Promise<object> {
  const begin = performance.now();
  const one = await connect(channel);
  const stream = await one.openTcp(resource, 19);
  stream.on('error', () => {});
  await once(stream, 'data');
  const milliseconds = performance.now() - begin;
  stream.destroy();
  await one.close();
  return { milliseconds };
}

async function down(seconds: number): Promise<{ rate: number; bytes: number }> {
  const stream = await client!.openTcp(resource, 19);
  stream.on('error', () => {});
  const begin = performance.now();
  let [all, counted, since] = [0, 0, 0];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const now = performance.now();
    all += chunk.length;
    if (since > 0) counted += chunk.length;
    else if (now - begin >= WARM_UP_MS) since = now;
    if (since > 0 && now - since >= seconds * 1000) break;
  }
  stream.destroy();
  return { rate: (counted * 8) / (performance.now() - since) / 1000, bytes: all };
}

async function up(seconds: number): Promise<{ rate: number; bytes: number }> {
  const stream = await client!.openTcp(resource, 9);
  stream.on('error', () => {});
  stream.resume();
  const begin = performance.now();
  let bytes = 0;
  while (performance.now() - begin < seconds * 1000) {
    bytes += BLOCK.length;
    if (!stream.write(BLOCK)) await once(stream, 'drain');
    // Nothing else would be done in a turn in which all of it fits.
    else await new Promise((resolve) => setImmediate(resolve));
  }
  const ended = once(stream, 'end');
  stream.end();
  await ended;
  return { rate: (bytes * 8) / (performance.now() - begin) / 1000, bytes };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', argument = ''] = line.split(' ');
  const before = process.cpuUsage();
  let answer: object = {};
  if (command === 'first') answer = await first(argument);
  else if (command === 'open') {
    await client?.close();
    client = await connect(argument);
  } else answer = command === 'down' ? await down(Number(argument)) : await up(Number(argument));
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ ...answer, cpu: (user + system) / 1e6 }));
}
process.exit(0);
