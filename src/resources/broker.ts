import type { Duplex } from 'node:stream';
import { type FaultPorts, noFaults, type ResourceShape } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { ConnectionWatch } from '../lib/connection-watch.ts';
import { withinDescriptors } from '../lib/descriptor-limit.ts';
import type { Closable } from '../lib/dispose.ts';
import { errorText } from '../lib/errors.ts';
import type { Requester, Visitor } from '../lib/person.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import { resetStream } from '../lib/reset-stream.ts';
import type { TcpConnectRequest, UdpFlowRequest } from '../netstack/index.ts';
import {
  dial,
  type HostAddresses,
  type LookUp,
  type Network,
  ServedStream,
  systemNetwork,
  type TcpStream,
} from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import { DIAL_TIMEOUT_MS, MAX_UPSTREAM_SOCKETS, SOCKET_DESCRIPTOR_SHARE } from './constants.ts';
import { dialable, type OwnListener } from './dial-guard.ts';
import { type EchoAsked, EchoFlows } from './echo-flows.ts';
import { HostLookup } from './host-lookup.ts';
import { join } from './join.ts';
import { pendingFlow } from './pending-flow.ts';
import { type OpenRequest, type RequestCounts, RequestLedger } from './request-ledger.ts';
import { ShapedStream } from './shaped-stream.ts';
import type {
  AddressNames,
  AskedFor,
  ConnectRequest,
  Decision,
  PendingStream,
  Policy,
  RefusalAnswer,
  RefusalKind,
  RequestChannel,
  ResourceTarget,
  ServiceHandlers,
} from './types.ts';
import { UdpLeg } from './udp-leg.ts';
import { UdpRelay } from './udp-relay.ts';
import { type SocketLimitReached, type UpstreamSocket, UpstreamSockets } from './upstream-sockets.ts';
import { watchBetween } from './watch.ts';

interface BrokerOptions {
  readonly policy: Policy;
  readonly services: ServiceHandlers;
  readonly emit: Emit;
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch, as in the journal. Default: those of `clock`. */
  readonly now?: () => number;
  readonly random?: RandomSource;
  readonly faults?: FaultPorts;
  /** Names of addresses, for journal and policy. */
  readonly names: AddressNames;
  /** How to reach upstreams. Default: sockets of this machine. */
  readonly network?: Network;
  /** Destinations that would lead back into the simulator. Default: none. */
  readonly ownListener?: OwnListener;
  /** Resolver for names of upstreams. Default: this machine's. */
  readonly lookUp?: LookUp;
  /** Called with each allowed request. */
  readonly onAllowed?: (request: ConnectRequest, target: ResourceTarget) => void;
  /** Called for each connection to an upstream: returns an observer of its bytes, if any. Default: none. */
  readonly watch?: (visitor: Visitor, target: UpstreamTarget) => ConnectionWatch | undefined;
  /** Called each time the limit on sockets to upstreams is reached; can be often. */
  readonly onLimit?: (reached: SocketLimitReached) => void;
  /** Most sockets to upstreams. Default: based on the process's file descriptors. */
  readonly maxSockets?: number;
}

type UpstreamTarget = Extract<ResourceTarget, { kind: 'upstream' }>;

/** Refuses the connection, with the reason. */
type Refuse = (kind: RefusalKind, answer: RefusalAnswer, explanation: string) => void;

const NOBODY: Requester = { session: undefined, person: undefined };
/** Response to a SYN when an upstream cannot be reached. */
const ANSWERS = {
  refused: 'reset',
  unreachable: 'host-unreachable',
  timeout: 'host-unreachable',
  denied: 'prohibited',
} as const;

const NOTHING = { bytesIn: 0, bytesOut: 0 } as const;

/**
 * Turns flows of the tunnel, and CONNECTs, into connect requests: one decision and one journal entry each, then the connection.
 * A client gets a response only after the resource has responded, so a refused request looks refused on the wire.
 */
export class ResourceBroker implements Closable {
  readonly #options: BrokerOptions;
  readonly #ledger: RequestLedger;
  readonly #streams = new Set<Duplex>();
  readonly #sockets = new Set<TcpStream>();
  readonly #hosts: HostLookup;
  readonly #upstreams: UpstreamSockets;
  readonly #relays = new Set<UdpRelay>();
  readonly #echoes: EchoFlows;
  #closed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { clock, emit, faults = noFaults, lookUp, names, onAllowed, onLimit = () => {}, policy } = options;
    const { now = () => clock.now(), random = systemRandom } = options;
    this.#ledger = new RequestLedger({ policy, emit, clock, now, random, faults, names, onAllowed });
    const limit = options.maxSockets ?? withinDescriptors(MAX_UPSTREAM_SOCKETS, SOCKET_DESCRIPTOR_SHARE);
    this.#upstreams = new UpstreamSockets({ limit, onLimit });
    this.#hosts = new HostLookup({ clock, ...(lookUp ? { lookUp } : {}) });
    this.#echoes = new EchoFlows({ clock, open: (asked) => this.#ledger.open(asked) });
  }

  /** Number of requests since the start or the last reset, by outcome. */
  get counts(): RequestCounts {
    return this.#ledger.counts;
  }

  /** Clears the cache of this machine's resolver, and resets the counters. */
  reset(): void {
    this.#hosts.clear();
    this.#ledger.resetCounts();
  }

  /**
   * Applies a change of rules.
   * @param removed the removed rule: resets its connections
   * @returns number of connections and UDP destinations ended
   */
  rulesChanged(removed?: string): number {
    return this.#reconsider(({ decision }) =>
      removed !== undefined && isBy(removed, decision) ? 'The upstream was removed.' : undefined,
    );
  }

  /**
   * Applies a change of access rules: ends whatever is no longer allowed.
   * @returns number of connections, UDP destinations and pings ended
   */
  accessChanged(): number {
    return this.#reconsider(({ request }) => {
      const now = this.#ledger.reconsider(request);
      return now.allow ? undefined : `The rules changed: ${now.explanation}`;
    });
  }

  /** @param why returns why an allowed request has to end; undefined: it continues */
  #reconsider(why: (open: OpenRequest) => string | undefined): number {
    let ended = 0;
    for (const relay of this.#relays) ended += relay.reconsider(why);
    for (const open of this.#ledger) {
      const reason = why(open);
      if (reason !== undefined && open.stop(reason)) ended++;
    }
    return ended;
  }

  /** A SYN of the tunnel, with its session. */
  handleTcp(flow: TcpConnectRequest, requester: Requester = NOBODY, channel: RequestChannel = 'cstp'): void {
    this.connect(pendingFlow(flow), {
      protocol: 'tcp',
      channel,
      requester,
      source: { address: flow.remoteAddress, port: flow.remotePort },
      destination: { address: flow.localAddress, port: flow.localPort },
    });
  }

  /**
   * Decides on a pending stream, connects to its destination, and responds.
   * @returns a function to call when the client leaves before a response
   */
  connect(pending: PendingStream, asked: AskedFor): () => void {
    if (this.#closed) {
      const explanation = 'The simulator is closing.';
      pending.refuse({ kind: 'unreachable', answer: 'reset', rule: 'closing', explanation, request: '' });
      return () => {};
    }
    const open = this.#ledger.open(asked);
    const { request, decision } = open;
    const refuse: Refuse = (kind, answer, explanation) =>
      pending.refuse({ kind, answer, rule: decision.rule, explanation, request: request.id });
    if (!decision.allow) {
      refuse('denied', decision.answer, decision.explanation);
      return () => {};
    }
    const { target, shape } = decision;
    const reach = (): (() => void) => this.#reach(open, pending, target, shape, refuse);
    return shape?.delay ? this.#reachLater(shape.delay, open, refuse, reach) : reach();
  }

  /** Connects a stream to its allowed destination. */
  #reach(
    open: OpenRequest,
    pending: PendingStream,
    target: ResourceTarget,
    shape: ResourceShape | undefined,
    refuse: Refuse,
  ): () => void {
    if (target.kind === 'upstream') {
      if (target.here === undefined) return this.#dial(open, pending, target, shape, refuse);
      this.#serveHere(open, pending, target, target.here, shape);
      return () => {};
    }
    const service = target.kind === 'service' ? this.#options.services.stream(target.service) : undefined;
    if (!service) {
      open.end({ ...NOTHING, outcome: 'failed', reason: 'The service does not exist.' });
      refuse('refused', 'reset', 'The service does not exist.');
      return () => {};
    }
    service.open(this.#track(open, pending, shape), { ...visitorOf(open.request), answer: shape?.answer });
    return () => {};
  }

  /** Keeps a stream waiting for its response. */
  #reachLater(milliseconds: number, open: OpenRequest, refuse: Refuse, reach: () => () => void): () => void {
    let giveUp = (reason: string): void => {
      timer.cancel();
      open.end({ ...NOTHING, outcome: 'failed', reason });
      refuse('unreachable', 'reset', reason);
    };
    const timer = this.#options.clock.setTimer(milliseconds, () => {
      const left = reach();
      giveUp = () => left();
    });
    open.endBy((reason) => giveUp(reason));
    return () => giveUp('The client disconnected before an answer.');
  }

  /** The first datagram of a mapping, with its session. */
  handleUdp(flow: UdpFlowRequest, requester: Requester = NOBODY, channel: RequestChannel = 'cstp'): void {
    if (this.#closed) {
      flow.refuse('reset');
      return;
    }
    const { owner, remoteAddress, remotePort } = flow;
    const ask = (address: string, port: number): OpenRequest =>
      this.#ledger.open({
        protocol: 'udp',
        channel,
        requester,
        source: { address: remoteAddress, port: remotePort },
        destination: { address, port },
      });
    const first = ask(flow.localAddress, flow.localPort);
    if (!first.decision.allow) {
      if (first.decision.answer === 'drop') flow.drop();
      else flow.refuse(first.decision.answer);
      return;
    }
    const { clock, services, network } = this.#options;
    const { session } = requester;
    const relay = new UdpRelay({
      flow,
      first,
      services,
      clock,
      decide: ask,
      visitorOf,
      openLeg: (target, events) => {
        const leg: UdpLeg = new UdpLeg({
          host: target.host,
          port: target.port,
          ...events,
          clock,
          network,
          resolve: (maxAge) => this.#addressesOf(target, session, maxAge),
          onOpen: () => this.#upstreams.open(owner, leg),
          onClose: () => this.#upstreams.closed(owner, leg),
        });
        return leg;
      },
      onUnreachable: (request, explanation) => this.#unreachable(request, 'unreachable', explanation),
      onClose: () => this.#relays.delete(relay),
    });
    this.#relays.add(relay);
    relay.start();
  }

  /** A ping of the tunnel, with its session. True: answer it. */
  handleEcho(asked: EchoAsked, requester: Requester = NOBODY, channel: RequestChannel = 'cstp'): boolean {
    return !this.#closed && this.#echoes.handle(asked, requester, channel);
  }

  /** Accepts the client's stream, and follows it to its end. */
  #track(open: OpenRequest, pending: PendingStream, shape: ResourceShape | undefined): Duplex {
    open.answered();
    const accepted = pending.accept();
    const { stream } = accepted;
    this.#streams.add(stream);
    open.endBy((reason) => void stream.destroy(new Error(reason)));
    let failure: string | undefined;
    stream.once('error', (error) => {
      failure = errorText(error);
    });
    stream.once('close', () => {
      this.#streams.delete(stream);
      const end = (outcome: 'completed' | 'broken', reason = 'closed'): void =>
        open.end({ ...accepted.bytes(), outcome, reason });
      const { rest } = accepted;
      if (failure !== undefined || !stream.writableFinished) end('broken', failure);
      else if (stream.readableEnded) end('completed');
      else if (rest === undefined) end('broken');
      else {
        // The resource has sent everything and closed. The rest is between the client and the stack.
        open.endBy((reason) => {
          end('broken', reason);
          rest.reset();
        });
        rest.whenOver((error) => (error === undefined ? end('completed') : end('broken', errorText(error))));
      }
    });
    if (shape?.kbps === undefined && shape?.resetAfter === undefined) return stream;
    return new ShapedStream(stream, shape, this.#options.clock, () => accepted.bytes().bytesOut);
  }

  /** Passes a stream to an in-process handler. */
  #serveHere(
    open: OpenRequest,
    pending: PendingStream,
    target: UpstreamTarget,
    here: (stream: TcpStream) => void,
    shape: ResourceShape | undefined,
  ): void {
    const { source, destination } = open.request;
    const [served, socket] = ServedStream.pair(
      { host: source.address, port: source.port },
      { host: destination.address, port: destination.port },
      this.#options.clock,
    );
    served.on('error', () => served.destroy());
    this.#join(open, pending, target, socket, shape);
    try {
      here(served);
    } catch (error) {
      served.resetAndDestroy();
      open.stop(`The handler in this process failed: ${errorText(error)}.`);
    }
  }

  /** Accepts the client's stream, and joins it to its upstream. */
  #join(
    open: OpenRequest,
    pending: PendingStream,
    target: UpstreamTarget,
    socket: TcpStream,
    shape: ResourceShape | undefined,
  ): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const flow = this.#track(open, pending, shape);
    const watch = this.#options.watch?.(visitorOf(open.request), target);
    if (watch) watchBetween(flow, socket, watch);
    join(flow, socket, this.#options.clock);
  }

  /** Connects first and then accepts, so that a dead upstream is a refused connection, not an accepted and broken one. */
  #dial(
    open: OpenRequest,
    pending: PendingStream,
    target: UpstreamTarget,
    shape: ResourceShape | undefined,
    tell: Refuse,
  ): () => void {
    const { clock, network = systemNetwork } = this.#options;
    const { request } = open;
    const { owner } = pending;
    const { host, port } = target;
    const resolve = () => this.#addressesOf(target, request.requester.session);
    const refuse: Refuse = (kind, answer, reason) => {
      open.end({ ...NOTHING, outcome: kind === 'denied' ? 'denied' : 'failed', reason });
      tell(kind, answer, reason);
    };
    /** While there is no response. */
    let giveUp: Refuse | undefined;
    const slot: UpstreamSocket = {
      usedAt: Number.POSITIVE_INFINITY,
      suspend: () => {
        this.#upstreams.closed(owner, slot);
        const reason = 'Closed to give other sessions their share of the sockets to upstreams.';
        if (giveUp) giveUp('busy', 'host-unreachable', reason);
        else open.stop(reason);
      },
    };
    if (!this.#upstreams.open(owner, slot)) {
      refuse('busy', 'host-unreachable', 'The session has used its share of the sockets to upstreams.');
      return () => {};
    }
    const stop = dial({ host, port, resolve, clock, network, timeout: DIAL_TIMEOUT_MS }, (outcome) => {
      giveUp = undefined;
      if ('failure' in outcome) {
        const { failure, kind } = outcome;
        this.#upstreams.closed(owner, slot);
        this.#unreachable(request, kind, failure);
        refuse(kind, ANSWERS[kind], failure);
        return;
      }
      const { socket } = outcome;
      socket.once('close', () => this.#upstreams.closed(owner, slot));
      this.#join(open, pending, target, socket, shape);
    });
    giveUp = (kind, answer, reason) => {
      giveUp = undefined;
      stop();
      this.#upstreams.closed(owner, slot);
      refuse(kind, answer, reason);
    };
    open.endBy((reason) => giveUp?.('denied', 'reset', reason));
    return () => giveUp?.('unreachable', 'reset', 'The client disconnected before an answer.');
  }

  /** The addresses of an upstream that may be dialed. */
  async #addressesOf(target: UpstreamTarget, session: string | undefined, maxAge?: number): Promise<HostAddresses> {
    const found = await this.#hosts.resolve(target.host, session, maxAge);
    if ('failure' in found) return found;
    return dialable(target, found.addresses, this.#options.ownListener ?? (() => undefined));
  }

  #unreachable(request: ConnectRequest, reason: string, explanation: string): void {
    this.#options.emit('resource.unreachable', {
      request: request.id,
      session: request.requester.session,
      host: request.destination.host ?? request.destination.address,
      reason,
      explanation,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#echoes.close();
    for (const relay of this.#relays) relay.close();
    for (const socket of this.#sockets) resetStream(socket);
    for (const stream of this.#streams) stream.destroy();
    // The remaining ones are still being dialed.
    for (const open of this.#ledger) if (!open.isAnswered) open.stop('The simulator is closing.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function isBy(id: string, decision: Decision): boolean {
  return decision.allow && decision.target.kind === 'upstream' && decision.target.id === id;
}

function visitorOf(request: ConnectRequest): Visitor {
  return {
    ...request.requester,
    request: request.id,
    sourceAddress: request.source.address,
    sourcePort: request.source.port,
    destinationAddress: request.destination.address,
    destinationPort: request.destination.port,
  };
}
