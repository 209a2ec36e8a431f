import {
  type Carrier,
  type ChannelName,
  ImpairedCarrier,
  LightClient,
  type LightClientObserver,
  type LightClientOptions,
  SEND_HEADROOM,
  type SignIn,
  type TunnelConfiguration,
} from '../../client/core/index.ts';
import type { InnerHost } from '../../client/inner-host.ts';
import { resolveThrough } from '../../client/resolve.ts';
import type { Clock } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { addressBytes } from '../../lib/ip-address.ts';
import { type RandomSource, seededRandom } from '../../lib/random.ts';
import { flowTarget } from '../plan/flow-target.ts';
import type { CheckedPlan } from '../plan/read.ts';
import { ALONE, ownCount, ownNumber } from '../plan/worker.ts';
import { type Behaviour, behaviourOf } from './behaviour.ts';
import type { Books } from './books.ts';
import type { FlowParts } from './inner-flow.ts';
import { type ClientOwner, LoadClientRun } from './load-client.ts';
import { PingCodec } from './ping.ts';
import type { ClientLogin, LoadSurroundings } from './types.ts';

const DEFAULT_SIZE = 84;

/** All clients of a run, or those of a worker, and what they share. */
export class Fleet implements ClientOwner {
  readonly clients: readonly LoadClientRun[];
  /** How many clients have an inner flow: the first ones. */
  readonly flows: number;
  readonly books: Books;
  readonly codec: PingCodec;
  readonly login: ClientLogin;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly reconnectTimeout: number;
  /** The target of all requests; undefined: for each client the gateway's end of its own network. */
  readonly target: Buffer | undefined;
  /** The gateway's settings received by the first client. */
  configuration: TunnelConfiguration | undefined;
  readonly #surroundings: LoadSurroundings;
  readonly #common: Omit<LightClientOptions<LightClient>, 'carrier'>;
  readonly #onAnswer: (milliseconds: number) => void;
  readonly #flow:
    | { readonly parts: FlowParts; readonly least: number; readonly host: string; readonly port: number }
    | undefined;
  #address: Promise<string> | undefined;
  #scheduled = 0;
  #dtls = 0;
  #tls = 0;

  /** @param onAnswer called for the first answer to a request, with the milliseconds since it was intended */
  constructor(
    { plan, worker = ALONE }: CheckedPlan,
    surroundings: LoadSurroundings,
    books: Books,
    onAnswer: (milliseconds: number) => void,
  ) {
    const { clock, random, login, timer, url, serverName, secureContext, protection } = surroundings;
    const { clients: count, seed = 1, traffic, flows } = plan;
    const behaviour: Behaviour = behaviourOf(plan);
    const run = random.uint32();
    this.#surroundings = surroundings;
    this.#onAnswer = onAnswer;
    this.books = books;
    this.login =
      'tokens' in login ? { tokens: login.tokens(() => books.at(this.now()).count('tokens.fetched')) } : login;
    this.clock = clock;
    this.random = random;
    this.reconnectTimeout = behaviour.reconnect;
    this.codec = new PingCodec(traffic?.size ?? DEFAULT_SIZE, SEND_HEADROOM, run);
    const ping = traffic?.ping ?? 'gateway';
    this.target = ping === 'gateway' ? undefined : addressBytes(ping);
    this.#common = {
      url,
      timer,
      random,
      secureContext,
      serverName,
      protection,
      observer: OBSERVER,
      dtls: behaviour.dtls,
      userAgent: behaviour.userAgent,
      unansweredLimit: behaviour.unanswered,
      dtlsRetry: behaviour.dtlsRetry,
      reconnectTimeout: behaviour.reconnect,
      connectTimeout: behaviour.timeout,
    };
    if (flows) {
      const parts = { books, period: parseDuration(flows.every ?? '1s'), run, now: () => clock.monotonic() };
      this.#flow = { parts, least: Math.round((flows.share ?? 1) * count), ...flowTarget(flows.to)! };
    }
    const chance = seededRandom(seed ^ 0x6c6f7373);
    const silence = plan.phases.some(({ phase, how = 'silence' }) => phase === 'node loss' && how === 'silence');
    const period = parseDuration(traffic?.every ?? '1s');
    const seeds = Array.from({ length: count }, () => chance.uint32());
    this.clients = Array.from({ length: ownCount(count, worker) }, (_, place) => {
      const index = ownNumber(place, worker);
      const carrier = new ImpairedCarrier(this.network(index, 0), seededRandom(seeds[index]!), silence);
      return new LoadClientRun(this, index, carrier, period);
    });
    this.flows = ownCount(this.#flow?.least ?? 0, worker);
  }

  now(): number {
    return this.clock.monotonic();
  }

  /** Number of requests that were due so far. */
  get scheduled(): number {
    return this.#scheduled;
  }

  /** Number of clients, by the channel that their packets use. */
  get channels(): { readonly dtls: number; readonly tls: number; readonly none: number } {
    return { dtls: this.#dtls, tls: this.#tls, none: this.clients.length - this.#dtls - this.#tls };
  }

  /** The network of a client after this many moves. */
  network(index: number, moves: number): Carrier {
    return this.#surroundings.carrier(index, moves);
  }

  makeClient(owner: LoadClientRun, signIn: SignIn): LightClient {
    return new LightClient({ ...this.#common, carrier: owner.carrier }, signIn, owner);
  }

  // --- callbacks from clients

  moved(from: ChannelName | undefined, to: ChannelName | undefined): void {
    this.#add(from, -1);
    this.#add(to, 1);
  }

  scheduledOne(): void {
    this.#scheduled++;
  }

  answered(milliseconds: number): void {
    this.#onAnswer(milliseconds);
  }

  loggedIn(): void {
    if ('tokens' in this.login) this.login.tokens.accepted();
  }

  tunnelOpened(configuration: TunnelConfiguration): void {
    this.configuration ??= configuration;
  }

  flowOf(index: number): FlowParts | undefined {
    return this.#flow && index < this.#flow.least ? this.#flow.parts : undefined;
  }

  /** The address of the flow target, resolved once. */
  async flowAddress(
    host: InnerHost,
    configuration: TunnelConfiguration,
  ): Promise<{ readonly address: string; readonly port: number }> {
    const { host: name, port } = this.#flow!;
    if (/^[\d.]+$/.test(name)) return { address: name, port };
    const { clock, random } = this;
    this.#address ??= resolveThrough({ stack: host.stack, configuration, clock, random, name }).then(
      (addresses) => addresses.find((one) => !one.includes(':')) ?? addresses[0]!,
    );
    try {
      return { address: await this.#address, port };
    } catch (error) {
      // The client that resolved it may have lost its tunnel; the next one tries again.
      this.#address = undefined;
      throw error;
    }
  }

  #add(channel: ChannelName | undefined, by: number): void {
    if (channel === 'dtls') this.#dtls += by;
    else if (channel === 'tls') this.#tls += by;
  }
}

const ownerOf = (client: LightClient): LoadClientRun => client.context as LoadClientRun;

/** One for all clients. */
const OBSERVER: LightClientObserver<LightClient> = {
  onTunnel: (client, configuration) => ownerOf(client).tunnelOpened(client, configuration),
  onChannel: (client, channel) => ownerOf(client).channelChanged(client, channel),
  onBatch: (client) => ownerOf(client).batch(),
  onPacket: (client, buffer, offset, length, channel) =>
    ownerOf(client).packet(client, buffer, offset, length, channel),
  onBatchEnd: (client) => ownerOf(client).batchEnd(),
  onLost: (client) => ownerOf(client).lost(client),
  onEnd: (client, error) => ownerOf(client).ended(client, error),
};
