import type { Clock, Timer } from '../lib/clock.ts';
import { durationText, parseDuration } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import { Turns } from '../lib/turns.ts';
import type { Emit } from '../telemetry/events.ts';
import { type GatewayEvent, GatewayState, nextGatewayState } from './lifecycle-state.ts';

/** Options for stopping a gateway. */
export interface StopOptions {
  /**
   * `keep`: sessions can be resumed with their cookies, within `gateway.cookieTimeout`; `lose`: sessions are lost, as with a real
   * server, which keeps them in memory. Default `keep`.
   */
  readonly cookies?: 'keep' | 'lose';
  /**
   * True: clients first get a disconnect packet, which makes openconnect exit. Default false: connections close without one, as in a
   * restart of the service, and clients try to reconnect.
   */
  readonly notify?: boolean;
}

/** How long to wait for clients to leave. */
export interface DrainOptions {
  /** A duration such as `30s`, by the simulator's clock; a number is in milliseconds. Default: no limit. */
  readonly timeout?: string | number;
}

/** Result of draining. */
export interface DrainResult {
  /** Number of connected sessions that ended by themselves. */
  readonly left: number;
  /** Number of sessions that were ended at the timeout. */
  readonly ended: number;
  /** False when another operation of the gateway interrupted the drain. */
  readonly complete: boolean;
}

/** What a lifecycle needs from its gateway. */
export interface LifecycleHost {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly port: number;
  /** Opens the ports. */
  open(): Promise<void>;
  /** Ends the connected sessions, closes every connection and then the ports. */
  shut(options: Required<StopOptions> & { readonly final: boolean }): Promise<void>;
  /** Rejects new connections with this reason; undefined = accepts them. */
  turnAway(refusal: { readonly reason: string; readonly explanation: string } | undefined): void;
  /** Ends every session and login, and clears bans and address assignments. Returns the number of sessions. */
  forgetAll(): Promise<number>;
  /** Number of connected sessions. */
  connected(): number;
  /** Ends the connected sessions. */
  endConnected(explanation: string): void;
}

/** Starts, stops, drains and closes a gateway. Concurrent operations run one after another. */
export class Lifecycle {
  readonly #host: LifecycleHost;
  #state: GatewayState = GatewayState.Stopped;
  readonly #turns = new Turns();
  /** Whether the ports were open before. */
  #again = false;
  /** Checks whether a drain is over. */
  readonly #drains = new Set<() => void>();

  constructor(host: LifecycleHost) {
    this.#host = host;
  }

  get state(): GatewayState {
    return this.#state;
  }

  /** Why no client can connect now; undefined when one can. */
  get unavailable(): string | undefined {
    switch (this.#state) {
      case GatewayState.Listening:
        return undefined;
      case GatewayState.Draining:
        return `The gateway is draining: it accepts no new clients, and ${this.#host.connected()} are still connected. Run "tunnelite gateway start" to accept clients again.`;
      case GatewayState.Stopped:
        return 'The gateway is stopped. Run "tunnelite gateway start" to start it again.';
      default:
        return `The gateway is ${this.#state}.`;
    }
  }

  start(): Promise<void> {
    return this.#turns.run(() => this.#start());
  }

  stop(options: StopOptions = {}): Promise<void> {
    return this.#turns.run(() => this.#stop(options));
  }

  restart(options: StopOptions = {}): Promise<void> {
    return this.#turns.run(async () => {
      this.#assertOpen();
      const { cookies = 'keep' } = options;
      this.#host.emit('gateway.restarting', { sessions: this.#host.connected(), cookies });
      await this.#stop(options);
      await this.#start();
    });
  }

  async drain({ timeout }: DrainOptions = {}): Promise<DrainResult> {
    const ms = timeout === undefined ? undefined : parseDuration(timeout);
    let waiting: Promise<DrainResult> | undefined;
    await this.#turns.run(async () => {
      this.#assertOpen();
      const { effect } = this.#apply('drain');
      if (this.#state !== GatewayState.Draining) {
        throw new TunneliteError('ERR_GATEWAY_STATE', `A gateway that is ${this.#state} cannot be drained.`);
      }
      const sessions = this.#host.connected();
      if (effect === 'turn-away') {
        this.#host.turnAway({ reason: 'draining', explanation: 'The gateway is draining and accepts no new clients.' });
        this.#host.emit('gateway.draining', { sessions, timeout: ms === undefined ? undefined : durationText(ms) });
      }
      waiting = this.#untilEmpty(sessions, ms);
    });
    return waiting!;
  }

  /** Ends every session and listens as at the start. Returns the number of sessions. */
  reset(): Promise<number> {
    return this.#turns.run(async () => {
      this.#assertOpen();
      const sessions = await this.#host.forgetAll();
      await this.#start();
      return sessions;
    });
  }

  close(): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#state === GatewayState.Closed) return;
      this.#apply('close');
      await this.#host.shut({ cookies: 'lose', notify: false, final: true });
    });
  }

  /** Call when a session disconnects or the state changes: completes drains that waited for it. */
  changed(): void {
    for (const look of [...this.#drains]) look();
  }

  async #start(): Promise<void> {
    this.#assertOpen();
    const { effect } = nextGatewayState(this.#state, 'start');
    // The state changes only if this succeeds.
    if (effect === 'open-ports') await this.#host.open();
    this.#apply('start');
    this.#host.turnAway(undefined);
    if (effect !== undefined && this.#again) this.#host.emit('gateway.started', { port: this.#host.port });
    this.#again = true;
  }

  async #stop({ cookies = 'keep', notify = false }: StopOptions): Promise<void> {
    this.#assertOpen();
    const sessions = this.#host.connected();
    const { effect } = this.#apply('stop');
    if (effect !== 'close-ports') return;
    this.#host.turnAway({ reason: 'stopped', explanation: 'The gateway has been stopped.' });
    await this.#host.shut({ cookies, notify, final: false });
    this.#host.emit('gateway.stopped', { sessions, cookies });
  }

  #apply(event: GatewayEvent): ReturnType<typeof nextGatewayState> {
    const next = nextGatewayState(this.#state, event);
    this.#state = next.to;
    this.changed();
    return next;
  }

  /** Resolves when no session is connected, at the timeout, or when another operation starts. */
  #untilEmpty(sessions: number, ms: number | undefined): Promise<DrainResult> {
    const { clock, emit } = this.#host;
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      let ended = 0;
      const look = (): void => {
        if (!this.#drains.has(look)) return;
        const draining = this.#state === GatewayState.Draining;
        const connected = this.#host.connected();
        if (draining && connected > 0) return;
        this.#drains.delete(look);
        timer?.cancel();
        const complete = connected === 0;
        const left = Math.max(0, sessions - connected - ended);
        if (draining) emit('gateway.drained', { left, ended });
        resolve({ left, ended, complete });
      };
      this.#drains.add(look);
      if (ms !== undefined) {
        timer = clock.setTimer(ms, () => {
          ended = this.#host.connected();
          // The end of the last session completes this.
          this.#host.endConnected(`The gateway was drained, and the timeout of ${durationText(ms)} has passed.`);
        });
      }
      look();
    });
  }

  #assertOpen(): void {
    if (this.#state === GatewayState.Closed) throw new TunneliteError('ERR_CLOSED', 'The gateway has been closed.');
  }
}
