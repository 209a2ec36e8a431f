import type { Clock } from '../lib/clock.ts';
import type { Visitor } from '../lib/person.ts';
import type { UdpFlow, UdpFlowRequest } from '../netstack/index.ts';
import { DNS_PORT, MAX_UDP_DESTINATIONS } from './constants.ts';
import { DatagramLine } from './datagram-line.ts';
import type { OpenRequest, RequestOutcome } from './request-ledger.ts';
import type { ConnectRequest, ResourceTarget, ServiceHandlers } from './types.ts';
import type { UdpLeg } from './udp-leg.ts';

type UpstreamTarget = Extract<ResourceTarget, { kind: 'upstream' }>;

/** What a mapping's upstream tells it. */
export interface LegEvents {
  readonly onMessage: (payload: Buffer) => void;
  readonly onFailure: (explanation: string) => void;
}

interface UdpRelayOptions {
  readonly flow: UdpFlowRequest;
  readonly first: OpenRequest;
  readonly services: ServiceHandlers;
  /** What slow lines go by. */
  readonly clock: Clock;
  /** Called for each further destination of the mapping, once. */
  readonly decide: (address: string, port: number) => OpenRequest;
  readonly visitorOf: (request: ConnectRequest) => Visitor;
  /** The way to an upstream, for one destination. */
  readonly openLeg: (target: UpstreamTarget, events: LegEvents) => UdpLeg;
  /** A destination cannot be reached, in words. Not called again for the same reason until something came from there. */
  readonly onUnreachable: (request: ConnectRequest, explanation: string) => void;
  /** Called once, last. */
  readonly onClose: () => void;
}

/** A destination that was allowed, and what went to and fro. */
interface Destination {
  readonly open: OpenRequest;
  readonly address: string;
  readonly port: number;
  leg: UdpLeg | undefined;
  /** Undefined: it is as fast as it can be. */
  readonly line: DatagramLine | undefined;
  bytesIn: number;
  bytesOut: number;
  /** Why it cannot be reached, as of last time. */
  failure: string | undefined;
}

/**
 * One UDP mapping of a client: datagrams to mock services are answered in place, those to upstreams leave by a real socket for each
 * destination. Each destination has its own decision, and its own entry at the end.
 */
export class UdpRelay {
  readonly #options: UdpRelayOptions;
  readonly #destinations = new Map<string, Destination>();
  #flow: UdpFlow | undefined;
  /** Questions without answer, while the mapping has carried nothing but look-ups; undefined once it has. */
  #questions: number | undefined = 0;
  #closed = false;

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#add(options.flow.localAddress, options.flow.localPort, options.first);
  }

  /** Accepts the mapping; its first datagram is handled at once. */
  start(): void {
    const flow = this.#options.flow.accept((payload, address, port) => this.#receive(payload, address, port));
    this.#flow = flow;
    if (this.#closed) flow.close();
    flow.onClose = () => this.#end('idle');
  }

  close(): void {
    this.#finish('closed');
  }

  /**
   * Other rules are in force: what was refused may be asked for again, and what has a reason to end ends. Returns how many destinations did.
   */
  reconsider(why: (open: OpenRequest) => string | undefined): number {
    let ended = 0;
    for (const [key, destination] of [...this.#destinations]) {
      const { open, failure } = destination;
      const reason = open.decision.allow ? why(open) : undefined;
      if (reason === undefined && open.decision.allow) continue;
      this.#destinations.delete(key);
      if (reason === undefined) continue;
      ended++;
      this.#close(destination, failure ?? reason, 'broken');
    }
    return ended;
  }

  #receive(payload: Buffer, address: string, port: number): void {
    let destination = this.#destinations.get(key(address, port));
    if (!destination) {
      if (this.#destinations.size >= MAX_UDP_DESTINATIONS) return;
      destination = this.#add(address, port, this.#options.decide(address, port));
    }
    const { decision, request } = destination.open;
    if (!decision.allow) return;
    destination.bytesIn += payload.length;
    if (!isLookUp(decision.target, port)) this.#questions = undefined;
    else if (this.#questions !== undefined) this.#questions++;
    const { line } = destination;
    if (line === undefined) this.#handOn(payload, destination, decision.target, request);
    else line.toResource(payload.length, () => this.#handOn(payload, destination, decision.target, request));
  }

  #handOn(payload: Buffer, destination: Destination, target: ResourceTarget, request: ConnectRequest): void {
    if (target.kind === 'upstream') {
      // Who answers in this process takes connections, and no datagrams.
      if (target.here !== undefined) return;
      destination.leg ??= this.#open(destination, target);
      destination.leg.send(payload);
      return;
    }
    if (target.kind !== 'service') return;
    const answer = this.#options.services.datagram(target.service)?.answer(payload, this.#options.visitorOf(request));
    if (answer instanceof Promise) {
      answer.then(
        (bytes) => this.#answer(destination, bytes),
        () => this.#answer(destination, undefined),
      );
    } else {
      this.#answer(destination, answer);
    }
  }

  #add(address: string, port: number, open: OpenRequest): Destination {
    const destination: Destination = {
      open,
      address,
      port,
      leg: undefined,
      line: this.#lineOf(open),
      bytesIn: 0,
      bytesOut: 0,
      failure: undefined,
    };
    this.#destinations.set(key(address, port), destination);
    return destination;
  }

  #open(destination: Destination, target: UpstreamTarget): UdpLeg {
    return this.#options.openLeg(target, {
      onMessage: (message) => {
        destination.failure = undefined;
        this.#answer(destination, message);
      },
      onFailure: (explanation) => {
        if (destination.failure === explanation) return;
        destination.failure = explanation;
        this.#options.onUnreachable(destination.open.request, explanation);
        // Who asks a name server that is not there asks again, from another port.
        if (this.#questions !== undefined) this.#finish('unanswered');
      },
    });
  }

  #lineOf({ decision }: OpenRequest): DatagramLine | undefined {
    const shape = decision.allow ? decision.shape : undefined;
    if (shape?.delay === undefined && shape?.kbps === undefined) return undefined;
    return new DatagramLine(shape, this.#options.clock);
  }

  /** Something goes back to the client; undefined: there is no answer. */
  #answer(destination: Destination, bytes: Uint8Array | undefined): void {
    const { line } = destination;
    if (line === undefined || bytes === undefined) this.#reply(destination, bytes);
    else line.toClient(bytes.length, () => this.#reply(destination, bytes));
  }

  #reply(destination: Destination, bytes: Uint8Array | undefined): void {
    if (this.#closed) return;
    // A service may answer within `accept`, before the mapping is handed out: the reply waits for its return.
    if (!this.#flow) {
      queueMicrotask(() => this.#reply(destination, bytes));
      return;
    }
    const { address, port } = destination;
    if (bytes !== undefined && this.#flow.send(bytes, address, port)) {
      destination.open.answered();
      destination.bytesOut += bytes.length;
    }
    // A resolver takes a fresh port for each look-up (RFC 5452 §9.2), and would fill any table if its mappings were kept.
    if (this.#questions !== undefined && --this.#questions <= 0) this.#finish('answered');
  }

  #finish(reason: string): void {
    this.#end(reason);
    this.#flow?.close();
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const one of this.#destinations.values()) this.#close(one, one.failure ?? reason);
    this.#options.onClose();
  }

  #close(destination: Destination, reason: string, outcome?: RequestOutcome): void {
    const { open, leg, line, bytesIn, bytesOut, failure } = destination;
    line?.close();
    leg?.close();
    open.end({ outcome: outcome ?? (failure === undefined ? 'completed' : 'failed'), bytesIn, bytesOut, reason });
  }
}

/** A question to a name server, which is over with its answer. */
function isLookUp(target: ResourceTarget, port: number): boolean {
  return target.kind === 'service' ? target.service === 'dns' : port === DNS_PORT;
}

const key = (address: string, port: number): string => `${address} ${port}`;
