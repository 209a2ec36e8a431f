import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import type { RandomSource } from '../lib/random.ts';
import type { EchoFlow, Netstack, UdpFlow } from '../netstack/index.ts';

/** Parameters of every query. */
interface Asked {
  readonly stack: Netstack;
  readonly clock: Clock;
  /** Time limit for an answer, in milliseconds. */
  readonly timeout: number;
  /** Source and destination addresses. */
  readonly local: string;
  readonly remote: string;
}

interface Ping extends Asked {
  readonly random: RandomSource;
  /** The other end, for messages. */
  readonly host: string;
}

interface Exchange extends Asked {
  readonly port: number;
  /** The other end, for messages. */
  readonly where: string;
  readonly payload: Uint8Array;
}

/** Sends an echo request. Resolves with the round trip in milliseconds. @throws TunneliteError `ERR_CLIENT_OPEN` */
export async function pingOnce({ stack, clock, random, host, local, remote, timeout }: Ping): Promise<number> {
  const sentAt = clock.monotonic();
  await firstAnswer<void>({
    stack,
    clock,
    timeout,
    silent: `${host} did not answer the ping`,
    refused: `${host} cannot be reached.`,
    open: (resolve) => {
      const flow = stack.openEcho({ localAddress: local, remoteAddress: remote }, () => resolve());
      return { flow, send: () => flow.send(1, random.bytes(56)) };
    },
  });
  return clock.monotonic() - sentAt;
}

/** Sends a datagram. Resolves with the first that comes back. @throws TunneliteError `ERR_CLIENT_OPEN` */
export function exchangeOnce({
  stack,
  clock,
  local,
  remote,
  port,
  where,
  payload,
  timeout,
}: Exchange): Promise<Buffer> {
  return firstAnswer<Buffer>({
    stack,
    clock,
    timeout,
    silent: `${where} did not answer`,
    refused: `${where} refused the datagram.`,
    open: (resolve) => {
      const flow = stack.openUdp({ localAddress: local, remoteAddress: remote, remotePort: port }, resolve);
      return { flow, send: () => flow.send(payload) };
    },
  });
}

/** A connectionless query. */
interface Question<T> extends Omit<Asked, 'local' | 'remote'> {
  /** Message if no answer arrives: `host did not answer`. */
  readonly silent: string;
  /** Message if the host, or a router on the way, reports that delivery failed. */
  readonly refused: string;
  /** Opens the flow and returns how to send on it; its first answer goes to `resolve`. */
  readonly open: (resolve: (answer: T) => void) => { readonly flow: UdpFlow | EchoFlow; readonly send: () => void };
}

/** Sends one query, and waits for the first answer. Then closes the flow. @throws TunneliteError `ERR_CLIENT_OPEN` */
function firstAnswer<T>({ stack, clock, timeout, silent, refused, open }: Question<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void): void => {
      timer.cancel();
      flow.onClose = undefined;
      flow.close();
      outcome();
    };
    const fail = (message: string) => (): void => finish(() => reject(new TunneliteError('ERR_CLIENT_OPEN', message)));
    const { flow, send } = open((answer) => finish(() => resolve(answer)));
    const timer = patience(clock, timeout, fail(`${silent} within ${timeout / 1000} s.`));
    flow.onClose = fail('The tunnel ended.');
    flow.onError = fail(refused);
    send();
    stack.flush();
  });
}
