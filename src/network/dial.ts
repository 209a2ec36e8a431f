import { isIP, isIPv6 } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import type { Network, TcpStream } from './types.ts';

/** Delay before the next address of a host is tried in parallel, in milliseconds (RFC 8305 §5). */
export const ATTEMPT_DELAY_MS = 250;

/** Most addresses of one host to try; own choice. */
export const MAX_ATTEMPTS = 8;

/** Addresses of a host, in the order to try them, or why there are none. */
export type HostAddresses =
  | { readonly addresses: readonly string[] }
  /** `denied`: addresses exist, but none may be dialed. */
  | { readonly failure: string; readonly kind?: 'denied' };

export interface DialOptions {
  /** The host as written by its owner, for messages. */
  readonly host: string;
  readonly port: number;
  /** Finds the addresses to dial. Nothing else is dialed. */
  readonly resolve: () => Promise<HostAddresses>;
  readonly clock: Clock;
  readonly network: Network;
  /** Local address to connect from; if omitted, any. */
  readonly from?: string | undefined;
  /** Time for everything, in milliseconds. Default: no limit but those of the network. */
  readonly timeout?: number;
}

/** A connection, or the reason and kind of the failure. `refused`: all addresses refused the connection; `denied`: no address may be dialed. */
export type Dialled = { readonly socket: TcpStream } | DialFailure;

interface DialFailure {
  readonly failure: string;
  readonly kind: 'refused' | 'unreachable' | 'timeout' | 'denied';
  /** The network's error, or an `AggregateError` of several. */
  readonly cause?: unknown;
}

/**
 * Connects to the first address of a host that responds (simplified RFC 8305): tries the next one when one fails, and in
 * parallel when one is slow. Calls `done` once, unless the returned function is called first: that cancels.
 *
 * The connection can be half-closed. Its owner has to listen for its errors from `done` on.
 */
export function dial(options: DialOptions, done: (outcome: Dialled) => void): () => void {
  const attempts = new Dial(options, done);
  return () => attempts.stop();
}

class Dial {
  readonly #options: DialOptions;
  readonly #done: (outcome: Dialled) => void;
  readonly #limit: { cancel(): void } | undefined;
  readonly #open = new Set<TcpStream>();
  readonly #errors: unknown[] = [];
  #waiting: readonly string[] = [];
  #next: { cancel(): void } | undefined;
  #over = false;

  constructor(options: DialOptions, done: (outcome: Dialled) => void) {
    this.#options = options;
    this.#done = done;
    const { host, port, clock, timeout, resolve } = options;
    if (timeout !== undefined) {
      const failure = `${host} port ${port} did not answer within ${timeout / 1000} s`;
      this.#limit = patience(clock, timeout, () => this.#fail({ failure, kind: 'timeout' }));
    }
    void resolve().then(
      (found) => this.#resolved(found),
      (cause: unknown) => this.#fail({ failure: errorText(cause), kind: 'unreachable', cause }),
    );
  }

  /** Ends all attempts but that of the winner. */
  stop(winner?: TcpStream): void {
    this.#over = true;
    this.#next?.cancel();
    this.#limit?.cancel();
    for (const socket of this.#open) if (socket !== winner) socket.destroy();
  }

  #fail(failure: DialFailure): void {
    if (this.#over) return;
    this.stop();
    this.#done(failure);
  }

  #resolved(found: HostAddresses): void {
    if (this.#over) return;
    if ('failure' in found) {
      this.#fail({ failure: found.failure, kind: found.kind ?? 'unreachable' });
      return;
    }
    this.#waiting = alternating(found.addresses).slice(0, MAX_ATTEMPTS);
    this.#attempt();
  }

  #attempt(): void {
    this.#next?.cancel();
    const [address, ...rest] = this.#waiting;
    if (address === undefined) {
      if (this.#open.size === 0) this.#fail(this.#failure());
      return;
    }
    this.#waiting = rest;
    const { port, network, from, clock } = this.#options;
    let socket: TcpStream;
    try {
      socket = network.connect({ host: address, port, ...(from === undefined ? {} : { from }) });
    } catch (error) {
      this.#errors.push(error);
      this.#attempt();
      return;
    }
    this.#watch(socket);
    if (rest.length > 0) this.#next = clock.setTimer(ATTEMPT_DELAY_MS, () => this.#attempt());
  }

  #watch(socket: TcpStream): void {
    this.#open.add(socket);
    const onError = (error: Error): void => {
      if (this.#over || !this.#open.delete(socket)) return;
      this.#errors.push(error);
      this.#attempt();
    };
    const onClose = (): void => onError(new Error('the connection was closed'));
    socket.on('error', onError);
    socket.once('close', onClose);
    socket.once('connect', () => {
      if (this.#over) return;
      this.stop(socket);
      socket.off('error', onError);
      socket.off('close', onClose);
      this.#done({ socket });
    });
  }

  #failure(): DialFailure {
    const { host } = this.#options;
    const errors = this.#errors;
    // A message of the system already contains an address.
    const texts = errors.map((error) => (isIP(host) ? errorText(error) : `${host}: ${errorText(error)}`));
    const refused = errors.every((error) => codeOf(error) === 'ECONNREFUSED');
    return {
      failure: errors.length === 0 ? `${host} has no address` : texts.join('; '),
      kind: refused && errors.length > 0 ? 'refused' : 'unreachable',
      ...(errors.length > 0 && { cause: errors.length === 1 ? errors[0] : together(errors) }),
    };
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** As Node combines the errors of several addresses: with the code of the first. */
function together(errors: readonly unknown[]): AggregateError {
  return Object.assign(new AggregateError(errors), { code: codeOf(errors[0]) });
}

/** The addresses in order, alternating between families, so that an unreachable one costs only one delay (RFC 8305 §4). */
export function alternating(addresses: readonly string[]): string[] {
  const first = addresses.filter((address) => isIPv6(address) === isIPv6(addresses[0] ?? ''));
  const second = addresses.filter((address) => !first.includes(address));
  return first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}
