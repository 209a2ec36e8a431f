import type { Clock } from '../lib/clock.ts';
import { withinDescriptors } from '../lib/descriptor-limit.ts';
import { isBelow } from '../lib/domain-name.ts';
import { endpointText } from '../lib/endpoint.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import { type Network, systemNetwork, type TcpTarget } from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import {
  FORWARDED_DESCRIPTOR_SHARE,
  LETTERS_OF_A_LOOP,
  MAX_FORWARDED,
  MAX_FORWARDED_OF_SESSION,
  MIN_FORWARD_TRIES,
  SILENT_SERVER_MS,
} from './constants.ts';
import type { OwnListener } from './dial-guard.ts';
import { exchange } from './dns-exchange.ts';
import { type ForwardedAnswer, judgeReply } from './reply-check.ts';

/** Name servers for names outside the mock network. */
export interface ForwardSettings {
  /** In order of use. Empty = none. */
  readonly servers: readonly TcpTarget[];
  /** Names to forward, including all below them. Empty = all outside the mock network. In lower case. */
  readonly domains: readonly string[];
  /** Timeout of each server, in milliseconds. */
  readonly timeout: number;
  /** Allows answers with addresses of this machine and link-local addresses. */
  readonly local: boolean;
}

interface ForwarderOptions {
  readonly settings: ForwardSettings;
  readonly clock: Clock;
  readonly random?: RandomSource;
  /** How to reach servers. Default: sockets of this machine. */
  readonly network?: Network;
  readonly ownListener?: OwnListener;
  readonly emit: Emit;
  /** Most concurrent queries. Default: based on the process's file descriptors. */
  readonly limit?: number;
}

/** Result of a query: an answer and its server, or the reason for failure. */
export type Forwarded =
  | { readonly answer: ForwardedAnswer; readonly server: string }
  | { readonly failure: string; readonly refused: boolean };

interface Job {
  readonly done: Promise<Forwarded>;
  readonly finish: (outcome: Forwarded) => void;
  /** Cancels pending queries. */
  stop: () => void;
  /** The query as sent, byte for byte. */
  question: string;
}

/**
 * Sends queries to the configured name servers, one after the other until one answers. Identical concurrent queries share
 * one transmission, so that an attacker gets only one attempt to guess it (RFC 5452 §5).
 */
export class DnsForwarder {
  readonly #options: ForwarderOptions;
  readonly #network: Network;
  readonly #limit: number;
  #settings: ForwardSettings;
  #domains: ReadonlySet<string>;
  readonly #jobs = new Map<string, Job>();
  /** Pending queries, by session. */
  readonly #waiting = new Map<string | undefined, number>();
  /** Queries in progress, as sent. */
  readonly #sent = new Set<string>();
  /** When servers last failed to respond. */
  readonly #silent = new Map<TcpTarget, number>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#network = options.network ?? systemNetwork;
    this.#limit = options.limit ?? withinDescriptors(MAX_FORWARDED, FORWARDED_DESCRIPTOR_SHARE);
    this.#settings = options.settings;
    this.#domains = new Set(options.settings.domains);
  }

  /** Queries in progress. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Applies other servers; queries in progress continue. */
  use(settings: ForwardSettings): void {
    this.#settings = settings;
    this.#domains = new Set(settings.domains);
    this.#silent.clear();
  }

  /** Whether a name is explicitly forwarded, although the mock network would answer it otherwise. */
  isDelegated(name: string): boolean {
    if (this.#settings.servers.length === 0) return false;
    return this.#domains.has(name) || isBelow(name, this.#domains);
  }

  /** Whether a name outside the mock network is forwarded. Some never are (RFC 6761 §6, RFC 7686 §2). */
  forwards(name: string): boolean {
    const { servers, domains } = this.#settings;
    if (servers.length === 0) return false;
    return domains.length > 0 ? this.isDelegated(name) : !/(^|\.)(localhost|invalid|onion)$/.test(name);
  }

  /**
   * Forwards a query. A query that came back to us is not sent: a configured server forwards to us.
   * @param question as the client sent it, byte for byte; undefined = not from a client
   * @param isOwn names that the servers must not answer
   */
  resolve(
    { name, type, question }: { readonly name: string; readonly type: string; readonly question?: Buffer | undefined },
    session: string | undefined,
    isOwn: (name: string) => boolean,
  ): Promise<Forwarded> {
    if (question && this.#isLoop(name, question)) {
      return Promise.resolve(failure('a name server of resources.dns asks this resolver, so the query loops'));
    }
    const waiting = this.#waiting.get(session) ?? 0;
    if (waiting >= MAX_FORWARDED_OF_SESSION) {
      return Promise.resolve(failure(`${waiting} other queries of the session wait for the name servers`));
    }
    const key = `${type} ${name}`;
    let job = this.#jobs.get(key);
    if (!job) {
      if (this.#jobs.size >= this.#limit) {
        return Promise.resolve(failure(`${this.#jobs.size} other queries wait for the name servers`));
      }
      job = newJob();
      this.#jobs.set(key, job);
      this.#run(key, job, name, type, isOwn);
    }
    this.#waiting.set(session, waiting + 1);
    return job.done.finally(() => {
      const left = this.#waiting.get(session)! - 1;
      if (left > 0) this.#waiting.set(session, left);
      else this.#waiting.delete(session);
    });
  }

  /** Forgets which servers failed to respond. */
  reset(): void {
    this.#silent.clear();
  }

  close(): void {
    for (const [key, job] of this.#jobs) this.#end(key, job, failure('the simulator is closing'));
  }

  #isLoop(name: string, question: Buffer): boolean {
    return this.#sent.size > 0 && letters(name) >= LETTERS_OF_A_LOOP && this.#sent.has(question.toString('latin1'));
  }

  #end(key: string, job: Job, outcome: Forwarded): void {
    job.stop();
    this.#sent.delete(job.question);
    this.#jobs.delete(key);
    job.finish(outcome);
  }

  /** Servers that responded last time first, in configured order. */
  #order(): TcpTarget[] {
    const { servers } = this.#settings;
    const now = this.#options.clock.monotonic();
    const isSilent = (server: TcpTarget): boolean => now - (this.#silent.get(server) ?? -Infinity) < SILENT_SERVER_MS;
    return [...servers.filter((server) => !isSilent(server)), ...servers.filter(isSilent)];
  }

  #run(key: string, job: Job, name: string, type: string, isOwn: (name: string) => boolean): void {
    const { clock, emit, random = systemRandom, ownListener } = this.#options;
    const { timeout, local } = this.#settings;
    const order = this.#order();
    const reasons: string[] = [];
    let tries = Math.max(order.length, MIN_FORWARD_TRIES);
    const next = (): void => {
      const server = order.shift();
      if (server === undefined || tries-- <= 0) {
        this.#end(key, job, failure([...new Set(reasons)].join('; ')));
        return;
      }
      const shown = endpointText(server.host, server.port);
      const own = ownListener?.(server.host, server.port);
      if (own !== undefined) {
        reasons.push(`${shown} is ${own} itself`);
        next();
        return;
      }
      job.stop = exchange(
        {
          server,
          name,
          type,
          timeout,
          network: this.#network,
          clock,
          random,
          judge: (bytes, sent, transport, maxBytes) => judgeReply(bytes, sent, transport, maxBytes, { isOwn, local }),
          onSent: (question) => {
            this.#sent.delete(job.question);
            job.question = question.toString('latin1');
            this.#sent.add(job.question);
          },
        },
        ({ verdict, strays, stray }) => {
          if (strays > 0) emit('dns.stray', { server: shown, question: name, type, count: strays, explanation: stray });
          switch (verdict.kind) {
            case 'answer':
              this.#silent.delete(server);
              this.#end(key, job, { answer: verdict.answer, server: server.port === 53 ? server.host : shown });
              return;
            case 'refused':
              this.#end(key, job, { failure: verdict.why, refused: true });
              return;
            case 'silent':
              this.#silent.set(server, clock.monotonic());
              order.push(server);
          }
          reasons.push(verdict.why);
          next();
        },
      );
    };
    next();
  }
}

function newJob(): Job {
  const { promise, resolve } = Promise.withResolvers<Forwarded>();
  return { done: promise, finish: resolve, stop: () => {}, question: '' };
}

const failure = (why: string): Forwarded => ({ failure: why, refused: false });
const letters = (name: string): number => name.replace(/[^a-z]/g, '').length;
