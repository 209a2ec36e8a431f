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

/** Options of a world. */
export interface WorldOptions {
  /** Seed of all randomness. Default 1. */
  readonly seed?: number;
  /** Number of clients. Default 1. */
  readonly clients?: number;
  /** The link of each client: a name, or its own properties. Default `lan`. */
  readonly link?: LinkName | Partial<LinkQuality>;
  /** The NAT of each client. Default `none`. */
  readonly nat?: NatKind;
  /** Interval at which each client fetches a page, such as `10s`. Default: never. */
  readonly browse?: string | number;
  /**
   * Gets the token of a client: its number, and whether the gateway refused its previous token. Default: a new token each time.
   */
  readonly token?: (client: number, refused: boolean) => string | Promise<string>;
  /** Whether the clients connect automatically, within the first second. Default true. */
  readonly connect?: boolean;
  /** Settings that differ from the defaults, as for `startSimulator`. */
  readonly config?: ConfigInput;
  /** Wall-clock time at the start, in milliseconds since the Unix epoch. Default 2026-01-01. */
  readonly start?: number;
  /** Parts that a program supplies itself, as for `startSimulator`. Faults: `config.faults`, or `world.sim.faults`. */
  readonly runtime?: Pick<SimulatorRuntime, 'isRevoked' | 'onEvent'>;
}

/** Number of events kept by a world: eight hours of ten clients produce some 150,000. */
const JOURNAL_CAPACITY = 1_000_000;

/** Milliseconds within which clients connect at the start. */
const ARRIVAL_MS = 1000;

/** Default time limit of `until`. */
const PATIENCE = '1h';

/** A gateway with its surroundings and its clients, in one process and on virtual time. Created by `createWorld`. */
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

  /** Events of the gateway and its surroundings. */
  get journal(): Journal {
    return this.sim.journal;
  }

  /** Events of the clients: one line each, with the time since the start in milliseconds. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.clock.monotonic();
  }

  /**
   * Advances time.
   * @param duration such as `8h`, `90s`; a number is in milliseconds
   * @throws TunneliteError `ERR_DURATION_INVALID`, `ERR_WORLD_BUSY`; what a timer throws
   */
  async run(duration: string | number): Promise<void> {
    await this.#spring.runTo(this.now + parseDuration(duration));
  }

  /**
   * Advances time until a promise of this world is settled, and returns its result.
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

  /** Calls `fn` after this much time from now. */
  after(duration: string | number, fn: () => void): void {
    this.clock.setTimer(parseDuration(duration), fn);
  }

  /** Everything that happened, as text: the journal as NDJSON, then the notes. The same seed always produces the same bytes. */
  transcript(): string {
    return `${this.journal.query().map(eventJson).join('')}${this.notes.join('\n')}\n`;
  }

  /** Ends the world immediately; clients do not disconnect. */
  close(): Promise<void> {
    this.#closing ??= this.#spring.until(this.sim.close(), parseDuration(PATIENCE));
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Creates a world: a complete simulator and its clients in one process, on an in-memory network and on virtual time, in which a day takes
 * seconds. The same seed produces the same journal, byte for byte. What cannot be virtual: docs/explanation/virtual-time.md.
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

/** The first mock host that serves the intranet site. */
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
  throw new TunneliteError('ERR_INTERNAL', 'The world has no public addresses left.');
}
