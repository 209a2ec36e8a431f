import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type FaultPorts, noFaults } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import { endpointText } from '../lib/endpoint.ts';
import { errorText } from '../lib/errors.ts';
import type { RefuseWith, TcpConnectRequest, TcpFlow, UdpFlowRequest } from '../netstack/types.ts';
import type { Emit } from '../telemetry/events.ts';
import { DIAL_TIMEOUT_MS } from './constants.ts';
import type { ConnectRequest, Decision, Policy, Requester, ResourceVisitor, ServiceHandlers } from './types.ts';
import { UdpRelay } from './udp-relay.ts';

export interface BrokerOptions {
  readonly policy: Policy;
  readonly services: ServiceHandlers;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly faults?: FaultPorts;
  /** Who has this tunnel address; undefined = nobody that is known. */
  readonly requesterOf: (address: string) => Requester | undefined;
  /** The name of the mock host at this address, for journal and policy. */
  readonly hostOf: (address: string) => string | undefined;
}

const NOBODY: Requester = { session: undefined, user: undefined, signInName: undefined, tenantId: undefined };

/**
 * Turns flows of the tunnel into connect requests: one decision and one journal entry each, then the way to the resource.
 * The first packet of a flow is answered only after the decision, so a refused request looks refused on the wire.
 */
export class ResourceBroker implements Closable {
  readonly #options: BrokerOptions;
  readonly #faults: FaultPorts;
  readonly #streams = new Set<Duplex>();
  readonly #sockets = new Set<Socket>();
  readonly #relays = new Set<UdpRelay>();
  #requests = 0;
  #closed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
  }

  /** Requests decided so far. */
  get requests(): number {
    return this.#requests;
  }

  /** The netstack's `onTcp`. */
  readonly handleTcp = (flow: TcpConnectRequest): void => {
    if (this.#closed) {
      flow.refuse('reset');
      return;
    }
    const request = this.#request('tcp', flow.remoteAddress, flow.remotePort, flow.localAddress, flow.localPort);
    const decision = this.decide(request);
    if (!decision.allow) {
      refuse(flow, decision.answer);
      return;
    }
    const target = decision.target;
    if (target.kind === 'service') {
      const service = this.#options.services.stream(target.service);
      if (!service) {
        flow.refuse('reset');
        return;
      }
      const accepted = flow.accept({ noDelay: true });
      service.open(this.#track(request, accepted), visitorOf(request));
      return;
    }
    this.#dial(request, flow, target.host, target.port);
  };

  /** The netstack's `onUdp`. */
  readonly handleUdp = (flow: UdpFlowRequest): void => {
    if (this.#closed) {
      flow.refuse('reset');
      return;
    }
    const request = this.#request('udp', flow.remoteAddress, flow.remotePort, flow.localAddress, flow.localPort);
    const decision = this.decide(request);
    if (!decision.allow) {
      refuse(flow, decision.answer);
      return;
    }
    const relay = new UdpRelay({
      flow,
      first: { request, decision },
      services: this.#options.services,
      decide: (address, port) => {
        const next = this.#request('udp', flow.remoteAddress, flow.remotePort, address, port);
        return { request: next, decision: this.decide(next) };
      },
      visitorOf,
      onClose: (stats) => {
        this.#relays.delete(relay);
        this.#options.emit('resource.end', { request: request.id, ...stats, milliseconds: stats.milliseconds });
      },
      clock: this.#options.clock,
    });
    this.#relays.add(relay);
    relay.start();
  };

  /** Decides on a request and writes it to the journal. */
  decide(request: ConnectRequest): Decision {
    const fault = this.#faults.decision?.('resource', { ...request.destination, user: request.requester.user });
    const decision: Decision = fault
      ? { allow: false, rule: 'fault', explanation: fault.explanation, answer: 'prohibited' }
      : this.#options.policy(request);
    this.#options.emit('resource.request', {
      request: request.id,
      session: request.requester.session,
      user: request.requester.user,
      signInName: request.requester.signInName,
      protocol: request.protocol,
      source: endpointText(request.source.address, request.source.port),
      destination: endpointText(request.destination.address, request.destination.port),
      host: request.destination.host,
      decision: decision.allow ? 'allow' : 'deny',
      rule: decision.rule,
      explanation: decision.explanation,
    });
    return decision;
  }

  #request(
    protocol: ConnectRequest['protocol'],
    sourceAddress: string,
    sourcePort: number,
    address: string,
    port: number,
  ): ConnectRequest {
    this.#requests += 1;
    return {
      id: `r${this.#requests}`,
      protocol,
      requester: this.#options.requesterOf(sourceAddress) ?? NOBODY,
      source: { address: sourceAddress, port: sourcePort },
      destination: { address, host: this.#options.hostOf(address), port },
    };
  }

  #track(request: ConnectRequest, flow: TcpFlow): Duplex {
    const stream = flow.toDuplex();
    const begin = this.#options.clock.monotonic();
    this.#streams.add(stream);
    let failure: string | undefined;
    stream.once('error', (error) => {
      failure = errorText(error);
    });
    stream.once('close', () => {
      this.#streams.delete(stream);
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
  #dial(request: ConnectRequest, flow: TcpConnectRequest, host: string, port: number): void {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const fail = (how: RefuseWith, reason: string): void => {
      timer.cancel();
      socket.removeAllListeners('error').on('error', () => {});
      socket.destroy();
      flow.refuse(how);
      this.#options.emit('resource.end', { request: request.id, bytesIn: 0, bytesOut: 0, milliseconds: 0, reason });
    };
    const timer = this.#options.clock.setTimer(DIAL_TIMEOUT_MS, () =>
      fail('host-unreachable', `${host} port ${port} did not answer within ${DIAL_TIMEOUT_MS / 1000} s`),
    );
    socket.once('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ECONNREFUSED' ? 'reset' : 'host-unreachable', errorText(error)),
    );
    socket.once('connect', () => {
      timer.cancel();
      socket.removeAllListeners('error');
      const stream = this.#track(request, flow.accept({ noDelay: true }));
      join(stream, socket);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const relay of this.#relays) relay.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const stream of this.#streams) stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Joins two streams in both directions; half-close passes through, an error on one side resets the other. */
function join(left: Duplex, right: Duplex): void {
  left.on('error', () => right.destroy());
  right.on('error', () => left.destroy());
  left.once('close', () => right.destroy());
  right.once('close', () => {
    if (!left.writableEnded || !left.readableEnded) left.destroy();
  });
  left.pipe(right);
  right.pipe(left);
}

function refuse(flow: TcpConnectRequest | UdpFlowRequest, answer: RefuseWith | 'drop'): void {
  if (answer === 'drop') flow.drop();
  else flow.refuse(answer);
}

function visitorOf(request: ConnectRequest): ResourceVisitor {
  return {
    user: request.requester.user,
    signInName: request.requester.signInName,
    session: request.requester.session,
    tenantId: request.requester.tenantId,
    sourceAddress: request.source.address,
    sourcePort: request.source.port,
    destinationAddress: request.destination.address,
    destinationPort: request.destination.port,
  };
}
