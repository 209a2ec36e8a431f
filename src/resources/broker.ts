import type { Duplex } from 'node:stream';
import { type FaultPorts, noFaults } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { withinDescriptors } from '../lib/descriptor-limit.ts';
import type { Closable } from '../lib/dispose.ts';
import { endpointText } from '../lib/endpoint.ts';
import { errorText } from '../lib/errors.ts';
import type { Requester, Visitor } from '../lib/person.ts';
import type { FlowAddresses, RefuseWith, TcpConnectRequest, TcpFlow, UdpFlowRequest } from '../netstack/index.ts';
import type { Network, TcpStream } from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import { MAX_UPSTREAM_SOCKETS, SOCKET_DESCRIPTOR_SHARE } from './constants.ts';
import { dial } from './dial.ts';
import { HostLookup, type LookUp } from './host-lookup.ts';
import { join } from './join.ts';
import type { AddressNames, ConnectRequest, Decision, Policy, ResourceTarget, ServiceHandlers } from './types.ts';
import { UdpLeg } from './udp-leg.ts';
import { type Decided, UdpRelay } from './udp-relay.ts';
import { type SocketLimitReached, type UpstreamSocket, UpstreamSockets } from './upstream-sockets.ts';

interface BrokerOptions {
  readonly policy: Policy;
  readonly services: ServiceHandlers;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly faults?: FaultPorts;
  /** What addresses are called, for journal and policy. */
  readonly names: AddressNames;
  /** How upstreams are reached by TCP. Default: by the machine's sockets. */
  readonly network?: Network;
  /** How names of upstreams are resolved. Default: by the resolver of this machine. */
  readonly lookUp?: LookUp;
  /** Called with each request that is allowed. */
  readonly onAllowed?: (request: ConnectRequest, target: ResourceTarget) => void;
  /** Called each time that the limit on sockets to upstreams is met; may be often. */
  readonly onLimit?: (reached: SocketLimitReached) => void;
  /** Sockets to upstreams at a time. Default: what the process's file descriptors allow. */
  readonly maxSockets?: number;
}

type UpstreamTarget = Extract<ResourceTarget, { kind: 'upstream' }>;

const NOBODY: Requester = { session: undefined, person: undefined };

/**
 * Turns flows of the tunnel into connect requests: one decision and one journal entry each, then the way to the resource.
 * The first packet of a flow is answered only after the decision, so a refused request looks refused on the wire.
 */
export class ResourceBroker implements Closable {
  readonly #options: BrokerOptions;
  readonly #faults: FaultPorts;
  readonly #streams = new Set<Duplex>();
  readonly #sockets = new Set<TcpStream>();
  /** Calls that give up what is being dialled. */
  readonly #dials = new Set<() => void>();
  readonly #hosts: HostLookup;
  readonly #upstreams: UpstreamSockets;
  readonly #relays = new Set<UdpRelay>();
  /** TCP flows to upstreams, from the first SYN on, by the rule that allows them: each with what ends it. */
  readonly #byRule = new Map<string, Set<(reason: string) => void>>();
  #requests = 0;
  #closed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
    const { clock, lookUp, onLimit = () => {} } = options;
    const limit = options.maxSockets ?? withinDescriptors(MAX_UPSTREAM_SOCKETS, SOCKET_DESCRIPTOR_SHARE);
    this.#upstreams = new UpstreamSockets({ limit, onLimit });
    this.#hosts = new HostLookup({ clock, ...(lookUp ? { lookUp } : {}) });
  }

  /** Forgets what the resolver of this machine has answered. */
  forgetHosts(): void {
    this.#hosts.clear();
  }

  /**
   * Other rules are in force than before.
   * @param removed the rule that is gone: what goes by it is reset
   * @returns how many connections and UDP destinations ended
   */
  rulesChanged(removed?: string): number {
    let ended = 0;
    for (const relay of this.#relays) ended += relay.reconsider(removed);
    if (removed === undefined) return ended;
    for (const end of [...(this.#byRule.get(removed) ?? [])]) {
      ended++;
      end('The upstream was removed.');
    }
    return ended;
  }

  /** A SYN of the tunnel, with the session that it came from. */
  handleTcp(flow: TcpConnectRequest, requester: Requester = NOBODY): void {
    if (this.#closed) {
      flow.refuse('reset');
      return;
    }
    const decided = this.#decided('tcp', requester, flow);
    const { request, decision } = decided;
    if (!decision.allow) {
      refuse(flow, decision.answer);
      return;
    }
    const target = decision.target;
    if (target.kind === 'service') {
      const service = this.#options.services.stream(target.service);
      if (!service) {
        flow.refuse('reset');
        decided.release();
        return;
      }
      const accepted = flow.accept({ noDelay: true });
      service.open(this.#track(decided, accepted), visitorOf(request));
      return;
    }
    this.#dial(decided, flow, target);
  }

  /** The first datagram of a mapping, with the session that it came from. */
  handleUdp(flow: UdpFlowRequest, requester: Requester = NOBODY): void {
    if (this.#closed) {
      flow.refuse('reset');
      return;
    }
    const first = this.#decided('udp', requester, flow);
    if (!first.decision.allow) {
      refuse(flow, first.decision.answer);
      return;
    }
    const { owner, remoteAddress, remotePort } = flow;
    const { clock, emit, services } = this.#options;
    const { session } = requester;
    const relay = new UdpRelay({
      flow,
      first,
      services,
      decide: (localAddress, localPort) =>
        this.#decided('udp', requester, { remoteAddress, remotePort, localAddress, localPort }),
      visitorOf,
      openLeg: (target, events) => {
        const leg: UdpLeg = new UdpLeg({
          ...target,
          ...events,
          clock,
          resolve: (maxAge) => this.#hosts.resolve(target.host, session, maxAge),
          onOpen: () => this.#upstreams.open(owner, leg),
          onClose: () => this.#upstreams.closed(owner, leg),
        });
        return leg;
      },
      onUnreachable: (request, explanation) => this.#unreachable(request, explanation),
      onEnd: ({ id }, end) => emit('resource.end', { request: id, ...end }),
      onClose: () => this.#relays.delete(relay),
      clock,
    });
    this.#relays.add(relay);
    relay.start();
  }

  /** Decides on a request and writes it to the journal. */
  decide(request: ConnectRequest): Decision {
    const fault = this.#faults.decision?.('resource', {
      session: request.requester.session,
      name: request.destination.host ?? request.destination.address,
      port: request.destination.port,
      person: request.requester.person,
    });
    const decision: Decision = fault
      ? { allow: false, rule: 'fault', explanation: fault.explanation, answer: 'prohibited' }
      : this.#options.policy(request);
    this.#options.emit('resource.request', {
      request: request.id,
      session: request.requester.session,
      user: request.requester.person?.username,
      signInName: request.requester.person?.signInName,
      protocol: request.protocol,
      source: endpointText(request.source.address, request.source.port),
      destination: endpointText(request.destination.address, request.destination.port),
      host: request.destination.host,
      decision: decision.allow ? 'allow' : 'deny',
      rule: decision.rule,
      explanation: decision.explanation,
    });
    if (decision.allow) this.#options.onAllowed?.(request, decision.target);
    return decision;
  }

  /** A request and the decision on it. While it goes on, its destination keeps its name. */
  #decided(
    protocol: ConnectRequest['protocol'],
    requester: Requester,
    ends: Pick<FlowAddresses, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>,
  ): Decided {
    this.#requests += 1;
    const { names } = this.#options;
    const address = ends.localAddress;
    const known = names.namesOf(address);
    const request: ConnectRequest = {
      id: `r${this.#requests}`,
      protocol,
      requester,
      source: { address: ends.remoteAddress, port: ends.remotePort },
      destination: {
        address,
        host: known[0],
        names: known,
        isVirtual: names.isVirtual(address),
        port: ends.localPort,
      },
    };
    const decision = this.decide(request);
    const release = decision.allow ? names.keep(address, requester.session) : (): void => {};
    return { request, decision, release };
  }

  #track({ request, release }: Decided, flow: TcpFlow): Duplex {
    const stream = flow.toDuplex();
    const begin = this.#options.clock.monotonic();
    this.#streams.add(stream);
    let failure: string | undefined;
    stream.once('error', (error) => {
      failure = errorText(error);
    });
    stream.once('close', () => {
      this.#streams.delete(stream);
      release();
      const { bytesIn, bytesOut } = flow.stats();
      this.#options.emit('resource.end', {
        request: request.id,
        bytesIn,
        bytesOut,
        milliseconds: this.#options.clock.monotonic() - begin,
        reason: failure ?? 'closed',
      });
    });
    return stream;
  }

  /** Connects first and accepts then, so that a dead upstream is a refused connection, not an accepted and broken one. */
  #dial(decided: Decided, flow: TcpConnectRequest, { id, host, port }: UpstreamTarget): void {
    const { clock, emit, network } = this.#options;
    const { request, release } = decided;
    const { owner } = flow;
    const resolve = () => this.#hosts.resolve(host, request.requester.session);
    const refuse = (how: RefuseWith, reason: string): void => {
      forget();
      release();
      flow.refuse(how);
      emit('resource.end', { request: request.id, bytesIn: 0, bytesOut: 0, milliseconds: 0, reason });
    };
    let end: (reason: string, how?: RefuseWith) => void;
    const whenRemoved = (reason: string): void => end(reason, 'reset');
    const forget = this.#follow(id, whenRemoved);
    const slot: UpstreamSocket = {
      usedAt: Number.POSITIVE_INFINITY,
      suspend: () => {
        this.#upstreams.closed(owner, slot);
        end('Given up, so that other sessions have their share of the sockets to upstreams.');
      },
    };
    if (!this.#upstreams.open(owner, slot)) {
      refuse('host-unreachable', 'The session has its share of the sockets to upstreams.');
      return;
    }
    const giveUp = dial({ host, port, resolve, clock, ...(network ? { network } : {}) }, (outcome) => {
      this.#dials.delete(giveUp);
      if ('failure' in outcome) {
        const { failure, refused } = outcome;
        this.#upstreams.closed(owner, slot);
        this.#unreachable(request, failure);
        refuse(refused ? 'reset' : 'host-unreachable', failure);
        return;
      }
      const { socket } = outcome;
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#upstreams.closed(owner, slot);
        forget();
      });
      const stream = this.#track(decided, flow.accept({ noDelay: true }));
      end = (reason) => stream.destroy(new Error(reason));
      join(stream, socket, clock);
    });
    this.#dials.add(giveUp);
    end = (reason, how = 'host-unreachable') => {
      giveUp();
      this.#dials.delete(giveUp);
      this.#upstreams.closed(owner, slot);
      refuse(how, reason);
    };
  }

  /** Has a flow be ended with its rule; the returned function ends that. */
  #follow(id: string, end: (reason: string) => void): () => void {
    const flows = this.#byRule.get(id) ?? new Set();
    this.#byRule.set(id, flows.add(end));
    return () => {
      flows.delete(end);
      if (flows.size === 0 && this.#byRule.get(id) === flows) this.#byRule.delete(id);
    };
  }

  #unreachable(request: ConnectRequest, explanation: string): void {
    this.#options.emit('resource.unreachable', {
      request: request.id,
      session: request.requester.session,
      host: request.destination.host ?? request.destination.address,
      explanation,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const relay of this.#relays) relay.close();
    for (const giveUp of this.#dials) giveUp();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    for (const stream of this.#streams) stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function refuse(flow: TcpConnectRequest | UdpFlowRequest, answer: RefuseWith | 'drop'): void {
  if (answer === 'drop') flow.drop();
  else flow.refuse(answer);
}

function visitorOf(request: ConnectRequest): Visitor {
  return {
    ...request.requester,
    sourceAddress: request.source.address,
    sourcePort: request.source.port,
    destinationAddress: request.destination.address,
    destinationPort: request.destination.port,
  };
}
