import { errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { Attempt, type OpenedTunnel } from './attempt.ts';
import { ClientEffect, type ClientEvent, ClientState, nextClient } from './client-state.ts';
import type { Timed } from './client-timer.ts';
import { MIN_PROBE_IPV4, MIN_PROBE_IPV6, RECONNECT_TIMEOUT_MS, WAKE_TIMEOUT_MS } from './constants.ts';
import { CstpLink } from './cstp-link.ts';
import { DataPath } from './data-path.ts';
import { Farewell } from './farewell.ts';
import { InTurn } from './in-turn.ts';
import { PathOwner } from './path-owner.ts';
import { RetryPlan } from './retry-plan.ts';
import type { TunnelConfiguration } from './tunnel-configuration.ts';
import type { ChannelName, ClientStep, LightClientOptions, SignIn } from './types.ts';

/**
 * The lightest Tunnel client: TLS, CSTP and DTLS, without a network stack and without a timer of its own, so that one process can run thousands, on
 * any clock and network. Send IP packets with `send`; received packets go to the observer.
 *
 * @example
 * ```ts fragment
 * const timer = new ClientTimer(systemClock);
 * const client = new LightClient({
 *   url, timer, carrier: systemCarrier, random: systemRandom, secureContext: trust(ca),
 *   observer: { onPacket: (_client, buffer, offset, length) => device.write(buffer.subarray(offset, offset + length)) },
 * }, tokenSignIn(token));
 * const { address4 } = await client.connect();
 * ```
 */
export class LightClient implements Timed {
  // --- Sleeper ---
  heapIndex = -1;
  /** The owner's value, to identify the client. */
  readonly context: unknown;
  readonly #options: LightClientOptions<LightClient>;
  readonly #signIn: SignIn;
  readonly #path: DataPath;
  #state: ClientState = ClientState.Idle;
  #attempt: Attempt | undefined;
  #opened: OpenedTunnel | undefined;
  #link: CstpLink | undefined;
  /** The link that is not started yet. */
  #fresh: CstpLink | undefined;
  #configuration: TunnelConfiguration | undefined;
  #cookie: string | undefined;
  /** Why the last tunnel or attempt ended, for reports. */
  #error: TunneliteError | undefined;
  /** The same, as it was thrown. */
  #thrown: unknown;
  #first: { resolve(configuration: TunnelConfiguration): void; reject(error: unknown): void } | undefined;
  readonly #retries: RetryPlan;
  #rekeyAt = Number.POSITIVE_INFINITY;
  /** The disconnect packet in progress, or sent. */
  #farewell: Farewell | undefined;
  #left: PromiseWithResolvers<void> | undefined;
  /** Events, and those raised by observers while one is handled: processed one after the other. */
  readonly #events = new InTurn<Happening>((happening) => this.#transit(happening));
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(options: LightClientOptions<LightClient>, signIn: SignIn, context?: unknown) {
    this.context = context;
    this.#options = options;
    this.#signIn = signIn;
    this.#path = new DataPath(new PathOwner(this, options));
    this.#retries = new RetryPlan(options.reconnectTimeout ?? RECONNECT_TIMEOUT_MS, options.random);
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The gateway's settings for the tunnel; undefined before the first one. */
  get configuration(): TunnelConfiguration | undefined {
    return this.#configuration;
  }

  /** Whether packets pass. */
  get open(): boolean {
    return this.#state === ClientState.Connected || this.#state === ClientState.Rekeying;
  }

  /** The channel that packets use now. */
  get channel(): ChannelName {
    return this.#path.up ? 'dtls' : 'tls';
  }

  /** Largest packet confirmed to pass over the current channel: larger ones go over TLS. 0 before the first tunnel. */
  get mtu(): number {
    return this.#path.up ? this.#path.mtu : (this.#configuration?.mtu ?? 0);
  }

  /** Ciphers of the open channels. */
  get ciphers(): { readonly tls: string | undefined; readonly dtls: string | undefined } {
    return { tls: this.#link?.connection.socket.getCipher()?.name, dtls: this.#path.cipherSuite };
  }

  /** Bytes of packets, from and to the gateway. */
  get traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    return { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut };
  }

  /** Why the client ended; undefined until then. */
  get ended(): TunneliteError | undefined {
    return this.#state === ClientState.Ended ? this.#error : undefined;
  }

  /**
   * Connects for the first time; call it once. Afterwards the client maintains its tunnel automatically.
   * @throws TunneliteError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_UNTRUSTED`, `ERR_CLIENT_SIGN_IN`, `ERR_CLIENT_TOKEN_REFUSED`, `ERR_CLIENT_SESSION_REFUSED`,
   *   `ERR_CLIENT_PROTOCOL`, `ERR_CLIENT_DISCONNECTED`, `ERR_TIMEOUT`, `ERR_CLOSED`
   */
  connect(): Promise<TunnelConfiguration> {
    if (this.#state !== ClientState.Idle) return Promise.reject(closedError('The client has connected before.'));
    this.#options.timer.add(this);
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#apply('start');
    });
  }

  /**
   * Sends an IP packet, `buffer[offset, offset + length)`, over the current channel. Overwrites the `SEND_HEADROOM` bytes before it.
   * Returns undefined if there is no tunnel now, or its queue is full; the packet is then lost, as in a router.
   */
  send(buffer: Buffer, offset: number, length: number): ChannelName | undefined {
    if (!this.open) return undefined;
    if (this.#path.send(buffer, offset, length)) {
      this.#bytesOut += length;
      return 'dtls';
    }
    if (!this.#link?.send(buffer, offset, length)) return undefined;
    this.#bytesOut += length;
    return 'tls';
  }

  /** The device has moved to another network: its addresses and ports change, and open connections are dead. */
  networkChanged(): void {
    this.#retries.reset();
    this.#apply('moved', new TunneliteError('ERR_CLIENT_DISCONNECTED', 'The network has changed.'));
  }

  /** Renews the tunnel and all its keys now. */
  rekey(): void {
    this.#apply('rekey');
  }

  /** Replaces the DTLS channel with a new handshake from another port. */
  renewDtls(): void {
    this.#path.renew('it was requested');
  }

  /** Suspends the client, as when the program or its device sleeps: it reads and sends nothing until `resume`. */
  suspend(): void {
    this.#apply('suspend');
  }

  /** Resumes after `suspend`. A tunnel that does not answer within some seconds counts as lost. */
  resume(): void {
    this.#apply('resume');
  }

  /** Tells the gateway that the user leaves, so that the session ends and its address is free again. Resolves when the packet is sent. */
  close(): Promise<void> {
    if (this.#state === ClientState.Ended) return this.#left?.promise ?? Promise.resolve();
    this.#left ??= Promise.withResolvers<void>();
    this.#apply('close', closedError('The tunnel was closed.'));
    return this.#left.promise;
  }

  /** For the timer. */
  tick(now: number, late: number): number {
    if (this.#farewell) return this.#farewell.tick(now);
    let due = this.#attempt?.tick(now, late) ?? Number.POSITIVE_INFINITY;
    if (this.#state === ClientState.Asleep) return due;
    if (this.#state === ClientState.Waiting && now >= this.#retries.at) this.#apply('due');
    // Each of these may end the tunnel.
    const link = this.#link?.tick(now, late) ?? Number.POSITIVE_INFINITY;
    const path = this.#path.tick(now, late);
    if (now >= this.#rekeyAt && this.#state === ClientState.Connected) this.#apply('rekey');
    due = Math.min(due, link, path, this.#rekeyAt);
    if (this.#state === ClientState.Waiting) due = Math.min(due, this.#retries.at);
    return due;
  }

  /** @internal for the DTLS channel and the link */
  received(buffer: Buffer, offset: number, length: number, channel: ChannelName): void {
    this.#bytesIn += length;
    this.#options.observer.onPacket(this, buffer, offset, length, channel);
  }

  /** @internal */
  pathChanged(up: boolean, why: string): void {
    this.#options.observer.onChannel?.(this, up ? 'dtls' : 'tls', why);
  }

  /** @internal the gateway, through either channel, or the link has ended the tunnel */
  tunnelEnded(error: TunneliteError, final: boolean): void {
    // While a new tunnel is being opened, the gateway ends the old one with the same packet as a session: the answer to CONNECT decides.
    const replaced = this.#state === ClientState.Rekeying && error.code === 'ERR_CLIENT_DISCONNECTED';
    this.#apply(!replaced && (final || this.#retries.none) ? 'refused' : 'lost', error);
  }

  #apply(event: ClientEvent, error?: TunneliteError, thrown?: unknown): void {
    this.#events.take({ event, error, thrown });
  }

  #transit({ event, error, thrown }: Happening): void {
    const from = this.#state;
    const { to, effects } = nextClient(from, event);
    if (error && effects.length > 0) {
      this.#error = error;
      this.#thrown = thrown;
    }
    this.#state = to;
    if (to !== from) this.#options.observer.onState?.(this, to, from);
    for (const effect of effects) this.#perform(effect);
    // Last, because data received together with the answer may end the tunnel immediately.
    const fresh = this.#fresh;
    this.#fresh = undefined;
    if (fresh && fresh === this.#link) fresh.start();
  }

  #perform(effect: ClientEffect): void {
    const { observer, timer } = this.#options;
    switch (effect) {
      case ClientEffect.Dial:
        this.#dial();
        return;
      case ClientEffect.AbortDial: {
        const attempt = this.#attempt;
        this.#attempt = undefined;
        attempt?.abort(this.#error ?? closedError('The attempt was abandoned.'));
        return;
      }
      case ClientEffect.Adopt:
        this.#adopt();
        return;
      case ClientEffect.Drop:
        this.#path.withdraw('the tunnel has ended');
        this.#link?.drop();
        this.#link = undefined;
        return;
      case ClientEffect.Goodbye:
        this.#goodbye();
        return;
      case ClientEffect.PlanRetry:
        timer.schedule(this, this.#retries.plan(timer.now()));
        return;
      case ClientEffect.PlanRekey: {
        const { rekeyTime, rekeyMethod } = this.#configuration!;
        this.#rekeyAt = rekeyTime > 0 && rekeyMethod ? timer.now() + rekeyTime * 1000 : Number.POSITIVE_INFINITY;
        timer.schedule(this, this.#rekeyAt);
        return;
      }
      case ClientEffect.Pause:
        this.#link?.pause();
        this.#path.pause();
        return;
      case ClientEffect.Wake: {
        const now = timer.now();
        this.#link?.resume();
        this.#link?.question(now, WAKE_TIMEOUT_MS);
        this.#path.question(now, WAKE_TIMEOUT_MS / 2);
        timer.schedule(this, now + WAKE_TIMEOUT_MS);
        return;
      }
      case ClientEffect.TellConnected:
        this.#first?.resolve(this.#configuration!);
        this.#first = undefined;
        return;
      case ClientEffect.TellReconnecting:
        this.#retries.lost(timer.now());
        observer.onLost?.(this, this.#error!);
        return;
      case ClientEffect.TellEnd:
        if (!this.#farewell) timer.remove(this);
        this.#first?.reject(this.#thrown ?? this.#error!);
        this.#first = undefined;
        this.#left?.resolve(this.#farewell?.said);
        observer.onEnd?.(this, this.#error!);
        return;
    }
  }

  #dial(): void {
    const { observer, timer } = this.#options;
    const now = timer.now();
    const { address4, address6 } = this.#configuration ?? {};
    const attempt = new Attempt(
      {
        options: this.#options,
        signIn: this.#signIn,
        cookie: this.#cookie,
        addresses: this.#cookie === undefined ? [] : [address4, address6].filter((each) => each !== undefined),
        onStep: observer.onStep && ((step: ClientStep) => observer.onStep!(this, step)),
      },
      now,
    );
    this.#attempt = attempt;
    attempt.run().then(
      (opened) => {
        if (this.#attempt === attempt) this.#succeeded(opened);
        else opened.connection.close();
      },
      (error: unknown) => {
        if (this.#attempt === attempt) this.#failed(error);
      },
    );
    timer.schedule(this, attempt.tick(now, 0));
  }

  #succeeded(opened: OpenedTunnel): void {
    this.#attempt = undefined;
    const before = this.#configuration;
    const { address4, address6 } = opened.configuration;
    if (before && (before.address4 !== address4 || before.address6 !== address6)) {
      opened.connection.close();
      const message = 'The gateway assigned a different address to the session.';
      this.#apply('refused', new TunneliteError('ERR_CLIENT_SESSION_REFUSED', message));
      return;
    }
    this.#opened = opened;
    this.#apply('opened');
  }

  #failed(reason: unknown): void {
    this.#attempt = undefined;
    const error = isTunneliteError(reason)
      ? reason
      : new TunneliteError('ERR_INTERNAL', `Connecting failed: ${errorText(reason)}.`, { cause: reason });
    const refused = error.code === 'ERR_CLIENT_SESSION_REFUSED' && error.details.final === true;
    const over = this.#state === ClientState.Reconnecting && this.#retries.over(this.#options.timer.now());
    if (over) this.#apply('refused', this.#retries.gaveUp(error));
    else this.#apply(refused ? 'refused' : 'failed', error, reason);
  }

  #adopt(): void {
    const { connection, configuration, cookie, dtls } = this.#opened!;
    const { observer, timer } = this.#options;
    this.#opened = undefined;
    this.#path.withdraw('a new tunnel is open');
    this.#link?.drop();
    this.#cookie = cookie;
    this.#configuration = configuration;
    const link = new CstpLink(
      connection,
      configuration.mtu,
      { dpd: configuration.dpd * 1000, keepalive: configuration.keepalive * 1000 },
      {
        now: () => timer.now(),
        onBatch: () => observer.onBatch?.(this),
        onPacket: (buffer, offset, length) => {
          this.#path.overtaken(timer.now());
          this.received(buffer, offset, length, 'tls');
        },
        onBatchEnd: () => observer.onBatchEnd?.(this),
        onEnd: (error, final) => {
          if (this.#link === link) this.tunnelEnded(error, final);
        },
      },
    );
    this.#link = link;
    observer.onTunnel?.(this, configuration);
    if (dtls && configuration.dtls) {
      const { dpd, keepalive, port } = configuration.dtls;
      this.#path.offer({
        ...dtls,
        target: { host: connection.remoteAddress ?? this.#options.url.hostname, port },
        dpd: dpd * 1000,
        keepalive: keepalive * 1000,
        leastMtu: configuration.address6 === undefined ? MIN_PROBE_IPV4 : MIN_PROBE_IPV6,
        mtu: configuration.mtu,
      });
    }
    this.#fresh = link;
    this.#retries.opened(timer.now());
    timer.schedule(this, timer.now());
  }

  #goodbye(): void {
    const { timer } = this.#options;
    const link = this.#link;
    this.#path.withdraw('the tunnel was closed');
    this.#link = undefined;
    if (!link) return;
    this.#farewell = new Farewell(link, timer.now(), () => timer.remove(this));
    timer.schedule(this, this.#farewell.deadline);
  }
}

interface Happening {
  readonly event: ClientEvent;
  /** The reason, for reports. */
  readonly error: TunneliteError | undefined;
  /** The error of a failed attempt, as it was thrown: an error from the caller's token function is passed through. */
  readonly thrown: unknown;
}

function closedError(message: string): TunneliteError {
  return new TunneliteError('ERR_CLOSED', message);
}
