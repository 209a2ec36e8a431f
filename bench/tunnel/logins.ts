/** Logins, reconnects and DTLS handshakes, each server in its turn. */
import { setTimeout } from 'node:timers/promises';
import { inTurns } from '../lib/figures.ts';
import { memoryOf } from '../lib/processes.ts';
import { type Done, Sessions } from './clients.ts';
import type { Bench, Server } from './servers.ts';

export interface Work {
  /** Per second, one for each round. */
  readonly rates: number[];
  /** CPU milliseconds of the server for each. */
  readonly cpu: number[];
}

export interface LoginFigures {
  readonly logins: Work;
  readonly resumes: Work;
  readonly handshakes: Work;
  /** Bytes that a session adds, as PSS of all the server's processes: with TLS alone, and with its DTLS channel. */
  tls: number;
  dtls: number;
}

/** What a server does after its answer belongs to the work too: ocserv's worker sets up its device then. */
const SETTLE_MS = 150;

/** One round of work; the server's CPU until it has come to rest. */
async function round(server: Server, count: number, into: Work, work: () => Promise<Done>): Promise<void> {
  const before = server.cpu.seconds();
  const { perSecond } = await work();
  await setTimeout(SETTLE_MS);
  into.rates.push(perSecond);
  into.cpu.push(((server.cpu.seconds() - before) * 1000) / count);
}

export interface LoginOptions {
  readonly rounds: number;
  /** Of a round. */
  readonly count: number;
  /** Before the first round, for each kind of work. */
  readonly warmUp: number;
  readonly concurrent: number;
  /** The compiled client for handshakes. */
  readonly storm: string | undefined;
}

/** Logs in, resumes, and makes handshakes: `count` of each in a round. */
export async function measureLogins(
  bench: Bench,
  servers: readonly Server[],
  { rounds, count, warmUp, concurrent, storm }: LoginOptions,
): Promise<Map<Server, LoginFigures>> {
  const none = (): Work => ({ rates: [], cpu: [] });
  const figures = new Map<Server, LoginFigures>(
    servers.map((server) => [
      server,
      { logins: none(), resumes: none(), handshakes: none(), tls: Number.NaN, dtls: Number.NaN },
    ]),
  );
  const all = new Map(servers.map((server) => [server, new Sessions(bench, server, storm)]));
  /** PSS after the collection of garbage. */
  const memory = async (server: Server): Promise<number> => {
    await server.collect();
    return memoryOf(server.pid).pss;
  };
  const empty = new Map<Server, number>();
  const full = new Map<Server, number>();
  for (const server of servers) {
    await all.get(server)!.login(warmUp, concurrent);
    empty.set(server, await memory(server));
  }
  await inTurns(rounds, servers, (server) =>
    round(server, count, figures.get(server)!.logins, () => all.get(server)!.login(count, concurrent)),
  );
  for (const server of servers) {
    full.set(server, await memory(server));
    figures.get(server)!.tls = (full.get(server)! - empty.get(server)!) / (rounds * count);
    await all.get(server)!.handshakes(warmUp, concurrent);
    empty.set(server, await memory(server));
  }
  await inTurns(rounds, servers, (server) =>
    round(server, count, figures.get(server)!.handshakes, () => all.get(server)!.handshakes(count, concurrent)),
  );
  for (const server of servers) {
    const one = figures.get(server)!;
    one.dtls = one.tls + ((await memory(server)) - empty.get(server)!) / (rounds * count);
  }
  await inTurns(rounds, servers, (server) =>
    round(server, count, figures.get(server)!.resumes, () => all.get(server)!.resume(count, concurrent)),
  );
  for (const sessions of all.values()) sessions.close();
  return figures;
}
