import { Buffer } from 'node:buffer';
import { TunneliteError } from '../lib/errors.ts';
import { formatAddress, parseAddress } from './ip/address.ts';
import type { Icmp } from './ip/icmp.ts';
import { type IpHost, PROTOCOL_UDP, pseudoSum, sendIp, transportChecksum, wordsOf } from './ip/ip-output.ts';
import { fold } from './packet-slab.ts';
import type {
  IpFamily,
  NetstackLimits,
  RefuseWith,
  TcpConnectOptions,
  UdpDatagramHandler,
  UdpFlow,
  UdpFlowRequest,
} from './types.ts';

const HEADER = 8;

/** Datagrams of one remote end that wait for its owner's word; more are dropped, as by a socket whose buffer is full. */
const MAX_WAITING = 8;

/** What UDP asks of the stack. */
export interface UdpHost extends IpHost {
  readonly limits: Pick<NetstackLimits, 'udpFlows' | 'udpIdle'>;
  readonly icmp: Icmp;
  /** Whether the local end is an address that the stack answers for. */
  isLocal(family: IpFamily, addresses: Int32Array): boolean;
  readonly onUdp: ((request: UdpFlowRequest) => void) | undefined;
}

/**
 * UDP mappings (RFC 768, RFC 4787): one for each remote endpoint, whatever local end it talks to. Kept in order of their last use, so
 * that the first one is the next to expire.
 */
export class Udp {
  readonly #host: UdpHost;
  readonly #flows = new Map<string, Mapping>();
  /** Remote ends whose owner has not decided yet, in order of their first datagram. */
  readonly #pending = new Map<string, Request>();
  /** Mappings of our own making; they are told apart by both ports. */
  #active = 0;

  constructor(host: UdpHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** When `expire` is needed next; Infinity without mappings. */
  get nextDeadline(): number {
    const first = this.#flows.values().next().value?.usedAt ?? Infinity;
    const waiting = this.#pending.values().next().value?.askedAt ?? Infinity;
    return Math.min(first, waiting) + this.#host.limits.udpIdle;
  }

  /** A datagram, `buffer[at, at + length)` in the packet at `packet`, with its addresses: remote, then local. */
  input(
    buffer: Buffer,
    packet: number,
    packetLength: number,
    at: number,
    length: number,
    family: IpFamily,
    addresses: Int32Array,
  ): void {
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
      this.touch(flow);
      flow.handler(payload, formatAddress(family, addresses, wordsOf(family)), localPort);
      return;
    }
    if (!host.isLocal(family, addresses)) {
      counters.dropNotLocal++;
      return;
    }
    if (!host.onUdp) {
      host.icmp.unreachable('port', buffer, packet, packetLength);
      return;
    }
    const pending = this.#pending.get(key);
    if (pending) {
      const address = formatAddress(family, addresses, wordsOf(family));
      if (pending.waiting.length < MAX_WAITING) pending.waiting.push({ payload, address, port: localPort });
      else counters.dropUdpPending++;
      return;
    }
    if (this.#flows.size + this.#pending.size >= host.limits.udpFlows) {
      counters.refusedUdpFlows++;
      return;
    }
    const quote = Buffer.from(buffer.subarray(packet, packet + packetLength));
    const request = new Request(this, key, host.now, family, addresses.slice(), remotePort, localPort, payload, quote);
    this.#pending.set(key, request);
    host.onUdp(request);
  }

  /** @internal The owner has decided. */
  decided(request: Request): void {
    this.#pending.delete(request.key);
  }

  /** A mapping of our own making. @throws TunneliteError `ERR_NETSTACK_ADDRESS`, `ERR_NETSTACK_PORT_IN_USE`, `ERR_NETSTACK_LIMIT` */
  open(options: TcpConnectOptions, handler: UdpDatagramHandler): UdpFlow {
    const local = parseAddress(options.localAddress);
    const remote = parseAddress(options.remoteAddress);
    if (!local || !remote || local.family !== remote.family) throw new TunneliteError('ERR_NETSTACK_ADDRESS');
    if (this.#flows.size >= this.#host.limits.udpFlows) throw new TunneliteError('ERR_NETSTACK_LIMIT');
    const localPort = options.localPort ?? 0;
    const key = `${localPort}>${keyOf(remote.family, remote.words, options.remotePort)}`;
    if (this.#flows.has(key)) throw new TunneliteError('ERR_NETSTACK_PORT_IN_USE');
    this.#active++;
    return this.add(new Mapping(this, key, remote.family, remote.words, options.remotePort, handler));
  }

  /** @internal */
  add(flow: Mapping): Mapping {
    flow.usedAt = this.#host.now;
    this.#flows.set(flow.key, flow);
    this.#host.counters.udpFlows = this.#flows.size;
    return flow;
  }

  /** @internal */
  touch(flow: Mapping): void {
    flow.usedAt = this.#host.now;
    // To the end of the order.
    if (this.#flows.delete(flow.key)) this.#flows.set(flow.key, flow);
  }

  /** @internal */
  remove(flow: Mapping): void {
    if (this.#flows.get(flow.key) === flow) {
      this.#flows.delete(flow.key);
      if (flow.key.includes('>')) this.#active--;
    }
    this.#host.counters.udpFlows = this.#flows.size;
  }

  /** @internal */
  refuse(how: RefuseWith, quote: Buffer): void {
    this.#host.icmp.unreachable(how === 'reset' ? 'port' : how, quote, 0, quote.length);
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
    // A sum of zero is sent as its other form, for zero means none (RFC 768).
    datagram.writeUInt16LE(transportChecksum(host, addresses, family, PROTOCOL_UDP, datagram) || 0xffff, 6);
    host.counters.udpOut++;
    return sendIp(host, family, addresses, PROTOCOL_UDP, datagram);
  }

  /** Whether a mapping talks to this remote end, from this local port. */
  knows(family: IpFamily, addresses: Int32Array, remotePort: number, localPort: number): boolean {
    const key = keyOf(family, addresses, remotePort);
    return this.#flows.has(key) || this.#flows.has(`${localPort}>${key}`);
  }

  /** A datagram of a mapping did not arrive; false when it was none of ours. */
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

  /** Ends mappings that were idle too long, and requests that were never decided. */
  expire(): void {
    for (const request of this.#pending.values()) {
      if (request.askedAt + this.#host.limits.udpIdle > this.#host.now) break;
      request.drop();
    }
    for (const flow of this.#flows.values()) {
      if (flow.usedAt + this.#host.limits.udpIdle > this.#host.now) return;
      flow.close();
    }
  }

  /** Ends the mappings of a peer, or all. */
  forget(remote?: { readonly family: IpFamily; readonly words: Int32Array }): void {
    const isOf = (end: { readonly family: IpFamily; readonly remote: Int32Array }): boolean =>
      !remote || (end.family === remote.family && remote.words.every((word, i) => end.remote[i] === word));
    for (const request of [...this.#pending.values()]) if (isOf(request)) request.drop();
    for (const flow of [...this.#flows.values()]) if (isOf(flow)) flow.close();
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

class Mapping implements UdpFlow {
  readonly key: string;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  readonly remotePort: number;
  handler: UdpDatagramHandler;
  onClose: (() => void) | undefined = undefined;
  onError: UdpFlow['onError'] = undefined;
  usedAt = 0;
  readonly #udp: Udp;
  #closed = false;

  constructor(
    udp: Udp,
    key: string,
    family: IpFamily,
    remote: Int32Array,
    remotePort: number,
    handler: UdpDatagramHandler,
  ) {
    this.#udp = udp;
    this.key = key;
    this.family = family;
    this.remote = remote;
    this.remotePort = remotePort;
    this.handler = handler;
  }

  get remoteAddress(): string {
    return formatAddress(this.family, this.remote, 0);
  }

  send(payload: Uint8Array, localAddress: string, localPort: number): boolean {
    const local = parseAddress(localAddress);
    if (this.#closed || local?.family !== this.family) return false;
    const words = wordsOf(this.family);
    const addresses = new Int32Array(2 * words);
    addresses.set(this.remote);
    addresses.set(local.words, words);
    this.#udp.touch(this);
    return this.#udp.send(this.family, addresses, this.remotePort, localPort, payload);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#udp.remove(this);
    this.onClose?.();
  }
}

class Request implements UdpFlowRequest {
  readonly key: string;
  readonly askedAt: number;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** What came before the owner's word, in order. */
  readonly waiting: { readonly payload: Buffer; readonly address: string; readonly port: number }[];
  readonly #udp: Udp;
  readonly #quote: Buffer;
  #decided = false;

  constructor(
    udp: Udp,
    key: string,
    askedAt: number,
    family: IpFamily,
    addresses: Int32Array,
    remotePort: number,
    localPort: number,
    payload: Buffer,
    quote: Buffer,
  ) {
    const words = wordsOf(family);
    this.#udp = udp;
    this.key = key;
    this.askedAt = askedAt;
    this.family = family;
    this.remote = addresses.slice(0, words);
    this.remotePort = remotePort;
    this.localAddress = formatAddress(family, addresses, words);
    this.localPort = localPort;
    this.waiting = [{ payload, address: this.localAddress, port: localPort }];
    this.#quote = quote;
  }

  get remoteAddress(): string {
    return formatAddress(this.family, this.remote, 0);
  }

  accept(handler: UdpDatagramHandler): UdpFlow {
    const flow = new Mapping(this.#udp, this.key, this.family, this.remote, this.remotePort, handler);
    if (this.#decide()) {
      this.#udp.add(flow);
      for (const { payload, address, port } of this.waiting) flow.handler(payload, address, port);
    } else flow.close();
    return flow;
  }

  refuse(how: RefuseWith = 'reset'): void {
    if (this.#decide()) this.#udp.refuse(how, this.#quote);
  }

  drop(): void {
    this.#decide();
  }

  /** True the first time. */
  #decide(): boolean {
    if (this.#decided) return false;
    this.#decided = true;
    this.#udp.decided(this);
    return true;
  }
}
