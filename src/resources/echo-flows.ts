import type { Clock, Timer } from '../lib/clock.ts';
import type { Requester } from '../lib/person.ts';
import { ECHO_IDLE_MS, MAX_ECHO_FLOWS } from './constants.ts';
import type { OpenRequest } from './request-ledger.ts';
import type { AskedFor, RequestChannel } from './types.ts';

/** A ping, as received from the stack. */
export interface EchoAsked {
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Bytes of the ICMP message. */
  readonly bytes: number;
}

interface EchoFlowsOptions {
  readonly clock: Clock;
  readonly open: (asked: AskedFor) => OpenRequest;
}

interface Flow {
  readonly open: OpenRequest;
  usedAt: number;
  bytesIn: number;
  bytesOut: number;
}

/**
 * Answered pings by sender and destination: one request each, from the first ping until a pause. Ordered by
 * last use, so that the first one ends next. A refused ping is a request of its own.
 */
export class EchoFlows {
  readonly #options: EchoFlowsOptions;
  readonly #flows = new Map<string, Flow>();
  #timer: Timer | undefined;

  constructor(options: EchoFlowsOptions) {
    this.#options = options;
  }

  /** True: answer it. */
  handle({ localAddress, remoteAddress, bytes }: EchoAsked, requester: Requester, channel: RequestChannel): boolean {
    const key = `${remoteAddress} ${localAddress}`;
    let flow = this.#flows.get(key);
    // Another session may have the address now.
    if (flow !== undefined && flow.open.request.requester.session !== requester.session) {
      this.#end(key, flow, 'closed');
      flow = undefined;
    }
    if (flow === undefined) {
      const open = this.#options.open({
        protocol: 'icmp',
        channel,
        requester,
        source: { address: remoteAddress, port: 0 },
        destination: { address: localAddress, port: 0 },
      });
      if (!open.decision.allow) return false;
      open.answered();
      flow = { open, usedAt: 0, bytesIn: 0, bytesOut: 0 };
      open.endBy((reason) => this.#end(key, flow!, reason));
    } else {
      this.#flows.delete(key);
    }
    this.#flows.set(key, flow);
    flow.usedAt = this.#options.clock.monotonic();
    flow.bytesIn += bytes;
    flow.bytesOut += bytes;
    if (this.#flows.size > MAX_ECHO_FLOWS) {
      const [[oldest, given]] = this.#flows as unknown as [[string, Flow]];
      this.#end(oldest, given, 'closed for others');
    }
    this.#timer ??= this.#options.clock.setTimer(ECHO_IDLE_MS, () => this.#expire());
    return true;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [key, flow] of [...this.#flows]) this.#end(key, flow, 'closed');
  }

  #expire(): void {
    this.#timer = undefined;
    const { clock } = this.#options;
    const now = clock.monotonic();
    for (const [key, flow] of this.#flows) {
      const left = flow.usedAt + ECHO_IDLE_MS - now;
      if (left > 0) {
        this.#timer = clock.setTimer(left, () => this.#expire());
        return;
      }
      this.#end(key, flow, 'idle');
    }
  }

  #end(key: string, { open, bytesIn, bytesOut }: Flow, reason: string): void {
    this.#flows.delete(key);
    open.end({ outcome: 'completed', bytesIn, bytesOut, reason });
  }
}
