import type { Clock } from '../lib/clock.ts';
import type { Visitor } from '../lib/person.ts';
import type { UdpFlow, UdpFlowRequest } from '../netstack/index.ts';
import { DNS_PORT, MAX_UDP_DESTINATIONS } from './constants.ts';
import { DatagramLine } from './datagram-line.ts';
import type { OpenRequest, RequestOutcome } from './request-ledger.ts';
import type { ConnectRequest, ResourceTarget, ServiceHandlers } from './types.ts';
import type { UdpLeg } from './udp-leg.ts';

type UpstreamTarget = Extract<ResourceTarget, { kind: 'upstream' }>;

/** Callbacks for the upstream of a mapping. */
export interface LegEvents {
  readonly onMessage: (payload: Buffer) => void;
  readonly onFailure: (explanation: string) => void;
}

interface UdpRelayOptions {
  readonly flow: UdpFlowRequest;
  readonly first: OpenRequest;
  readonly services: ServiceHandlers;
  /** Clock of slow lines. */
  readonly clock: Clock;
  /** Called once for each further destination of the mapping. */
  readonly decide: (address: string, port: number) => OpenRequest;
  readonly visitorOf: (request: ConnectRequest) => Visitor;
  /** Connects to an upstream, for one destination. */
  readonly openLeg: (target: UpstreamTarget, events: LegEvents) => UdpLeg;
  /** A destination is unreachable, with the reason. Not repeated for the same reason until data arrives from there. */
  readonly onUnreachable: (request: ConnectRequest, explanation: string) => void;
  /** Called once, at the end. */
  readonly onClose: () => void;
}

/** An allowed destination and its traffic. */
interface Destination {
  readonly open: OpenRequest;
  readonly address: string;
  readonly port: number;
  leg: UdpLeg | undefined;
  /** Undefined: full speed. */
  readonly line: DatagramLine | undefined;
  bytesIn: number;
  bytesOut: number;
  /** The last reason why it was unreachable. */
  failure: string | undefined;
}

/**
 * One UDP mapping of a client: mock services answer datagrams directly, those for upstreams use a real socket for each
 * destination. Each destination has its own decision, and its own entry at the end.
 */
export class UdpRelay {
  readonly #options: UdpRelayOptions;
  readonly #destinations = new Map<string, Destination>();
  #flow: UdpFlow | undefined;
  /** Unanswered queries, while the mapping has carried only look-ups; undefined otherwise. */
  #questions: number | undefined = 0;
  #closed = false;

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#add(options.flow.localAddress, options.flow.localPort, options.first);
  }

  /** Accepts the mapping and handles its first datagram at once. */
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
   * Applies a change of rules: retries refused destinations, and ends those with a reason to end. Returns how many ended.
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
    if (!decision.allow) {
      // As without a mapping: the client's port may have one by chance, or speak to several hosts.
      if (decision.answer !== 'drop') this.#flow?.refuse(decision.answer);
      return;
    }
    destination.bytesIn += payload.length;
    if (!isLookUp(decision.target, port)) this.#questions = undefined;
    else if (this.#questions !== undefined) this.#questions++;
    const { line } = destination;
    if (line === undefined) this.#handOn(payload, destination, decision.target, request);
    else line.toResource(payload.length, () => this.#handOn(payload, destination, decision.target, request));
  }

  #handOn(payload: Buffer, destination: Destination, target: ResourceTarget, request: ConnectRequest): void {
    if (target.kind === 'upstream') {
      // In-process handlers accept connections, but no datagrams.
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
        // A client that queries a missing name server asks again, from another port.
        if (this.#questions !== undefined) this.#finish('unanswered');
      },
    });
  }

  #lineOf({ decision }: OpenRequest): DatagramLine | undefined {
    const shape = decision.allow ? decision.shape : undefined;
    if (shape?.delay === undefined && shape?.kbps === undefined) return undefined;
    return new DatagramLine(shape, this.#options.clock);
  }

  /** Sends an answer to the client; undefined: there is none. */
  #answer(destination: Destination, bytes: Uint8Array | undefined): void {
    const { line } = destination;
    if (line === undefined || bytes === undefined) this.#reply(destination, bytes);
    else line.toClient(bytes.length, () => this.#reply(destination, bytes));
  }

  #reply(destination: Destination, bytes: Uint8Array | undefined): void {
    if (this.#closed) return;
    // A service can answer within `accept`, before the mapping is returned: the reply waits for that.
    if (!this.#flow) {
      queueMicrotask(() => this.#reply(destination, bytes));
      return;
    }
    const { address, port } = destination;
    if (bytes !== undefined && this.#flow.send(bytes, address, port)) {
      destination.open.answered();
      destination.bytesOut += bytes.length;
    }
    // A resolver uses a new port for each look-up (RFC 5452 §9.2), and would fill any table if its mappings were kept.
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

/** A query to a name server, which ends with its answer. */
function isLookUp(target: ResourceTarget, port: number): boolean {
  return target.kind === 'service' ? target.service === 'dns' : port === DNS_PORT;
}

const key = (address: string, port: number): string => `${address} ${port}`;
