import { Buffer } from 'node:buffer';
import { DeadlineHeap } from '../lib/deadline-heap.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import { SharedTable } from '../lib/shared-table.ts';
import { ByPeer } from './core/by-peer.ts';
import { EPHEMERAL_PORTS, freeNumber } from './core/free-number.ts';
import { fold } from './core/packet-slab.ts';
import type { Party } from './core/shares.ts';
import type {
  IpFamily,
  LimitReached,
  NetstackLimits,
  OpenedUdpFlow,
  RefuseWith,
  TcpConnectOptions,
  UdpDatagramHandler,
  UdpFlowRequest,
} from './core/types.ts';
import { formatAddress, type IpAddress, parseAddress } from './ip/address.ts';
import type { Icmp } from './ip/icmp.ts';
import { type IpHost, PROTOCOL_UDP, pseudoSum, sendIp, transportChecksum, wordsOf } from './ip/ip-output.ts';
import type { IpPayload } from './ip/ip-payload.ts';
import { type Entry, type Mapping, OpenedMapping, Request } from './udp-mapping.ts';

const HEADER = 8;

/** Bytes of a refused datagram's packet to keep for quoting in an ICMP error. */
const MAX_QUOTE = 1280;

/** What UDP needs from the stack. */
export interface UdpHost extends IpHost {
  readonly limits: Pick<NetstackLimits, 'udpFlows' | 'udpIdle'>;
  readonly icmp: Icmp;
  /** The owner of the packet being processed; outside of `input`, the stack's own. */
  readonly party: Party;
  limitReached(table: 'udp-flows', action: LimitReached['action'], party: Party): void;
  /** Whether the local address belongs to the stack. */
  isLocal(family: IpFamily, addresses: Int32Array): boolean;
  readonly onUdp: ((request: UdpFlowRequest) => void) | undefined;
}

/** UDP mappings (RFC 768, RFC 4787): one for each remote endpoint, for any local endpoint. */
export class Udp {
  readonly #host: UdpHost;
  readonly #random: RandomSource;
  readonly #flows = new Map<string, Mapping>();
  /** Remote endpoints without a decision yet. */
  readonly #pending = new Map<string, Request>();
  /** Mappings and requests, by owner and by expiry. */
  readonly #table: SharedTable<Party, Entry>;
  readonly #deadlines = new DeadlineHeap<Entry>();
  /** The packet of the datagram that a handler is called with. */
  #current: Buffer | undefined;
  #currentAt = 0;
  #currentLength = 0;
  readonly #byPeer = new ByPeer<Entry>();
  /** Number of mappings opened by the application; they are identified by both ports. */
  #active = 0;

  constructor(host: UdpHost, random: RandomSource) {
    this.#host = host;
    this.#random = random;
    this.#table = new SharedTable(host.limits.udpFlows);
  }

  /** @internal */
  get now(): number {
    return this.#host.now;
  }

  /** When `expire` is needed next; Infinity without mappings. */
  get nextDeadline(): number {
    return this.#deadlines.next;
  }

  /** Processes a received datagram. */
  input(ip: IpPayload): void {
    const { buffer, packet, packetLength, at, length, family, addresses } = ip;
    const host = this.#host;
    const { counters } = host;
    counters.udpIn++;
    const claimed = length < HEADER ? 0 : (buffer[at + 4]! << 8) | buffer[at + 5]!;
    if (claimed < HEADER || claimed > length) {
      counters.dropUdpHeader++;
      return;
    }
    const unsummed = buffer[at + 6] === 0 && buffer[at + 7] === 0;
    // No checksum: allowed by RFC 768, forbidden in IPv6 (RFC 8200 §8.1).
    if (unsummed ? family === 6 : !this.#intact(buffer, at, claimed, family, addresses)) {
      counters.dropUdpChecksum++;
      return;
    }
    const remotePort = (buffer[at]! << 8) | buffer[at + 1]!;
    const localPort = (buffer[at + 2]! << 8) | buffer[at + 3]!;
    const payload = Buffer.from(buffer.subarray(at + HEADER, at + claimed));
    const key = keyOf(family, addresses, remotePort);
    const active = this.#active > 0 ? this.#flows.get(`${localPort}>${key}`) : undefined;
    const flow = active ?? this.#flows.get(key);
    if (flow) {
      flow.use(host.now);
      this.#current = buffer;
      this.#currentAt = packet;
      this.#currentLength = packetLength;
      try {
        flow.handler(payload, formatAddress(family, addresses, wordsOf(family)), localPort);
      } finally {
        this.#current = undefined;
      }
      return;
    }
    if (!host.isLocal(family, addresses)) {
      counters.dropNotLocal++;
      return;
    }
    if (!host.onUdp) {
      host.icmp.unreachable('port', buffer, packet, packetLength, host.party);
      return;
    }
    const pending = this.#pending.get(key);
    if (pending) {
      const address = formatAddress(family, addresses, wordsOf(family));
      if (!pending.hold(payload, address, localPort)) counters.dropUdpPending++;
      return;
    }
    if (!this.#room()) return;
    const quote = Buffer.from(buffer.subarray(packet, packet + Math.min(packetLength, MAX_QUOTE)));
    const words = wordsOf(family);
    const remote = { party: host.party, key, family, remote: addresses.slice(0, words), remotePort };
    const local = { address: formatAddress(family, addresses, words), port: localPort };
    const request = new Request(this, remote, local, { payload, quote, at: host.now });
    this.#pending.set(key, request);
    this.#enter(request);
    host.onUdp(request);
  }

  /** @internal Called when the application has decided. */
  decided(request: Request): void {
    this.#pending.delete(request.key);
    this.#leave(request);
  }

  /** Opens a mapping. @throws TunneliteError `ERR_NETSTACK_ADDRESS`, `ERR_NETSTACK_PORT_IN_USE`, `ERR_NETSTACK_LIMIT` */
  open(options: TcpConnectOptions, handler: UdpDatagramHandler): OpenedUdpFlow {
    const local = parseAddress(options.localAddress);
    const remote = parseAddress(options.remoteAddress);
    if (!local || !remote || local.family !== remote.family) throw new TunneliteError('ERR_NETSTACK_ADDRESS');
    if (this.#table.full) throw new TunneliteError('ERR_NETSTACK_LIMIT');
    const peer = keyOf(remote.family, remote.words, options.remotePort);
    const keyFrom = (port: number): string => `${port}>${peer}`;
    const taken = (port: number): boolean => this.#flows.has(keyFrom(port));
    const localPort = freeNumber(this.#random, EPHEMERAL_PORTS, taken, options.localPort || undefined);
    this.#active++;
    const { family, words } = remote;
    const flow = new OpenedMapping(
      this,
      { party: this.#host.party, key: keyFrom(localPort), family, remote: words, remotePort: options.remotePort },
      { address: formatAddress(family, local.words, 0), port: localPort },
      handler,
    );
    this.add(flow);
    return flow;
  }

  /** @internal */
  add(flow: Mapping): Mapping {
    flow.use(this.#host.now);
    this.#flows.set(flow.key, flow);
    this.#enter(flow);
    this.#host.counters.udpFlows = this.#flows.size;
    return flow;
  }

  /** @internal */
  remove(flow: Mapping): void {
    if (this.#flows.get(flow.key) !== flow) return;
    this.#flows.delete(flow.key);
    if (flow.key.includes('>')) this.#active--;
    this.#leave(flow);
    this.#host.counters.udpFlows = this.#flows.size;
  }

  #enter(entry: Entry): void {
    this.#table.add(entry.party, entry);
    this.#byPeer.add(entry.family, entry.remote, entry);
    this.#deadlines.schedule(entry, entry.usedAt + this.#host.limits.udpIdle);
  }

  #leave(entry: Entry): void {
    this.#table.delete(entry.party, entry);
    this.#byPeer.delete(entry.family, entry.remote, entry);
    this.#deadlines.remove(entry);
  }

  /** Whether the owner of the packet may have one more mapping. Makes space if others hold more than their share. */
  #room(): boolean {
    const host = this.#host;
    if (!this.#table.full) return true;
    if (this.#table.hasShare(host.party)) {
      host.counters.refusedUdpFlows++;
      host.limitReached('udp-flows', 'refused', host.party);
      return false;
    }
    const largest = this.#table.largest()!;
    host.counters.evictedUdpFlows++;
    this.#table.cheapest(largest, (entry) => entry.usedAt)!.end();
    host.limitReached('udp-flows', 'evicted', largest);
    return true;
  }

  /** @internal */
  refuse(how: RefuseWith, quote: Buffer, party: Party): void {
    this.#host.icmp.unreachable(how === 'reset' ? 'port' : how, quote, 0, quote.length, party);
  }

  /** @internal */
  refuseCurrent(how: RefuseWith, party: Party): void {
    const packet = this.#current;
    if (packet === undefined) return;
    this.#host.icmp.unreachable(how === 'reset' ? 'port' : how, packet, this.#currentAt, this.#currentLength, party);
  }

  /** @internal */
  send(family: IpFamily, addresses: Int32Array, remotePort: number, localPort: number, payload: Uint8Array): boolean {
    const host = this.#host;
    if (payload.length > 65_535 - HEADER - 20) return false;
    const datagram = Buffer.allocUnsafe(HEADER + payload.length);
    datagram.writeUInt16BE(localPort, 0);
    datagram.writeUInt16BE(remotePort, 2);
    datagram.writeUInt16BE(datagram.length, 4);
    datagram.writeUInt16BE(0, 6);
    datagram.set(payload, HEADER);
    // A sum of zero is sent as all ones, since zero means no checksum (RFC 768).
    datagram.writeUInt16LE(transportChecksum(host, addresses, family, PROTOCOL_UDP, datagram) || 0xffff, 6);
    host.counters.udpOut++;
    return sendIp(host, family, addresses, PROTOCOL_UDP, datagram);
  }

  /** Whether there is a mapping for this remote endpoint and local port. */
  knows(family: IpFamily, addresses: Int32Array, remotePort: number, localPort: number): boolean {
    const key = keyOf(family, addresses, remotePort);
    return this.#flows.has(key) || this.#flows.has(`${localPort}>${key}`);
  }

  /** Processes an error for a datagram of a mapping; false when the datagram is not ours. */
  error(
    family: IpFamily,
    addresses: Int32Array,
    remotePort: number,
    localPort: number,
    kind: 'unreachable' | 'time-exceeded',
  ): boolean {
    const key = keyOf(family, addresses, remotePort);
    const flow = this.#flows.get(`${localPort}>${key}`) ?? this.#flows.get(key);
    flow?.onError?.(kind, formatAddress(family, addresses, wordsOf(family)), localPort);
    return flow !== undefined;
  }

  /** Ends mappings that were idle too long, and requests without a decision. */
  expire(): void {
    const { now, limits } = this.#host;
    const deadlines = this.#deadlines;
    while (deadlines.next <= now) {
      const entry = deadlines.shift();
      const at = entry.usedAt + limits.udpIdle;
      if (at <= now) entry.end();
      else deadlines.schedule(entry, at);
    }
  }

  /** Ends the mappings of a peer, or all. */
  forget(remote?: IpAddress): void {
    const entries = remote
      ? this.#byPeer.of(remote.family, remote.words)
      : [...this.#pending.values(), ...this.#flows.values()];
    for (const entry of entries) entry.end();
  }

  #intact(buffer: Buffer, at: number, length: number, family: IpFamily, addresses: Int32Array): boolean {
    return (
      fold(this.#host.slab.sumOf(buffer, at, length) + pseudoSum(addresses, family, PROTOCOL_UDP, length)) === 0xffff
    );
  }
}

function keyOf(family: IpFamily, addresses: Int32Array, port: number): string {
  return family === 4
    ? `${addresses[0]} ${port}`
    : `${addresses[0]},${addresses[1]},${addresses[2]},${addresses[3]} ${port}`;
}
