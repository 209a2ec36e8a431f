import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { type HostAddresses, type LookUp, systemLookUp } from '../network/index.ts';
import { FAILED_LOOK_UP_MS, MAX_CACHED_HOSTS, MAX_LOOK_UPS_OF_SESSION, PARALLEL_LOOK_UPS } from './constants.ts';

interface HostLookupOptions {
  readonly clock: Clock;
  /** Default: this machine's resolver, with its hosts file and a container network's names. */
  readonly lookUp?: LookUp;
}

interface Job {
  readonly host: string;
  started: boolean;
  readonly done: Promise<HostAddresses>;
  readonly finish: (found: HostAddresses) => void;
}

/**
 * Resolves the host names of upstream rules with this machine's resolver. That can take seconds, and Node.js has few threads for
 * it: each session's look-ups run one after the other, and do not delay those of other sessions.
 */
export class HostLookup {
  readonly #clock: Clock;
  readonly #lookUp: LookUp;
  readonly #jobs = new Map<string, Job>();
  /** Waiting look-ups, by session; the next session comes first. */
  readonly #queues = new Map<string | undefined, Job[]>();
  readonly #cache = new Map<string, { readonly found: HostAddresses; readonly at: number }>();
  /** Sessions with a look-up in progress. */
  readonly #running = new Set<string | undefined>();

  constructor({ clock, lookUp = systemLookUp }: HostLookupOptions) {
    this.#clock = clock;
    this.#lookUp = lookUp;
  }

  /**
   * Finds the addresses of a name; an address resolves to itself.
   * @param session the requesting session
   * @param maxAge maximum age of an answer, in milliseconds
   */
  async resolve(host: string, session: string | undefined, maxAge = 0): Promise<HostAddresses> {
    if (isIP(host)) return { addresses: [host] };
    const cached = this.#cache.get(host);
    if (cached && this.#clock.monotonic() - cached.at < Math.min(maxAge, lifetimeOf(cached.found))) return cached.found;
    const known = this.#jobs.get(host);
    if (known?.started) return known.done;
    const queue = this.#queues.get(session) ?? [];
    if (known && queue.includes(known)) return known.done;
    if (queue.length >= MAX_LOOK_UPS_OF_SESSION) {
      return {
        failure: `${host} is not looked up: ${queue.length} other lookups of the session wait for the resolver`,
      };
    }
    const job = known ?? newJob(host);
    this.#jobs.set(host, job);
    queue.push(job);
    this.#queues.set(session, queue);
    this.#next();
    return job.done;
  }

  /** Clears the cache. */
  clear(): void {
    this.#cache.clear();
  }

  #next(): void {
    // A skipped session has a look-up in progress, so the loop is bounded.
    for (const [session, queue] of this.#queues) {
      if (this.#running.size >= PARALLEL_LOOK_UPS) return;
      if (this.#running.has(session)) continue;
      const job = queue.shift()!;
      this.#queues.delete(session);
      if (queue.length > 0) this.#queues.set(session, queue);
      // Another session may have looked up the same name in the meantime.
      if (!job.started) void this.#run(job, session);
    }
  }

  async #run(job: Job, session: string | undefined): Promise<void> {
    const { host } = job;
    job.started = true;
    this.#running.add(session);
    let found: HostAddresses;
    try {
      const addresses = [...new Set((await this.#lookUp(host)).map(canonicalAddress))];
      found = addresses.length > 0 ? { addresses } : { failure: `${host} has no address` };
    } catch (error) {
      found = { failure: failureText(host, error) };
    }
    this.#running.delete(session);
    this.#jobs.delete(host);
    this.#remember(host, found);
    job.finish(found);
    this.#next();
  }

  #remember(host: string, found: HostAddresses): void {
    this.#cache.delete(host);
    this.#cache.set(host, { found, at: this.#clock.monotonic() });
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > MAX_CACHED_HOSTS) this.#cache.delete(oldest!);
  }
}

function newJob(host: string): Job {
  const { promise, resolve } = Promise.withResolvers<HostAddresses>();
  return { host, started: false, done: promise, finish: resolve };
}

function lifetimeOf(found: HostAddresses): number {
  return 'failure' in found ? FAILED_LOOK_UP_MS : Infinity;
}

function failureText(host: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return `${host} is unknown to the resolver of this machine (${code})`;
  if (code === 'EAI_AGAIN') return `the resolver of this machine currently has no answer for ${host} (${code})`;
  return `${host} could not be resolved: ${errorText(error)}`;
}
