/** What thousands of sessions do to memory and to the cost of the next login. ocserv is not asked: it has a process for each session. */
import { mainThreadSeconds, memoryOf, openFilesLimit } from '../lib/processes.ts';
import { Sessions } from './clients.ts';
import type { Bench, Server } from './servers.ts';

export interface ScaleFigures {
  readonly sessions: number;
  readonly channel: 'TLS' | 'DTLS';
  /** Bytes of RSS for each session, as it stands at the end of the work. */
  readonly rss: number;
  /** The same after a collection of garbage. */
  readonly collected: number;
  /** How much of that is V8's young generation, which has one size for all sessions. */
  readonly young: number;
  /** CPU milliseconds of the last logins or handshakes: the whole process, and its main thread. */
  readonly cpu: number;
  readonly main: number;
}

/** Sessions of one client process: with a socket for TLS and another for DTLS it stays below any limit of open files. */
const PER_CLIENT = 4000;
/** Most logins before the first: code is compiled, and memory grows that has nothing to do with sessions. */
const WARM_UP = 300;
/** Logins whose CPU counts, the last before each size. */
const WINDOW = 1000;
/** Files that a server has open without any session. */
const SPARE_FILES = 200;
const CONCURRENT = 8;

/** The sizes that the limit of open files allows; says what to raise for the others. */
export function possibleSizes(sizes: readonly number[]): number[] {
  const limit = openFilesLimit();
  const possible = sizes.filter((size) => size + WARM_UP + SPARE_FILES <= limit);
  const largest = sizes.at(-1) ?? 0;
  if (possible.length < sizes.length)
    console.log(
      `A server needs an open file for each session, and ${limit} are allowed: run "ulimit -n ${largest + WARM_UP + SPARE_FILES}" ` +
        `in the shell before (as root) for ${largest} sessions.`,
    );
  return possible;
}

/** One server with more and more sessions. */
class Growing {
  readonly server: Server;
  readonly #clients: Sessions[] = [];
  readonly #open: () => Sessions;
  #count = 0;
  #channels = 0;
  #empty = 0;
  #withoutChannels = 0;
  #young = 0;

  constructor(bench: Bench, server: Server, storm: string | undefined) {
    this.server = server;
    this.#open = () => new Sessions(bench, server, storm);
  }

  async warmUp(count: number): Promise<void> {
    // Their sessions stay, and count for nothing.
    const client = this.#open();
    await client.login(count, CONCURRENT);
    await client.handshakes(count, CONCURRENT);
    this.#young = await this.server.collect();
    this.#empty = memoryOf(this.server.pid).rss;
  }

  async #grow(to: number): Promise<void> {
    while (this.#count < to) {
      const index = Math.floor(this.#count / PER_CLIENT);
      this.#clients[index] ??= this.#open();
      const count = Math.min(to, (index + 1) * PER_CLIENT) - this.#count;
      await this.#clients[index].login(count, CONCURRENT);
      this.#count += count;
    }
  }

  async #connect(to: number): Promise<void> {
    while (this.#channels < to) {
      const index = Math.floor(this.#channels / PER_CLIENT);
      const count = Math.min(to, (index + 1) * PER_CLIENT) - this.#channels;
      await this.#clients[index]!.handshakes(count, CONCURRENT);
      this.#channels += count;
    }
  }

  /** Grows to a size; what the last steps of it cost, and what it all takes. */
  async measure(channel: 'TLS' | 'DTLS', size: number): Promise<ScaleFigures> {
    const { server } = this;
    const grow = (to: number): Promise<void> => (channel === 'TLS' ? this.#grow(to) : this.#connect(to));
    const had = channel === 'TLS' ? this.#count : this.#channels;
    if (channel === 'DTLS' && had === 0) {
      // What the logins left behind may have been given back since.
      await server.collect();
      this.#withoutChannels = memoryOf(server.pid).rss;
    }
    const from = Math.max(had, size - WINDOW);
    await grow(from);
    const cpu = server.cpu.seconds();
    const main = mainThreadSeconds(server.pid);
    await grow(size);
    const each = 1000 / (size - from);
    const used = {
      cpu: (server.cpu.seconds() - cpu) * each,
      main: (mainThreadSeconds(server.pid) - main) * each,
    };
    const { rss } = memoryOf(server.pid);
    const young = await server.collect();
    const after = memoryOf(server.pid).rss;
    // Before all sessions have a channel, their channels alone have grown since the last login.
    const per = (now: number): number =>
      channel === 'TLS'
        ? (now - this.#empty) / size
        : (this.#withoutChannels - this.#empty) / this.#count + (now - this.#withoutChannels) / size;
    return {
      sessions: size,
      channel,
      rss: per(rss),
      collected: per(after),
      young: (young - this.#young) / size,
      ...used,
    };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** All sizes with TLS, then with DTLS; the servers take turns. */
export async function measureScale(
  bench: Bench,
  servers: readonly Server[],
  sizes: readonly number[],
  storm: string | undefined,
): Promise<Map<Server, ScaleFigures[]>> {
  const growing = servers.filter(({ kind }) => kind === 'tunnelite').map((server) => new Growing(bench, server, storm));
  const figures = new Map(growing.map(({ server }) => [server, [] as ScaleFigures[]]));
  for (const one of growing) await one.warmUp(Math.min(WARM_UP, sizes.at(-1) ?? 0));
  for (const channel of ['TLS', 'DTLS'] as const) {
    for (const size of sizes)
      for (const one of growing) figures.get(one.server)!.push(await one.measure(channel, size));
  }
  for (const one of growing) one.close();
  return figures;
}
