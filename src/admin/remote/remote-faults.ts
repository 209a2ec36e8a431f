import type { FaultRule, FaultStatus, FaultStrike, ProfileName, StruckOptions } from '../../faults/index.ts';
import { checkCount } from '../../lib/count.ts';
import { checkTimeout } from '../../lib/duration.ts';
import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import type { Requests } from './requests.ts';

const WAIT_MS = 10_000;
/** Milliseconds to allow for a response beyond the wait itself. */
const ANSWER_MARGIN_MS = 10_000;

/** A fault rule of an instance in another process: like `FaultHandle`, but every result is a promise. */
export class RemoteFault implements AsyncDisposable {
  readonly name: string;
  readonly rule: FaultRule;
  /** Reasons why it may never strike. */
  readonly notes: readonly string[];
  readonly #requests: Requests;
  readonly #path: string;

  /** @internal */
  constructor(requests: Requests, { name, rule, notes }: FaultStatus) {
    this.#requests = requests;
    this.name = name;
    this.rule = rule;
    this.notes = notes;
    this.#path = `/api/faults/${encodeURIComponent(name)}`;
  }

  /** Current state of the rule. @throws TunneliteError `ERR_FAULT_UNKNOWN` */
  status(): Promise<FaultStatus> {
    return this.#requests.json(this.#path);
  }

  async seen(): Promise<number> {
    return (await this.status()).seen;
  }

  async hits(): Promise<number> {
    return (await this.status()).hits;
  }

  async held(): Promise<number> {
    return (await this.status()).held;
  }

  async events(): Promise<readonly FaultStrike[]> {
    return (await this.#requests.json<{ events: FaultStrike[] }>(`${this.#path}/events`)).events;
  }

  /**
   * Resolves when the rule has struck this many times.
   * @throws TunneliteError `ERR_TIMEOUT`, `ERR_FAULT_UNKNOWN`, `ERR_COUNT_INVALID`, `ERR_DURATION_INVALID`
   */
  async struck(times = 1, { timeout = WAIT_MS, signal }: StruckOptions = {}): Promise<void> {
    checkCount('The number of strikes', times);
    checkTimeout(timeout);
    const query = new URLSearchParams({ times: String(times), timeout: (timeout / 1000).toFixed(3) });
    await this.#requests.json(`${this.#path}/struck`, { query, timeout: timeout + ANSWER_MARGIN_MS, signal });
  }

  /** Releases the oldest operations that the rule holds, at most this many, by default all; returns how many. */
  async release(count = Infinity): Promise<number> {
    checkCount('The number of items to release', count, { least: 1, endless: true });
    const body = count === Infinity ? {} : { count };
    return (await this.#requests.json<{ released: number }>(`${this.#path}/release`, { body })).released;
  }

  /** Removes the rule and returns its last state. @throws TunneliteError `ERR_FAULT_UNKNOWN` */
  remove(): Promise<FaultStatus> {
    return this.#requests.json(this.#path, { method: 'DELETE' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove().catch(() => {});
  }
}

/** The fault rules of an instance in another process. */
export class RemoteFaults {
  readonly #requests: Requests;

  /** @internal */
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Adds a rule.
   * @throws TunneliteError `ERR_FAULT_RULE` naming the invalid members, `ERR_FAULT_EXISTS`, `ERR_FAULT_LIMIT`
   */
  async add(rule: FaultRule): Promise<RemoteFault> {
    try {
      return new RemoteFault(this.#requests, await this.#requests.json<FaultStatus>('/api/faults', { body: rule }));
    } catch (error) {
      if (!isTunneliteError(error, 'ERR_FAULT_RULE')) throw error;
      // Reports errors in terms of the rule: the caller passed no request body.
      const { message, hint, details } = error;
      throw new TunneliteError('ERR_FAULT_RULE', message.replaceAll(/^body /gm, 'rule '), {
        hint,
        details,
        cause: error,
      });
    }
  }

  async list(): Promise<readonly FaultStatus[]> {
    return (await this.#requests.json<{ rules: FaultStatus[] }>('/api/faults')).rules;
  }

  /** @throws TunneliteError `ERR_FAULT_UNKNOWN` */
  async get(name: string): Promise<RemoteFault> {
    const status = await this.#requests.json<FaultStatus>(`/api/faults/${encodeURIComponent(name)}`);
    return new RemoteFault(this.#requests, status);
  }

  /** Removes a rule and returns its last state. @throws TunneliteError `ERR_FAULT_UNKNOWN` */
  async remove(name: string): Promise<FaultStatus> {
    return this.#requests.json(`/api/faults/${encodeURIComponent(name)}`, { method: 'DELETE' });
  }

  /** The current network profile of clients; null = none. */
  async profile(): Promise<ProfileName | null> {
    return (await this.#requests.json<{ active: ProfileName | null }>('/api/profiles')).active;
  }

  /** Puts all clients on a network profile, replacing the previous one; null = none. */
  async useProfile(name: ProfileName | null): Promise<void> {
    const path = name === null ? '/api/profiles' : `/api/profiles/${encodeURIComponent(name)}`;
    await this.#requests.json(path, { method: name === null ? 'DELETE' : 'PUT', ...(name !== null && { body: {} }) });
  }

  /** Removes all rules; returns how many there were. */
  async clear(): Promise<number> {
    return (await this.#requests.json<{ removed: number }>('/api/faults', { method: 'DELETE' })).removed;
  }
}
