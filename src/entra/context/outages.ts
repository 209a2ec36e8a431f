import { type FaultPorts, noFaults } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { check, Type } from '../../lib/schema/index.ts';

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
  /** Respond with this status: 429 and 5xx use `temporarily_unavailable`. Without it, the endpoint is only slow. */
  readonly status?: number;
  /** `Retry-After` in seconds. */
  readonly retryAfter?: number;
  /** Wait this many milliseconds first. */
  readonly delay?: number;
  /** Send this string with status 200 (or `status`) instead of the response: deliberate garbage. */
  readonly body?: string;
  /** Close the connection without a response. */
  readonly drop?: boolean;
  /** Number of requests to disturb. Default: until cleared. */
  readonly times?: number;
}

/** The disturbance of one request: by an outage, or by a fault rule. */
export interface Disturbance extends Outage {
  /** Respond with the error document of this AADSTS number. */
  readonly aadsts?: number;
}

export const EndpointSchema = Type.Enum([...ENDPOINTS], { noun: 'endpoint' });

/** Schema of a disturbance. */
export const OutageSchema = Type.Object(
  {
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, description: 'Answer with this status.' })),
    retryAfter: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 31_536_000, description: '`Retry-After`, seconds.' }),
    ),
    delay: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 600_000, description: 'Milliseconds before the answer.' }),
    ),
    body: Type.Optional(
      Type.String({ format: 'text', maxLength: 100_000, description: 'Send this instead of the answer.' }),
    ),
    drop: Type.Optional(Type.Boolean({ description: 'Close the connection without an answer.' })),
    times: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description: 'Number of requests. Default: until cleared.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** The currently disturbed endpoints. */
export class Outages {
  readonly #clock: Clock;
  readonly #active = new Map<Endpoint, { outage: Outage; left: number }>();
  readonly #waiting = new Set<() => void>();
  readonly #faults: Pick<FaultPorts, 'http'>;

  constructor(clock: Clock, faults: Pick<FaultPorts, 'http'> = noFaults) {
    this.#faults = faults;
    this.#clock = clock;
  }

  /** @throws TunneliteError `ERR_IDENTITY_OVERRIDE` */
  set(endpoint: Endpoint, outage: Outage): void {
    const what = { what: 'outage', code: 'ERR_IDENTITY_OVERRIDE' } as const;
    check(EndpointSchema, endpoint, what);
    check(OutageSchema, outage, what);
    this.#active.set(endpoint, { outage, left: outage.times ?? Number.POSITIVE_INFINITY });
  }

  clear(endpoint?: Endpoint): void {
    if (endpoint) this.#active.delete(endpoint);
    else this.#active.clear();
  }

  list(): Partial<Record<Endpoint, Outage>> {
    return Object.fromEntries([...this.#active].map(([endpoint, { outage }]) => [endpoint, outage]));
  }

  /** Returns the disturbance of this request, counts it, and waits for its delay. */
  async meet(endpoint: Endpoint): Promise<Disturbance | undefined> {
    const fault = this.#faults.http?.(endpoint);
    if (fault) {
      if (fault.delay) await this.#wait(fault.delay);
      return fault;
    }
    const active = this.#active.get(endpoint);
    if (!active) return undefined;
    if (--active.left <= 0) this.#active.delete(endpoint);
    if (active.outage.delay) await this.#wait(active.outage.delay);
    return active.outage;
  }

  /** Ends every delay at once, for shutdown. */
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
