import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { UdpFlow, UdpFlowRequest } from '../netstack/types.ts';
import { MAX_UDP_DESTINATIONS } from './constants.ts';
import type { ConnectRequest, Decision, ResourceVisitor, ServiceHandlers } from './types.ts';

interface Decided {
  readonly request: ConnectRequest;
  readonly decision: Decision;
}

export interface UdpRelayOptions {
  readonly flow: UdpFlowRequest;
  readonly first: Decided;
  readonly services: ServiceHandlers;
  /** Called for each further destination of the mapping, once. */
  readonly decide: (address: string, port: number) => Decided;
  readonly visitorOf: (request: ConnectRequest) => ResourceVisitor;
  readonly onClose: (stats: { bytesIn: number; bytesOut: number; milliseconds: number; reason: string }) => void;
  readonly clock: Clock;
}

/**
 * One UDP mapping of a client: datagrams to mock services are answered in place, those to upstreams leave by one real socket
 * per address family. Each destination has its own decision.
 */
export class UdpRelay {
  readonly #options: UdpRelayOptions;
  readonly #decided = new Map<string, Decided>();
  readonly #sockets = new Map<4 | 6, Socket>();
  /** What the client believes to talk to, by the real endpoint that answers. */
  readonly #faces = new Map<string, { address: string; port: number }>();
  readonly #begin: number;
  #flow: UdpFlow | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #closed = false;

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#begin = options.clock.monotonic();
    this.#decided.set(key(options.flow.localAddress, options.flow.localPort), options.first);
  }

  /** Accepts the mapping; its first datagram is handled at once. */
  start(): void {
    const flow = this.#options.flow.accept((payload, address, port) => this.#receive(payload, address, port));
    this.#flow = flow;
    flow.onClose = () => this.#end('idle');
  }

  close(): void {
    this.#flow?.close();
    this.#end('closed');
  }

  #receive(payload: Buffer, address: string, port: number): void {
    const id = key(address, port);
    let decided = this.#decided.get(id);
    if (!decided) {
      if (this.#decided.size >= MAX_UDP_DESTINATIONS) return;
      decided = this.#options.decide(address, port);
      this.#decided.set(id, decided);
    }
    const { decision, request } = decided;
    if (!decision.allow) return;
    this.#bytesIn += payload.length;
    const target = decision.target;
    if (target.kind === 'upstream') {
      this.#forward(payload, target.host, target.port, { address, port });
      return;
    }
    const answer = this.#options.services.datagram(target.service)?.answer(payload, this.#options.visitorOf(request));
    if (answer instanceof Promise) {
      answer.then(
        (bytes) => this.#reply(bytes, address, port),
        () => {},
      );
    } else {
      this.#reply(answer, address, port);
    }
  }

  #reply(bytes: Uint8Array | undefined, address: string, port: number): void {
    if (this.#closed || bytes === undefined) return;
    // A service may answer within `accept`, before the mapping is handed out: the reply waits for its return.
    if (!this.#flow) {
      queueMicrotask(() => this.#reply(bytes, address, port));
      return;
    }
    if (this.#flow.send(bytes, address, port)) this.#bytesOut += bytes.length;
  }

  #forward(payload: Buffer, host: string, port: number, face: { address: string; port: number }): void {
    const version = isIP(host);
    // Names are resolved by rules with a TCP target only: UDP upstreams are addresses.
    if (version !== 4 && version !== 6) return;
    let socket = this.#sockets.get(version);
    if (!socket) {
      socket = createSocket(version === 4 ? 'udp4' : 'udp6');
      socket.on('error', () => {});
      socket.on('message', (message, from) => {
        const known = this.#faces.get(key(from.address, from.port)) ?? { address: from.address, port: from.port };
        this.#reply(message, known.address, known.port);
      });
      this.#sockets.set(version, socket);
    }
    this.#faces.set(key(host, port), face);
    socket.send(payload, port, host, () => {});
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#options.onClose({
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      milliseconds: this.#options.clock.monotonic() - this.#begin,
      reason,
    });
  }
}

const key = (address: string, port: number): string => `${address} ${port}`;
