/**
 * What a light client costs: memory and CPU while it is idle, CPU of its login, beside a bare TLS connection of Node to the same gateway, and one
 * that sends the requests of a login over it.
 *
 *   node bench/client/idle.ts [clients of a round] [rounds] [seconds idle] [--only bare,requests,tls,dtls] [--against ../checkout]
 *
 * The gateway is a process of its own, and so is each fleet of clients; fleets take turns. Memory is RSS after a collection, less what it was after
 * a first round. CPU is that of the fleet's process. A login is TLS, the gateway's challenge, the token, CONNECT, and with DTLS its
 * handshake, one probe of the path MTU included. All clients stay, one round more than asked for, and those that are up in the end are counted:
 * 3 rounds of 2,500 are 10,000 in a process. A client takes one descriptor, with DTLS two (`ulimit -n`). Needs nothing but Node.js.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Child } from '../lib/child.ts';
import { digits, inTurns, least, median, medianAndLeast } from '../lib/figures.ts';
import { options, tellIfAlone } from '../lib/options.ts';

const { numbers, against, only } = options([], ['only', 'against']);
const wanted = (name: string): boolean => only.length === 0 || only.includes(name);
const [count = 200, rounds = 5, seconds = 10] = numbers;
/** Logins at a time. */
const CONCURRENT = 4;

interface Contender {
  readonly name: string;
  readonly fleet: Child;
  readonly command: string;
  readonly logins: number[];
  before: number;
}

const directory = mkdtempSync(join(tmpdir(), 'tunnelite-bench-'));
const children: Child[] = [];
function run(name: string, file: string, ...args: string[]): Child {
  const child = new Child(
    spawn(process.execPath, [join(import.meta.dirname, file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] }),
    name,
  );
  children.push(child);
  return child;
}

const gateway = await run('The gateway', 'gateway.ts').next<{
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}>();
const caFile = join(directory, 'ca.pem');
writeFileSync(caFile, gateway.ca);
const { port } = new URL(gateway.url);
function contender(name: string, command: string, channel: string, ...checkout: string[]): Contender {
  // By address: what the resolver of the machine takes is not the client's.
  const fleet = run(name, 'fleet.ts', `https://127.0.0.1:${port}`, caFile, gateway.token, channel, ...checkout);
  return { name, fleet, command, logins: [], before: 0 };
}
const contenders = [
  ...(wanted('bare') ? [contender('bare TLS', 'bare', 'tls')] : []),
  ...(wanted('requests') ? [contender('bare requests', 'requests', 'tls')] : []),
  ...(wanted('tls') ? [contender('client, TLS', 'connect', 'tls')] : []),
  ...(wanted('dtls') ? [contender('client, DTLS', 'connect', 'dtls')] : []),
  ...against.map((folder) => contender(`${basename(folder)}, DTLS`, 'connect', 'dtls', folder)),
];
tellIfAlone(against);
for (const one of contenders) {
  await one.fleet.ask(`${one.command} ${count} ${CONCURRENT}`);
  one.before = (await one.fleet.ask<{ readonly rss: number }>('memory')).rss;
}
await inTurns(rounds, contenders, async ({ fleet, command, logins }) => {
  logins.push((await fleet.ask<{ readonly cpu: number }>(`${command} ${count} ${CONCURRENT}`)).cpu);
});
const bare = contenders.find(({ command }) => command === 'bare')?.logins;
for (const { name, fleet, logins, before } of contenders) {
  const { cpu } = await fleet.ask<{ readonly cpu: number }>(`idle ${seconds}`);
  const { rss, up } = await fleet.ask<{ readonly rss: number; readonly up: number }>('memory');
  const ratio = bare
    ? `, ${(median(logins) / median(bare)).toFixed(2)} × bare TLS (${(least(logins) / least(bare)).toFixed(2)} × by the least)`
    : '';
  console.log(
    `${name.padEnd(16)} RSS ${digits((rss - before) / 1024 / (rounds * count))} KiB each, login ${medianAndLeast(logins)} ms CPU${ratio}, ` +
      `idle ${digits((cpu / seconds / ((rounds + 1) * count)) * 1000)} µs CPU a second each, ${up} up in ${Math.round(rss / 1024 / 1024)} MiB`,
  );
}
for (const { process: child } of children.toReversed()) child.stdin!.end();
rmSync(directory, { recursive: true, force: true });
