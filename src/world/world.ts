import { ClientTimer, networkCarrier, trust } from '../client/core/index.ts';
import { type ConfigInput, IN_PROCESS_DEFAULTS, resolveConfig } from '../config/index.ts';
import { acceleratedProtection } from '../dtls/acceleration.ts';
import { checkCount } from '../lib/count.ts';
import type { Closable } from '../lib/dispose.ts';
import { parseDuration } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import { OrderedOffload } from '../lib/offload.ts';
import { type RandomSource, seededRandom } from '../lib/random.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { type LinkName, type LinkQuality, MemoryNetwork, type NatKind } from '../network/index.ts';
import { runSimulator, type Simulator, type SimulatorRuntime } from '../simulator/index.ts';
import type { Journal } from '../telemetry/index.ts';
import { eventJson } from '../telemetry/index.ts';
import { Mainspring } from './mainspring.ts';
import { worldCertificates } from './world-certificates.ts';
import { WorldClient } from './world-client.ts';

/** What a world is made of. */
export interface WorldOptions {
  /** All chance follows from it. Default 1. */
  readonly seed?: number;
  /** How many clients there are. Default 1. */
  readonly clients?: number;
  /** The link of each client: a name, or its own qualities. Default `lan`. */
  readonly link?: LinkName | Partial<LinkQuality>;
  /** The NAT of each client. Default `none`. */
  readonly nat?: NatKind;
  /** Each client fetches a page so often, such as `10s`. Default: never by itself. */
  readonly browse?: string | number;
  /**
   * What a client signs in with: its number, and whether the gateway refused the token that it had before. Default: a new token each time.
   */
  readonly token?: (client: number, refused: boolean) => string | Promise<string>;
  /** Whether the clients connect by themselves, within the first second. Default true. */
  readonly connect?: boolean;
  /** What differs from the defaults, as for `startSimulator`. */
  readonly config?: ConfigInput;
  /** What the wall clock shows at the start, in milliseconds since the Unix epoch. Default 2026-01-01. */
  readonly start?: number;
  /** What a program supplies of its own, as for `startSimulator`. Faults: `config.faults`, or `world.sim.faults`. */
  readonly runtime?: Pick<SimulatorRuntime, 'isRevoked' | 'onEvent'>;
}

/** Events that a world remembers: eight hours of ten clients are some 150,000. */
const JOURNAL_CAPACITY = 1_000_000;

/** Milliseconds within which clients connect at the start. */
const ARRIVAL_MS = 1000;

/** How long `until` waits when it is not told. */
const PATIENCE = '1h';

/** A gateway with all around it and its clients, in one process and on virtual time. Made by `createWorld`. */
export class World implements Closable {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly sim: Simulator;
  readonly clients: readonly WorldClient[];
  readonly #spring: Mainspring;
  readonly #notes: string[];
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(parts: Pick<World, 'clock' | 'network' | 'sim' | 'clients'> & { spring: Mainspring; notes: string[] }) {
    this.clock = parts.clock;
    this.network = parts.network;
    this.sim = parts.sim;
    this.clients = parts.clients;
    this.#spring = parts.spring;
    this.#notes = parts.notes;
  }

  /** What happened at the gateway and around it. */
  get journal(): Journal {
    return this.sim.journal;
  }

  /** What happened to the clients: a line each, with the time since the start in milliseconds. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.clock.monotonic();
  }

  /**
   * Lets time pass.
   * @param duration such as `8h`, `90s`; a number is in milliseconds
   * @throws TunneliteError `ERR_DURATION_INVALID`, `ERR_WORLD_BUSY`; what a timer throws
   */
  async run(duration: string | number): Promise<void> {
    await this.#spring.runTo(this.now + parseDuration(duration));
  }

  /**
   * Lets time pass until a promise of this world is settled, and returns its result.
   *
   * @example
   * ```ts fragment
   * const page = await world.until(world.clients[0].fetch('/whoami'));
   * ```
   * @throws what the promise is rejected with; TunneliteError `ERR_WORLD_LIMIT`, `ERR_WORLD_BUSY`
   */
  until<T>(promise: Promise<T>, limit: string | number = PATIENCE): Promise<T> {
    return this.#spring.until(promise, parseDuration(limit));
  }

  /** Calls `fn` when so much time will have passed from now. */
  after(duration: string | number, fn: () => void): void {
    this.clock.setTimer(parseDuration(duration), fn);
  }

  /** Everything that happened, as text: the journal as NDJSON, and then the notes. The same seed brings the same, byte for byte. */
  transcript(): string {
    return `${this.journal.query().map(eventJson).join('')}${this.notes.join('\n')}\n`;
  }

  /** Ends the world at once; clients take no leave. */
  close(): Promise<void> {
    this.#closing ??= this.#spring.until(this.sim.close(), parseDuration(PATIENCE));
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Makes a world: a whole simulator and its clients in one process, on a network in memory and on virtual time, in which a day takes
 * seconds. The same seed brings the same journal, byte for byte. What cannot be virtual: docs/explanation/virtual-time.md.
 *
 * @example
 * ```ts
 * import { createWorld } from 'tunnelite/testing';
 *
 * await using world = await createWorld({ seed: 7, clients: 10, nat: 'hard', link: '3g', browse: '10s' });
 * await world.run('1h');
 * for (const client of world.clients) client.cutUdp();
 * await world.run('10m');
 * console.log(world.journal.query({ name: 'channel.switch' }).length);
 * ```
 * @throws TunneliteError `ERR_CONFIG_INVALID`, `ERR_NETWORK_LINK`, `ERR_COUNT_INVALID`
 */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { seed = 1, clients: count = 1, start } = options;
  checkCount('The number of clients', count);
  checkCount('The seed of a world', seed);
  const chance = seededRandom(seed);
  const fork = (): RandomSource => seededRandom(chance.uint32());
  const clock = new VirtualClock(start);
  const offload = new OrderedOffload();
  const network = new MemoryNetwork({ clock, random: fork() });
  const spring = new Mainspring(clock, offload);
  const config = resolveConfig(options.config, WORLD_DEFAULTS);
  const certificates = await worldCertificates(config);
  const runtime = { ...options.runtime, clock, random: fork(), network, offload, certificates };
  const sim = await spring.hold(runSimulator(config, runtime));
  const notes: string[] = [];
  const common = {
    url: new URL(sim.urls.gateway),
    timer: new ClientTimer(clock),
    secureContext: trust(sim.ca),
    protection: acceleratedProtection(config.acceleration),
  };
  const intranet = intranetOf(sim);
  const clients: WorldClient[] = [];
  let addresses = 0;
  const newAddress = (): string => publicAddress(addresses++);
  try {
    for (let index = 0; index < count; index++) {
      const { link = 'lan', nat = 'none' } = options;
      const line = network.line({ address: newAddress(), link, nat });
      const client = new WorldClient({
        index,
        clock,
        random: fork(),
        line,
        options: { ...common, carrier: networkCarrier(line) },
        token: (refused) => options.token?.(index, refused) ?? sim.token(),
        intranet,
        newAddress,
        note: ({ index: number }, text) => notes.push(`${clock.monotonic().toFixed(3)} client ${number} ${text}`),
      });
      clients.push(client);
    }
  } catch (error) {
    await spring.until(sim.close(), parseDuration(PATIENCE));
    throw error;
  }
  if (options.connect ?? true) {
    for (const client of clients) {
      clock.setTimer(chance.float() * ARRIVAL_MS, () => {
        client.connect().catch(() => undefined);
        if (options.browse !== undefined) client.browse(options.browse);
      });
    }
  }
  return new World({ clock, network, sim, clients, spring, notes });
}

const WORLD_DEFAULTS: ConfigInput = { ...IN_PROCESS_DEFAULTS, journal: { capacity: JOURNAL_CAPACITY } };

/** The first mock host that has the intranet site. */
function intranetOf(sim: Simulator): { readonly address: string; readonly port: number; readonly host: string } {
  for (const { names, addresses, tcp } of sim.config.services.hosts) {
    const port = Object.entries(tcp).find(([, service]) => service === 'intranet-http')?.[0];
    const address = addresses.find((each) => !each.includes(':'));
    if (port !== undefined && address !== undefined) return { address, port: Number(port), host: names[0] ?? address };
  }
  return { address: '192.0.2.1', port: 80, host: 'nowhere.invalid' };
}

/** Addresses for documentation and benchmarks (RFC 5737, RFC 2544), one after the other. */
function publicAddress(index: number): string {
  if (index < 250) return `198.51.100.${index + 1}`;
  const rest = index - 250;
  if (rest < 131_072) return `198.${18 + (rest >> 16)}.${(rest >> 8) & 255}.${rest & 255}`;
  throw new TunneliteError('ERR_INTERNAL', 'A world has used up its public addresses.');
}
