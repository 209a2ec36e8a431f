import type { Clock } from '../lib/clock.ts';
import type { Netstack, NetstackDriver } from '../netstack/index.ts';
import { ResponseReader } from '../wire/http1/index.ts';

/** Result of a page request of a client. */
export interface Page {
  /** HTTP status; undefined if no response arrived. */
  readonly status: number | undefined;
  /** Why there is no response, in a word or two. */
  readonly failure: string | undefined;
  readonly body: string;
  readonly milliseconds: number;
}

interface PageRequest {
  readonly stack: Netstack;
  readonly driver: NetstackDriver;
  readonly clock: Clock;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** Timeout in milliseconds. */
  readonly timeout: number;
}

const LIMITS = { target: 1024, head: 64 * 1024, headerCount: 256, body: 64 * 1024 * 1024 } as const;

/**
 * Fetches one page over a connection of its own. Does not use `fetch`: each of its parts would take a turn of the event loop, and its timeouts use
 * the machine's clock.
 */
export function fetchPage(request: PageRequest): Promise<Page> {
  const { stack, driver, clock, from, to, port, host, path, timeout } = request;
  const begin = clock.monotonic();
  const reader = new ResponseReader('GET', LIMITS);
  return new Promise((resolve) => {
    let over = false;
    const finish = (page: Omit<Page, 'milliseconds'>): void => {
      if (over) return;
      over = true;
      timer.cancel();
      resolve({ ...page, milliseconds: clock.monotonic() - begin });
    };
    const fail = (failure: string): void => finish({ status: undefined, failure, body: '' });
    const take = (result: ReturnType<typeof reader.next>): void => {
      if (!result) return;
      if ('fault' in result) fail(result.fault.reason);
      else finish({ status: result.message.status, failure: undefined, body: result.message.body.toString('utf8') });
    };
    const timer = clock.setTimer(timeout, () => {
      fail('timeout');
      driver.tick();
      flow.reset();
      stack.flush();
    });
    // The time of an idle stack is that of its last packet.
    driver.tick();
    const flow = stack.connect({ localAddress: from, remoteAddress: to, remotePort: port, noDelay: true });
    flow.handler = {
      onConnect() {
        flow.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
      },
      onData(chunk) {
        reader.feed(Buffer.from(chunk));
        flow.consumed(chunk.length);
        take(reader.next());
      },
      onEnd() {
        take(reader.end());
        flow.end();
      },
      onClose(reason) {
        fail(reason);
      },
    };
    stack.flush();
  });
}
