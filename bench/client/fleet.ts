/**
 * Many light clients in a process of its own. Answers each line of its input with a line of JSON, and ends with its input:
 *
 *   connect COUNT CONCURRENT   light clients; done when data goes over the channel that is wanted
 *   bare COUNT CONCURRENT      TLS connections of Node, and nothing else
 *   requests COUNT CONCURRENT  TLS connections of Node, with the requests of a login
 *   idle SECONDS               nothing
 *   memory                     RSS, after a collection, and how many are up: open, and clients by the channel that is wanted
 *
 *   node bench/client/fleet.ts <url> <ca file> <token> <channel: dtls | tls> [folder of another checkout]
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as tlsConnect } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { collectGarbage } from '../lib/garbage.ts';

const [address = '', caFile = '', token = '', channel = 'dtls', checkout] = process.argv.slice(2);
const source = (path: string): string => pathToFileURL(join(checkout ?? join(import.meta.dirname, '../..'), path)).href;
const core = (await import(source('src/client/core/index.ts'))) as typeof import('../../src/client/core/index.ts');
const { acceleratedProtection } = (await import(
  source('src/dtls/acceleration.ts')
)) as typeof import('../../src/dtls/acceleration.ts');
const { systemClock } = (await import(source('src/lib/clock.ts'))) as typeof import('../../src/lib/clock.ts');
const { systemRandom } = (await import(source('src/lib/random.ts'))) as typeof import('../../src/lib/random.ts');

const url = new URL(address);
const secureContext = core.trust(readFileSync(caFile, 'utf8'));
const waiting = new Map<unknown, () => void>();
/** Each tells whether it is up. */
const clients: (() => boolean)[] = [];
const common = {
  url,
  secureContext,
  carrier: core.systemCarrier,
  timer: new core.ClientTimer(systemClock),
  random: systemRandom,
  protection: acceleratedProtection(),
  dtls: channel === 'dtls' ? ('psk' as const) : ('off' as const),
  observer: {
    onPacket: () => {},
    onChannel: (client: unknown) => {
      waiting.get(client)?.();
      waiting.delete(client);
    },
  },
};

async function connect(): Promise<void> {
  const client = new core.LightClient(common, core.tokenSignIn(token));
  const up = new Promise<void>((resolve) => waiting.set(client, resolve));
  await client.connect();
  if (channel === 'dtls') await up;
  clients.push(() => client.open && client.channel === channel);
}

async function bare(): Promise<void> {
  const socket = tlsConnect({ host: url.hostname, port: Number(url.port), servername: 'localhost', secureContext });
  await once(socket, 'secureConnect');
  socket.on('data', () => {});
  clients.push(() => !socket.destroyed);
}

/** The same requests as a client's, on a TLS socket of Node, with nothing read of the answers but that they are there. */
async function requests(): Promise<void> {
  const socket = tlsConnect({ host: url.hostname, port: Number(url.port), servername: 'localhost', secureContext });
  await once(socket, 'secureConnect');
  const common = `Host: ${url.host}\r\nUser-Agent: Bench\r\n`;
  const body = '<config-auth client="vpn" type="init"><version who="vpn">1.0</version></config-auth>';
  const post = `${common}Content-Type: application/xml; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (const request of [
    `POST / HTTP/1.1\r\n${post}`,
    `POST / HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n${post}`,
    `CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\n${common}X-CSTP-Version: 1\r\nX-CSTP-Address-Type: IPv4\r\n\r\n`,
  ]) {
    socket.write(request);
    await once(socket, 'data');
  }
  socket.on('data', () => {});
  clients.push(() => !socket.destroyed);
}

/** Milliseconds of processor time that this process has used. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function many(count: number, concurrent: number, work: () => Promise<void>) {
  const begin = cpu();
  let next = 0;
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      while (next++ < count) await work();
    }),
  );
  return { cpu: (cpu() - begin) / count, clients: clients.length, rss: process.memoryUsage.rss() };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', first = '1', second = '1'] = line.split(' ');
  let answer: object = {};
  if (command === 'connect') answer = await many(Number(first), Number(second), connect);
  else if (command === 'bare') answer = await many(Number(first), Number(second), bare);
  else if (command === 'requests') answer = await many(Number(first), Number(second), requests);
  else if (command === 'idle') {
    const begin = cpu();
    await new Promise((resolve) => setTimeout(resolve, Number(first) * 1000));
    answer = { cpu: cpu() - begin };
  } else if (command === 'memory') {
    collectGarbage();
    answer = { rss: process.memoryUsage.rss(), up: clients.filter((up) => up()).length };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
