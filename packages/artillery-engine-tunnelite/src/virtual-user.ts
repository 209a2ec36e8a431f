import { ImpairedCarrier, systemCarrierFrom, TunnelClient, withFreshToken } from 'tunnelite/client';
import type { Events } from './artillery.ts';
import { codeOf, EngineError } from './errors.ts';
import type { Login } from './login.ts';
import type { Tokens } from './tokens.ts';
import { scriptError } from './values.ts';
import { Watch } from './watch.ts';

type Channel = TunnelClient['channel'];
/** What a user sends to get an answer. */
type Probe = 'request' | 'ping' | 'udp';

/** The effect of a lost packet on a DNS query, a ping, a connection, a request. */
const LOSSES: ReadonlySet<string> = new Set([
  'ERR_CLIENT_DNS',
  'ERR_CLIENT_FETCH',
  'ERR_CLIENT_OPEN',
  'ERR_ENGINE_TIMEOUT',
]);

/** What the users of a worker share. */
export interface Shared {
  readonly tokens: Tokens;
  /** The next local address to connect from; undefined: any. */
  readonly nextSource: () => string | undefined;
}

/** One user of a run: its tunnel, its network, and the faults in it. */
export class VirtualUser {
  readonly #shared: Shared;
  readonly #events: Events;
  #client: TunnelClient | undefined;
  #carrier: ImpairedCarrier | undefined;
  #watch: Watch;
  /** Why the tunnel ended without being closed. */
  #lost: Error | undefined;
  /** Called when something has changed. */
  readonly #waiting = new Set<() => void>();

  constructor(shared: Shared, events: Events) {
    this.#shared = shared;
    this.#events = events;
    this.#watch = new Watch(events);
  }

  /** Logs in and opens the tunnel. @throws TunneliteError, EngineError */
  async connect(login: Login): Promise<void> {
    if (this.#client) throw scriptError('The user has a tunnel already. Let "disconnect" come first.');
    const events = this.#events;
    const watch = new Watch(events);
    this.#watch = watch;
    const carrier = new ImpairedCarrier(this.#network());
    this.#carrier = carrier;
    const connect = (token: string | (() => Promise<string>)): Promise<TunnelClient> =>
      TunnelClient.connect({
        server: login.server,
        token,
        ...(login.ca !== undefined && { ca: login.ca, resourceCa: login.ca }),
        dtls: login.dtls,
        timeout: login.timeout,
        reconnectTimeout: login.reconnectTimeout,
        carrier,
        onStep: (step) => {
          if (step.step === 'tunnel') watch.tunnelOpened(step.configuration);
        },
        onState: (state, from) => {
          watch.stateChanged(state, from);
          this.#changed();
        },
        onChannel: (channel) => {
          watch.channelChanged(channel);
          this.#changed();
        },
        onDisconnect: (error) => {
          this.#lost = error;
          events.emit('counter', 'tunnelite.sessions.lost', 1);
          this.#changed();
        },
      });
    this.count('connect.attempts');
    events.emit('rate', 'tunnelite.connect_rate');
    const begun = performance.now();
    const { origin } = login;
    this.#client =
      'token' in origin
        ? await connect(origin.token)
        : await withFreshToken((refused) => this.#shared.tokens.get(origin, refused), connect);
    this.time('connect', performance.now() - begun);
    this.count('connect.done');
  }

  /** Its tunnel. @throws EngineError `ERR_ENGINE_NOT_CONNECTED`; why the tunnel ended */
  get client(): TunnelClient {
    if (this.#lost) throw this.#lost;
    if (this.#client) return this.#client;
    throw new EngineError('ERR_ENGINE_NOT_CONNECTED', 'The user has no tunnel. Let "connect" come first.');
  }

  /** Sets the share of its datagrams that is lost, in each direction. */
  blockUdp(loss: number): void {
    void this.client;
    this.#carrier!.lose(loss);
    if (loss >= 1) this.#watch.udpBlocked();
  }

  restoreUdp(): void {
    void this.client;
    const { loss } = this.#carrier!;
    this.#carrier!.lose(0);
    if (loss >= 1) this.#watch.udpRestored();
  }

  /** Moves to another network: new ports, and another address if there are several. Resolves with a tunnel from there. */
  async roam(timeout: number): Promise<void> {
    const { client } = this;
    const before = this.#watch.reconnects;
    this.#carrier!.moveTo(this.#network());
    client.networkChanged();
    await this.#until(() => this.#watch.reconnects > before, timeout, 'The client did not get its tunnel back');
  }

  /** Renews the keys. Resolves when there are new ones. */
  async rekey(timeout: number): Promise<void> {
    const { client } = this;
    const before = this.#watch.rekeys;
    client.rekey();
    await this.#until(() => this.#watch.rekeys > before, timeout, 'The tunnel was not renewed');
  }

  async awaitChannel(channel: Channel, timeout: number): Promise<void> {
    const { client } = this;
    await this.#until(() => client.channel === channel, timeout, `Data did not go over ${channel.toUpperCase()}`);
  }

  /** An answer arrived through the tunnel, after this many milliseconds. */
  answered(what: Probe, milliseconds: number): void {
    const { channel } = this.client;
    this.time(what, milliseconds);
    this.time(`${what}.${channel}`, milliseconds);
    this.#watch.answered();
  }

  /**
   * The result of something that was sent. If the script allows losses, one without an answer is counted, and the result is undefined.
   * @throws the error of the answer; why the tunnel ended
   */
  async unlessLost<T>(what: Probe, allowed: boolean, answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      // A tunnel that has ended is not a lost packet.
      this.assertNotLost();
      if (!allowed || !LOSSES.has(codeOf(error))) throw error;
      this.count(`${what}.lost`);
      return undefined;
    }
  }

  /** Disconnects, if it has a tunnel. */
  async disconnect(): Promise<void> {
    const client = this.#client;
    const lost = this.#lost !== undefined;
    this.#client = undefined;
    this.#lost = undefined;
    this.#watch.end();
    await client?.close();
    this.#carrier?.close();
    this.#carrier = undefined;
    if (client && !lost) this.count('disconnected');
  }

  /** @throws why its tunnel ended without being closed */
  assertNotLost(): void {
    if (this.#lost) throw this.#lost;
  }

  count(name: string): void {
    this.#events.emit('counter', `tunnelite.${name}`, 1);
  }

  rate(name: string): void {
    this.#events.emit('rate', `tunnelite.${name}`);
  }

  time(name: string, milliseconds: number): void {
    this.#events.emit('histogram', `tunnelite.${name}.time`, milliseconds);
  }

  #network() {
    const source = this.#shared.nextSource();
    return source === undefined ? undefined : systemCarrierFrom(source);
  }

  #changed(): void {
    for (const each of [...this.#waiting]) each();
  }

  /** @param timeout milliseconds. @throws EngineError `ERR_ENGINE_TIMEOUT`; why the tunnel ended */
  async #until(so: () => boolean, timeout: number, otherwise: string): Promise<void> {
    if (so()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (so()) resolve();
      else if (this.#lost) reject(this.#lost);
    };
    const timer = setTimeout(() => {
      reject(new EngineError('ERR_ENGINE_TIMEOUT', `${otherwise} within ${timeout / 1000} s.`));
    }, timeout);
    timer.unref();
    this.#waiting.add(look);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }
}
