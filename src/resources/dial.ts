import { isIP, isIPv6 } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import { type Network, systemNetwork, type TcpStream } from '../network/index.ts';
import { ATTEMPT_DELAY_MS, DIAL_TIMEOUT_MS, MAX_ATTEMPTS } from './constants.ts';
import type { HostAddresses } from './host-lookup.ts';

interface DialOptions {
  /** The upstream as written in the rule, for messages. */
  readonly host: string;
  readonly port: number;
  readonly resolve: () => Promise<HostAddresses>;
  readonly clock: Clock;
  /** How to reach upstreams. Default: sockets of this machine. */
  readonly network?: Network;
}

/** A connection, or the reason and kind of the failure. `refused`: all addresses refused the connection; `denied`: no address may be dialed. */
export type Dialled = { readonly socket: TcpStream } | { readonly failure: string; readonly kind: FailureKind };

type FailureKind = 'refused' | 'unreachable' | 'timeout' | 'denied';

/**
 * Connects to the first address of an upstream that responds (simplified RFC 8305): tries the next one when one fails, and in
 * parallel when one is slow. Calls `done` once, unless the returned function is called first: that cancels.
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
      // The message already contains an address.
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

/** The addresses in order, alternating between families, so that an unreachable one costs only one delay (RFC 8305 §4). */
export function alternating(addresses: readonly string[]): string[] {
  const first = addresses.filter((address) => isIPv6(address) === isIPv6(addresses[0] ?? ''));
  const second = addresses.filter((address) => !first.includes(address));
  return first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}
