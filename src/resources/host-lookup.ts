import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { FAILED_LOOK_UP_MS, MAX_CACHED_HOSTS, MAX_LOOK_UPS_OF_SESSION, PARALLEL_LOOK_UPS } from './constants.ts';

/** Addresses of a host, in the order in which they are to be tried; or why there are none, in words. */
export type HostAddresses =
  | { readonly addresses: readonly string[] }
  /** `denied`: there are some, but none that may be dialled. */
  | { readonly failure: string; readonly kind?: 'denied' };

/** Resolves a name to addresses, the best first; rejects when there are none. */
export type LookUp = (host: string) => Promise<readonly string[]>;

interface HostLookupOptions {
  readonly clock: Clock;
  /** Default: the machine's own, with its hosts file and whatever a container's network adds. */
  readonly lookUp?: LookUp;
}

interface Job {
  readonly host: string;
  started: boolean;
  readonly done: Promise<HostAddresses>;
  readonly finish: (found: HostAddresses) => void;
}

/**
 * Resolves the names that upstream rules lead to, with the resolver of this machine. That may take seconds, and Node.js has few threads for
 * it: the look-ups of one session are one after the other, and those of others do not wait for them.
 */
export class HostLookup {
  readonly #clock: Clock;
  readonly #lookUp: LookUp;
  readonly #jobs = new Map<string, Job>();
  /** What waits, by session; the session whose turn is next comes first. */
  readonly #queues = new Map<string | undefined, Job[]>();
  readonly #cache = new Map<string, { readonly found: HostAddresses; readonly at: number }>();
  /** Sessions whose look-up is under way. */
  readonly #running = new Set<string | undefined>();

  constructor({ clock, lookUp = systemLookUp }: HostLookupOptions) {
    this.#clock = clock;
    this.#lookUp = lookUp;
  }

  /**
   * The addresses of a name, or of an address itself.
   * @param session who wants to know
   * @param maxAge how old an answer may be, in milliseconds
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
        failure: `${host} is not looked up: ${queue.length} other look-ups of the session wait for the resolver`,
      };
    }
    const job = known ?? newJob(host);
    this.#jobs.set(host, job);
    queue.push(job);
    this.#queues.set(session, queue);
    this.#next();
    return job.done;
  }

  /** Forgets all answers. */
  clear(): void {
    this.#cache.clear();
  }

  #next(): void {
    // Who is passed over has a look-up under way, so no more are than there may be.
    for (const [session, queue] of this.#queues) {
      if (this.#running.size >= PARALLEL_LOOK_UPS) return;
      if (this.#running.has(session)) continue;
      const job = queue.shift()!;
      this.#queues.delete(session);
      if (queue.length > 0) this.#queues.set(session, queue);
      // Another session that wants the same may have been quicker.
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

async function systemLookUp(host: string): Promise<string[]> {
  return (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);
}

function failureText(host: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return `${host} is not known to the resolver of this machine (${code})`;
  if (code === 'EAI_AGAIN') return `the resolver of this machine has no answer for ${host} at present (${code})`;
  return `${host} could not be resolved: ${errorText(error)}`;
}
