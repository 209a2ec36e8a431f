import { isIP, isIPv6 } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import { type Network, systemNetwork, type TcpStream } from '../network/index.ts';
import { ATTEMPT_DELAY_MS, DIAL_TIMEOUT_MS, MAX_ATTEMPTS } from './constants.ts';
import type { HostAddresses } from './host-lookup.ts';

interface DialOptions {
  /** The upstream as the rule has it, for what is said about it. */
  readonly host: string;
  readonly port: number;
  readonly resolve: () => Promise<HostAddresses>;
  readonly clock: Clock;
  /** How upstreams are reached; by the machine's sockets when left out. */
  readonly network?: Network;
}

/** A connection, or why there is none: in words, and of which kind. `refused`: all addresses said no themselves; `denied`: none may be dialled. */
export type Dialled = { readonly socket: TcpStream } | { readonly failure: string; readonly kind: FailureKind };

type FailureKind = 'refused' | 'unreachable' | 'timeout' | 'denied';

/**
 * Connects to the first address of an upstream that answers (RFC 8305, in short): the next one is tried when one fails, and beside
 * it when it takes its time. Calls `done` once, unless the returned function is called before: that gives up.
 */
export function dial(
  { host, port, resolve, clock, network = systemNetwork }: DialOptions,
  done: (outcome: Dialled) => void,
): () => void {
  const open = new Set<TcpStream>();
  const failures: { readonly text: string; readonly refused: boolean }[] = [];
  let waiting: readonly string[] = [];
  let next = { cancel: (): void => {} };
  let over = false;

  const stop = (winner?: TcpStream): void => {
    over = true;
    next.cancel();
    limit.cancel();
    for (const socket of open) if (socket !== winner) socket.destroy();
  };
  const fail = (failure: string, kind: FailureKind): void => {
    stop();
    done({ failure, kind });
  };
  const limit = patience(clock, DIAL_TIMEOUT_MS, () =>
    fail(`${host} port ${port} did not answer within ${DIAL_TIMEOUT_MS / 1000} s`, 'timeout'),
  );

  const attempt = (): void => {
    next.cancel();
    const [address, ...rest] = waiting;
    if (address === undefined) {
      if (open.size > 0) return;
      fail(
        failures.map(({ text }) => text).join('; '),
        failures.every(({ refused }) => refused) ? 'refused' : 'unreachable',
      );
      return;
    }
    waiting = rest;
    const socket = network.connect({ host: address, port });
    open.add(socket);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (over) return;
      open.delete(socket);
      // An address is in the text already.
      const text = isIP(host) ? errorText(error) : `${host}: ${errorText(error)}`;
      failures.push({ text, refused: error.code === 'ECONNREFUSED' });
      attempt();
    });
    socket.once('connect', () => {
      if (over) return;
      stop(socket);
      socket.removeAllListeners('error');
      done({ socket });
    });
    if (rest.length > 0) next = clock.setTimer(ATTEMPT_DELAY_MS, attempt);
  };

  void resolve().then((found) => {
    if (over) return;
    if ('failure' in found) {
      fail(found.failure, found.kind ?? 'unreachable');
      return;
    }
    waiting = alternating(found.addresses).slice(0, MAX_ATTEMPTS);
    attempt();
  });
  return stop;
}

/** The addresses in their order, but the families in turn, so that one that leads nowhere costs one delay only (RFC 8305 §4). */
export function alternating(addresses: readonly string[]): string[] {
  const first = addresses.filter((address) => isIPv6(address) === isIPv6(addresses[0] ?? ''));
  const second = addresses.filter((address) => !first.includes(address));
  return first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}
