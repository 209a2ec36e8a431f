import type { Clock, Timer } from '../lib/clock.ts';
import { durationText, parseDuration } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import { Turns } from '../lib/turns.ts';
import type { Emit } from '../telemetry/events.ts';
import { type GatewayEvent, GatewayState, nextGatewayState } from './lifecycle-state.ts';

/** How a gateway goes down. */
export interface StopOptions {
  /**
   * `keep`: sessions can be resumed with their cookies, within `gateway.cookieTimeout`; `lose`: they are gone, as with a real server,
   * which keeps them in its memory. Default `keep`.
   */
  readonly cookies?: 'keep' | 'lose';
  /**
   * True: clients get a disconnect packet first, which makes openconnect end. Default false: their connections just close, as when a
   * service is restarted, and clients try to come back.
   */
  readonly notify?: boolean;
}

/** How long to wait for clients to leave. */
export interface DrainOptions {
  /** Such as `30s`, by the simulator's clock; a number is in milliseconds. Default: for as long as it takes. */
  readonly timeout?: string | number;
}

/** What came of draining. */
export interface DrainResult {
  /** Sessions that were connected and ended by themselves. */
  readonly left: number;
  /** Sessions that were ended when the time was up. */
  readonly ended: number;
  /** False: something else was asked of the gateway before all were gone. */
  readonly complete: boolean;
}

/** What a life is led with. */
export interface LifecycleHost {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly port: number;
  /** Opens the ports. */
  open(): Promise<void>;
  /** Ends the sessions that are connected, closes every connection and then the ports. */
  shut(options: Required<StopOptions> & { readonly final: boolean }): Promise<void>;
  /** Turns away who comes, with these words; undefined = lets them in. */
  turnAway(refusal: { readonly reason: string; readonly explanation: string } | undefined): void;
  /** Ends every session and login, and forgets bans and who had which address. Returns how many sessions there were. */
  forgetAll(): Promise<number>;
  /** How many sessions are connected. */
  connected(): number;
  /** Ends those that are connected. */
  endConnected(explanation: string): void;
}

/** Starts, stops, drains and closes a gateway: what is asked for at the same time happens one after the other. */
export class Lifecycle {
  readonly #host: LifecycleHost;
  #state: GatewayState = GatewayState.Stopped;
  readonly #turns = new Turns();
  /** The ports were open before. */
  #again = false;
  /** Looks whether a drain is over. */
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
        return `The gateway is draining: it takes no new clients, and ${this.#host.connected()} are still connected. "tunnelite gateway start" lets clients in again.`;
      case GatewayState.Stopped:
        return 'The gateway is stopped. "tunnelite gateway start" starts it again.';
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
        this.#host.turnAway({ reason: 'draining', explanation: 'The gateway is draining and takes no new clients.' });
        this.#host.emit('gateway.draining', { sessions, timeout: ms === undefined ? undefined : durationText(ms) });
      }
      waiting = this.#untilEmpty(sessions, ms);
    });
    return waiting!;
  }

  /** Ends every session, and listens as at the start. Returns how many sessions there were. */
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

  /** A session is no longer connected, or the state is another: looks whether somebody waited for that. */
  changed(): void {
    for (const look of [...this.#drains]) look();
  }

  async #start(): Promise<void> {
    this.#assertOpen();
    const { effect } = nextGatewayState(this.#state, 'start');
    // The state changes once that has worked.
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

  /** Resolves when nobody is connected, when the time is up, or when the gateway does something else. */
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
          this.#host.endConnected(`The gateway was drained, and the time for that (${durationText(ms)}) is up.`);
          look();
        });
      }
      look();
    });
  }

  #assertOpen(): void {
    if (this.#state === GatewayState.Closed) throw new TunneliteError('ERR_CLOSED', 'The gateway has been closed.');
  }
}
