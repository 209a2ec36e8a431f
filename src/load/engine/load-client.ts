import { backoff } from '../../client/core/backoff.ts';
import {
  type Carrier,
  type ChannelName,
  type ImpairedCarrier,
  type LightClient,
  type SignIn,
  type TunnelConfiguration,
  tokenSignIn,
} from '../../client/core/index.ts';
import { InnerHost } from '../../client/inner-host.ts';
import type { Clock } from '../../lib/clock.ts';
import { isTunneliteError } from '../../lib/errors.ts';
import { addressBytes } from '../../lib/ip-address.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { Tally } from '../result/tally.ts';
import type { Books } from './books.ts';
import { causeOf } from './cause.ts';
import { type FlowParts, InnerFlow } from './inner-flow.ts';
import { firstAddress, type PingCodec } from './ping.ts';
import { RequestLedger } from './request-ledger.ts';
import type { ClientLogin } from './types.ts';
import { DtlsWatch, FallbackWatch, ReconnectWatch } from './watches.ts';

export type Place = 'out' | 'logging in' | 'in' | 'over';

/** Ours: pauses between logins after a node was lost, in milliseconds. */
const RELOGIN_FIRST_MS = 1000;
const RELOGIN_MOST_MS = 30_000;

/** A login in progress. */
interface Login {
  /** Undefined: the client had logged in before, and its session is gone. */
  readonly arrival: { readonly intended: number; readonly tally: Tally } | undefined;
  readonly failures: number;
  /** A refused token has already been replaced. */
  readonly renewed: boolean;
}

/** What the clients of a run share, and their callbacks. */
export interface ClientOwner {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly books: Books;
  readonly codec: PingCodec;
  readonly login: ClientLogin;
  /** Milliseconds. */
  readonly reconnectTimeout: number;
  /** The target of all requests; undefined: for each client the gateway's end of its own network. */
  readonly target: Buffer | undefined;
  now(): number;
  makeClient(owner: LoadClientRun, signIn: SignIn): LightClient;
  /** The network of a client after this many moves. */
  network(index: number, moves: number): Carrier;
  moved(from: ChannelName | undefined, to: ChannelName | undefined): void;
  scheduledOne(): void;
  answered(milliseconds: number): void;
  loggedIn(): void;
  tunnelOpened(configuration: TunnelConfiguration): void;
  /** Of a client that has an inner flow. */
  flowOf(index: number): FlowParts | undefined;
  /** Destination of flows. */
  flowAddress(
    host: InnerHost,
    configuration: TunnelConfiguration,
  ): Promise<{ readonly address: string; readonly port: number }>;
}

/** One client of a load test: its tunnel, its requests, and its pending measurements. */
export class LoadClientRun {
  readonly index: number;
  readonly carrier: ImpairedCarrier;
  readonly #fleet: ClientOwner;
  readonly #ledger: RequestLedger;
  #client: LightClient | undefined;
  #place: Place = 'out';
  #channel: ChannelName | undefined;
  #login: Login | undefined;
  #token = '';
  #source: Buffer | undefined;
  #target: Buffer | undefined;
  #moves = 0;
  /** Its session ends with its connection: it must log in again. */
  #sessionLost = false;
  #dtls: DtlsWatch | undefined;
  #fallback: FallbackWatch | undefined;
  #reconnect: ReconnectWatch | undefined;
  #host: InnerHost | undefined;
  #flow: InnerFlow | undefined;

  constructor(fleet: ClientOwner, index: number, carrier: ImpairedCarrier, period: number) {
    this.#fleet = fleet;
    this.index = index;
    this.carrier = carrier;
    this.#ledger = new RequestLedger(period);
  }

  get place(): Place {
    return this.#place;
  }

  /** The channel that its packets use; undefined: it has no tunnel. */
  get channel(): ChannelName | undefined {
    return this.#channel;
  }

  /** Whether no measurement is pending. */
  get settled(): boolean {
    return this.#place !== 'logging in' && !this.#dtls && !this.#fallback && !this.#reconnect;
  }

  // --- actions of a plan. Each returns why it has no effect on this client, or undefined.

  login(intended: number, tally: Tally): void {
    tally.count('login.planned');
    this.#begin({ arrival: { intended, tally }, failures: 0, renewed: false });
  }

  cutUdp(share: number, tally: Tally, now: number): string | undefined {
    this.carrier.lose(share);
    this.#endDtlsWatch(now);
    if (this.#channel === undefined) return 'the client has no tunnel';
    if (this.#channel === 'tls') return 'the client has no DTLS channel';
    if (share >= 1) this.#fallback = new FallbackWatch(tally, now);
    return undefined;
  }

  restoreUdp(tally: Tally, now: number): string | undefined {
    const lost = this.carrier.loss;
    this.carrier.lose(0);
    this.#endDtlsWatch(now);
    if (lost === 0) return 'none of the client’s datagrams were lost';
    if (this.#channel === undefined) return 'the client has no tunnel';
    if (this.#channel === 'dtls') return 'the client has not left DTLS';
    this.#dtls = new DtlsWatch('return', tally, now);
    return undefined;
  }

  roam(tally: Tally, now: number): string | undefined {
    if (this.#place !== 'in') return 'the client has no tunnel';
    this.#struck(tally, now);
    this.carrier.moveTo(this.#fleet.network(this.index, ++this.#moves));
    this.#client!.networkChanged();
    return undefined;
  }

  loseNode(how: 'silence' | 'reset', cookies: 'lost' | 'kept', tally: Tally, now: number): string | undefined {
    if (this.#channel === undefined) return 'the client has no tunnel';
    this.#struck(tally, now);
    this.#sessionLost = cookies === 'lost';
    if (how === 'silence') this.carrier.fallSilent();
    else this.carrier.reset();
    return undefined;
  }

  #struck(tally: Tally, now: number): void {
    this.#endDtlsWatch(now);
    this.#reconnect = new ReconnectWatch(tally, now);
  }

  /** The phase has ended: records pending measurements with their duration so far. */
  endPhase(now: number): void {
    this.#fallback?.never(now, this.#ledger);
    this.#fallback = undefined;
    this.#reconnect?.never(now, this.#ledger);
    this.#reconnect = undefined;
  }

  /** The phase that restored UDP has ended. A login's own wait for DTLS continues. */
  endReturn(now: number): void {
    this.#endDtlsWatch(now);
  }

  /** The run has ended. */
  finish(now: number): void {
    this.endPhase(now);
    this.#endDtlsWatch(now);
    const arrival = this.#place === 'logging in' ? this.#login?.arrival : undefined;
    if (arrival) {
      arrival.tally.count('login.failed');
      arrival.tally.refused('not finished when the run ended');
      arrival.tally.record('login', now - arrival.intended);
    }
    if (this.#flow?.stalled) this.#fleet.books.at(now).count('flows.stalled');
  }

  /** Disconnects. Resolves when the packet is sent. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#place = 'over';
    this.#leaveFlow();
    await client?.close();
    this.carrier.close();
  }

  // --- its schedule

  /** A request is due. */
  request(intended: number): void {
    const client = this.#client;
    const { codec, books } = this.#fleet;
    if (this.#source === undefined || this.#target === undefined) return;
    const tally = books.at(intended);
    const number = this.#ledger.schedule(intended);
    tally.count('requests.scheduled');
    this.#fleet.scheduledOne();
    codec.write(this.#source, this.#target, this.index, number);
    if (client?.send(codec.buffer, codec.offset, codec.size) === undefined) tally.count('requests.unsent');
  }

  /** Bytes of its inner flow are due. */
  flowTurn(intended: number): void {
    this.#flow?.send(intended);
  }

  // --- callbacks from its tunnel

  tunnelOpened(client: LightClient, configuration: TunnelConfiguration): void {
    if (client !== this.#client) return;
    const now = this.#fleet.now();
    const login = this.#login;
    const { arrival } = login ?? {};
    const fresh = login !== undefined;
    this.#login = undefined;
    this.#place = 'in';
    this.#setChannel('tls');
    if (arrival) {
      arrival.tally.count('login.done');
      arrival.tally.record('login', now - arrival.intended);
      if (configuration.dtls !== undefined) this.#dtls = new DtlsWatch('dtls', arrival.tally, now);
    }
    this.#reconnect?.open(now);
    if (!fresh) return;
    const { address4, netmask4 } = configuration;
    this.#source = address4 === undefined ? undefined : addressBytes(address4);
    this.#target = this.#fleet.target ?? (address4 && netmask4 ? firstAddress(address4, netmask4) : undefined);
    this.#fleet.tunnelOpened(configuration);
    this.#openFlow(client, configuration);
  }

  channelChanged(client: LightClient, channel: ChannelName): void {
    if (client !== this.#client || !client.open) return;
    const now = this.#fleet.now();
    this.#setChannel(channel);
    this.#fleet.books.at(now).count('channel.changes');
    if (channel === 'tls') {
      this.#fallback?.decided(now);
      return;
    }
    this.#dtls?.up(now);
    this.#dtls = undefined;
  }

  batch(): void {
    this.#host?.driver.tick();
  }

  packet(client: LightClient, buffer: Buffer, offset: number, length: number, channel: ChannelName): void {
    if (client !== this.#client) return;
    const answer = this.#fleet.codec.read(buffer, offset, length);
    if (!answer) {
      this.#host?.stack.input(buffer, offset, length);
      return;
    }
    if (answer.client !== this.index) return;
    const ledger = this.#ledger;
    const unanswered = ledger.unansweredSince(answer.request);
    const outcome = ledger.answer(answer.request);
    if (outcome === undefined) return;
    const now = this.#fleet.now();
    const intended = ledger.intended(answer.request);
    const tally = this.#fleet.books.at(intended);
    if (outcome === 'repeated') {
      tally.count('requests.repeated');
      return;
    }
    tally.count('requests.answered');
    tally.record(channel === 'tls' ? 'roundtrip.tls' : 'roundtrip.dtls', now - intended);
    this.#fleet.answered(now - intended);
    if (channel === 'tls' && this.#fallback) {
      this.#fallback.answered(now, unanswered);
      this.#fallback = undefined;
    }
    if (this.#reconnect?.opened) {
      this.#reconnect.answered(now, unanswered);
      this.#reconnect = undefined;
    }
  }

  batchEnd(): void {
    this.#host?.stack.flush();
  }

  lost(client: LightClient): void {
    if (client !== this.#client) return;
    this.#setChannel(undefined);
    if (!this.#sessionLost) return;
    this.#sessionLost = false;
    this.#forgetClient();
    queueMicrotask(() => {
      void client.close();
      if (this.#place === 'in') this.#begin({ arrival: undefined, failures: 0, renewed: false });
    });
  }

  ended(client: LightClient, error: unknown): void {
    // A failed login is reported by its promise.
    if (client !== this.#client || this.#place !== 'in' || this.#login !== undefined) return;
    const tally = this.#fleet.books.at(this.#fleet.now());
    tally.count('sessions.lost');
    tally.refused(causeOf(error));
    this.#place = 'over';
    this.#setChannel(undefined);
    this.#forgetClient();
  }

  // --- login

  #begin(login: Login): void {
    if (this.#place !== 'in') this.#place = 'logging in';
    this.#login = login;
    const client = this.#fleet.makeClient(this, this.#signIn());
    this.#client = client;
    client.connect().then(
      () => this.#fleet.loggedIn(),
      (error: unknown) => {
        if (client === this.#client) this.#failed(error, login);
      },
    );
  }

  #signIn(): SignIn {
    const { login } = this.#fleet;
    if ('signIn' in login) return login.signIn;
    return tokenSignIn(async () => {
      this.#token = await login.tokens.get(this.index);
      return this.#token;
    });
  }

  #failed(error: unknown, login: Login): void {
    this.#client = undefined;
    const { arrival, failures, renewed } = login;
    const { login: how, clock, reconnectTimeout } = this.#fleet;
    const refusedToken = isTunneliteError(error, 'ERR_CLIENT_TOKEN_REFUSED') && 'tokens' in how;
    if (refusedToken && !renewed) {
      how.tokens.refused(this.index, this.#token);
      this.#begin({ ...login, renewed: true });
      return;
    }
    const tally = arrival?.tally ?? this.#fleet.books.at(this.#fleet.now());
    tally.refused(causeOf(error));
    if (arrival) {
      tally.count('login.failed');
      this.#place = 'over';
      this.#login = undefined;
      return;
    }
    const since = this.#reconnect?.since;
    const late = since === undefined || this.#fleet.now() - since > reconnectTimeout;
    if (late) {
      tally.count('sessions.lost');
      this.#place = 'over';
      this.#login = undefined;
      return;
    }
    clock.setTimer(backoff(failures, RELOGIN_FIRST_MS, RELOGIN_MOST_MS, this.#fleet.random), () => {
      if (this.#place === 'in' && this.#client === undefined) {
        this.#begin({ arrival: undefined, failures: failures + 1, renewed: false });
      }
    });
  }

  // --- helpers

  #setChannel(channel: ChannelName | undefined): void {
    if (channel === this.#channel) return;
    this.#fleet.moved(this.#channel, channel);
    this.#channel = channel;
  }

  #endDtlsWatch(now: number): void {
    this.#dtls?.never(now);
    this.#dtls = undefined;
  }

  /** Its tunnel has ended permanently, and so has everything in it. */
  #forgetClient(): void {
    this.#client = undefined;
    this.#host?.close();
    this.#host = undefined;
    this.#flow = undefined;
  }

  #leaveFlow(): void {
    this.#flow?.leave();
    this.#flow = undefined;
    this.#host?.close();
    this.#host = undefined;
  }

  #openFlow(client: LightClient, configuration: TunnelConfiguration): void {
    const parts = this.#fleet.flowOf(this.index);
    const { address4 } = configuration;
    if (!parts || address4 === undefined) return;
    const { clock, random } = this.#fleet;
    const output = (buffer: Buffer, offset: number, length: number): void => void client.send(buffer, offset, length);
    const host = new InnerHost({ configuration, clock, random, output });
    const flow = new InnerFlow(parts);
    this.#host = host;
    this.#flow = flow;
    this.#fleet.flowAddress(host, configuration).then(
      (target) => flow.open(host, address4, target.address, target.port),
      () => this.#fleet.books.at(this.#fleet.now()).count('flows.failed'),
    );
  }
}
