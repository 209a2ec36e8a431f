import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import type { EchoFlow, Netstack, UdpFlow } from '../netstack/index.ts';

/** A question that goes without a connection. */
export interface Question<T> {
  readonly stack: Netstack;
  readonly clock: Clock;
  /** How long an answer is waited for, in milliseconds. */
  readonly timeout: number;
  /** What is said when none comes: `host did not answer`. */
  readonly silent: string;
  /** What is said when the host, or one on the way, says that it could not be delivered. */
  readonly refused: string;
  /** Opens the flow, whose first answer goes to `resolve`, and tells how to send on it. */
  readonly open: (resolve: (answer: T) => void) => { readonly flow: UdpFlow | EchoFlow; readonly send: () => void };
}

/** Asks once, and waits for the first answer. The flow ends with the wait. @throws TunneliteError `ERR_CLIENT_OPEN` */
export function firstAnswer<T>({ stack, clock, timeout, silent, refused, open }: Question<T>): Promise<T> {
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
