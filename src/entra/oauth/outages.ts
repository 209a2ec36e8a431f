import type { Clock } from '../../lib/clock.ts';
import { TunneliteError } from '../../lib/errors.ts';

/** Endpoints that can be switched off or slowed down. */
export const ENDPOINTS = [
  'instance',
  'metadata',
  'keys',
  'authorize',
  'token',
  'devicecode',
  'logout',
  'userinfo',
  'user-realm',
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** A disturbance of one endpoint. */
export interface Outage {
  /** Answer with this status: 429 and 5xx say `temporarily_unavailable`. Without it the endpoint is only slow. */
  readonly status?: number;
  /** `Retry-After` in seconds. */
  readonly retryAfter?: number;
  /** Wait this many milliseconds before anything else. */
  readonly delay?: number;
  /** Send this text with status 200 (or `status`) instead of the answer: garbage on purpose. */
  readonly body?: string;
  /** Close the connection without an answer. */
  readonly drop?: boolean;
  /** How many requests are disturbed; until it is cleared when left out. */
  readonly times?: number;
}

const MAX_DELAY = 600_000;

/** Which endpoints are disturbed at the moment. */
export class Outages {
  readonly #clock: Clock;
  readonly #active = new Map<Endpoint, { outage: Outage; left: number }>();
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws TunneliteError `ERR_IDENTITY_OVERRIDE` */
  set(endpoint: Endpoint, outage: Outage): void {
    if (!ENDPOINTS.includes(endpoint)) {
      throw new TunneliteError('ERR_IDENTITY_OVERRIDE', `There is no endpoint '${endpoint}' to disturb.`, {
        hint: `Use one of ${ENDPOINTS.join(', ')}.`,
      });
    }
    const { status, delay } = outage;
    if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599)) {
      throw new TunneliteError('ERR_IDENTITY_OVERRIDE', `${status} is no HTTP status from 200 to 599.`);
    }
    if (delay !== undefined && !(delay >= 0 && delay <= MAX_DELAY)) {
      throw new TunneliteError('ERR_IDENTITY_OVERRIDE', `A delay is 0 to ${MAX_DELAY} milliseconds.`);
    }
    this.#active.set(endpoint, { outage, left: outage.times ?? Number.POSITIVE_INFINITY });
  }

  clear(endpoint?: Endpoint): void {
    if (endpoint) this.#active.delete(endpoint);
    else this.#active.clear();
  }

  list(): Partial<Record<Endpoint, Outage>> {
    return Object.fromEntries([...this.#active].map(([endpoint, { outage }]) => [endpoint, outage]));
  }

  /** The disturbance of this request; counts it, and waits for its delay to pass. */
  async meet(endpoint: Endpoint): Promise<Outage | undefined> {
    const active = this.#active.get(endpoint);
    if (!active) return undefined;
    if (--active.left <= 0) this.#active.delete(endpoint);
    if (active.outage.delay) await this.#wait(active.outage.delay);
    return active.outage;
  }

  /** Ends every delay at once, for closing. */
  release(): void {
    for (const resolve of this.#waiting) resolve();
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = this.#clock.setTimer(milliseconds, finish);
      this.#waiting.add(finish);
    });
  }
}
