import type { Clock } from '../lib/clock.ts';
import type { Netstack, NetstackDriver } from '../netstack/index.ts';

/** Result of a datagram that a client sent. */
export interface Reply {
  /** The first datagram in reply; undefined if there was none. */
  readonly payload: Buffer | undefined;
  /** Why there is none, in a word or two. */
  readonly failure: string | undefined;
  readonly milliseconds: number;
}

interface Question {
  readonly stack: Netstack;
  readonly driver: NetstackDriver;
  readonly clock: Clock;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly payload: Uint8Array;
  /** Timeout in milliseconds. */
  readonly timeout: number;
}

/** Sends one datagram from a port of its own, and waits for the first reply. Nothing is retransmitted. */
export function ask({ stack, driver, clock, from, to, port, payload, timeout }: Question): Promise<Reply> {
  const begin = clock.monotonic();
  return new Promise((resolve) => {
    const finish = (reply: Pick<Reply, 'payload' | 'failure'>): void => {
      timer.cancel();
      flow.onClose = undefined;
      flow.close();
      resolve({ ...reply, milliseconds: clock.monotonic() - begin });
    };
    // The time of an idle stack is that of its last packet.
    driver.tick();
    const flow = stack.openUdp({ localAddress: from, remoteAddress: to, remotePort: port }, (bytes) =>
      finish({ payload: Buffer.from(bytes), failure: undefined }),
    );
    flow.onClose = () => finish({ payload: undefined, failure: 'the tunnel ended' });
    const timer = clock.setTimer(timeout, () => finish({ payload: undefined, failure: 'timeout' }));
    flow.send(payload);
    stack.flush();
  });
}
