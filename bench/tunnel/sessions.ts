/**
 * Logins, reconnects and DTLS handshakes a second and their CPU, and memory a session, beside ocserv; then CPU a login and memory a
 * session with thousands of them.
 *
 *   sudo node bench/tunnel/sessions.ts [logins of a round] [logins at a time] [rounds] [--sizes=1000,10000] [--no-scale]
 *     [--against ../checkout] [--no-ocserv]
 *
 * A login is a new TLS connection, authentication and CONNECT: one POST with a bearer token for the simulator, three with user and
 * password for ocserv. A reconnect is a new TLS connection and CONNECT with a cookie, the same for both. Clients are processes of their own; handshakes
 * are made by a light one in C, which is compiled where there is a compiler with OpenSSL's headers. Rates suffer from what the clients take
 * of the same machine; CPU of the server hardly does. Memory is the growth of the proportional set size (PSS) of all the server's
 * processes, or with thousands of sessions of RSS. Needs root, and an open file for each session (`ulimit -n`); `--against` measures another
 * checkout of this repository in the same run.
 */
import { digits, medianAndLeast, times, timesAndLeast } from '../lib/figures.ts';
import { options } from '../lib/options.ts';
import { compileStorm } from './clients.ts';
import { type LoginFigures, measureLogins, type Work } from './logins.ts';
import { measureScale, possibleSizes } from './scale.ts';
import { Bench, need, type Server } from './servers.ts';

const { numbers, flags, against, sizes } = options(['no-ocserv', 'no-scale'], ['against', 'sizes']);
const [count = 100, concurrent = 8, rounds = 5] = numbers;
const wanted = { ocserv: !flags.has('no-ocserv'), against };
need(['ip', ...(wanted.ocserv ? ['python3'] : [])]);

const kib = (bytes: number): string => `${digits(bytes / 1024)} KiB`;

function line(what: string, server: Server, work: Work, ours: Work): string {
  const ratios =
    work === ours
      ? ''
      : `; tunnelite ${times(ours.rates, work.rates)} as fast, ${timesAndLeast(ours.cpu, work.cpu)} its CPU`;
  return `${what.padEnd(15)} ${server.name.padEnd(10)} ${medianAndLeast(work.rates)}/s, ${medianAndLeast(work.cpu)} ms CPU each${ratios}`;
}

{
  await using bench = new Bench();
  const servers = await bench.start(wanted);
  const figures = await measureLogins(bench, servers, {
    ...{ rounds, count, concurrent },
    warmUp: 2 * count,
    storm: compileStorm(bench),
  });
  const ours = figures.get(servers[0]!)!;
  for (const [what, of] of [
    ['logins', (one: LoginFigures) => one.logins],
    ['reconnects', (one: LoginFigures) => one.resumes],
    ['DTLS handshakes', (one: LoginFigures) => one.handshakes],
  ] as const) {
    for (const [server, one] of figures) console.log(line(what, server, of(one), of(ours)));
  }
  for (const [server, { tls, dtls }] of figures) {
    const ratios =
      server === servers[0]
        ? ''
        : `; tunnelite ${(ours.tls / tls).toFixed(3)} × and ${(ours.dtls / dtls).toFixed(3)} ×`;
    console.log(
      `memory          ${server.name.padEnd(10)} ${kib(tls)} a session on TLS, ${kib(dtls)} with DTLS (PSS)${ratios}`,
    );
  }
}

const scale = flags.has('no-scale') ? [] : possibleSizes(sizes ?? [1000, 10_000]);
if (scale.length > 0) {
  await using bench = new Bench();
  const servers = await bench.start({ ...wanted, ocserv: false });
  const figures = await measureScale(bench, servers, scale, compileStorm(bench));
  for (const [server, all] of figures) {
    for (const { sessions, channel, rss, collected, young, cpu, main } of all) {
      console.log(
        `${`${sessions} ${channel}`.padEnd(15)} ${server.name.padEnd(10)} RSS ${kib(rss)} a session (${kib(collected)} after a collection, of which ${kib(young)} are V8's young generation), ` +
          `CPU ${digits(cpu)} ms a ${channel === 'TLS' ? 'login' : 'handshake'} (${digits(main)} in the main thread)`,
      );
    }
  }
}
