import type { Buffer } from 'node:buffer';
import { TunneliteError } from '../lib/errors.ts';
import { DEFAULT_HEADROOM, DEFAULT_LIMITS, DEFAULT_MTU } from './core/constants.ts';
import { createCounters } from './core/counters.ts';
import { PacketSlab } from './core/packet-slab.ts';
import { Parties, type Party } from './core/shares.ts';
import type {
  EchoFlow,
  EchoHandler,
  EchoOptions,
  IpFamily,
  LimitReached,
  Netstack,
  NetstackLimits,
  NetstackOptions,
  OpenedUdpFlow,
  TcpConnectOptions,
  TcpFlow,
  UdpDatagramHandler,
} from './core/types.ts';
import { Echoes, type EchoHost } from './echo.ts';
import { formatAddress, parseAddress } from './ip/address.ts';
import { Icmp, type IcmpHost, type QuotedError } from './ip/icmp.ts';
import { IpInput, type IpInputHost } from './ip/ip-input.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, wordsOf } from './ip/ip-output.ts';
import type { IpPayload } from './ip/ip-payload.ts';
import { believableMtu, PathMtuCache } from './ip/path-mtu.ts';
import { Tcp, type TcpStack } from './tcp/tcp.ts';
import { Udp, type UdpHost } from './udp.ts';

/** Creates a user-space TCP/IP host. See {@link Netstack}. */
export function createNetstack(options: NetstackOptions): Netstack {
  return new Stack(options);
}

/** Combines IP input, ICMP, TCP, UDP and echo into one host, with their shared state: time, packets, deadlines, path MTUs. */
class Stack implements Netstack, TcpStack, IpInputHost, IcmpHost, UdpHost, EchoHost {
  readonly slab: PacketSlab;
  readonly counters = createCounters();
  readonly limits: NetstackLimits;
  readonly icmp: Icmp;
  readonly onTcp: NetstackOptions['onTcp'];
  readonly onUdp: NetstackOptions['onUdp'];
  readonly onStateChange: NetstackOptions['onStateChange'];
  now: number;
  party: Party;
  onDeadline: (() => void) | undefined = undefined;

  readonly #options: NetstackOptions;
  readonly #mtu: number;
  readonly #parties = new Parties();
  #lastParty = this.#parties.nobody;
  readonly #pathMtu = new PathMtuCache();
  readonly #tcp: Tcp;
  readonly #udp: Udp;
  readonly #echoes: Echoes;
  readonly #ip: IpInput;
  /** The deadline last reported to the driver. */
  #announced = Infinity;
  /** Nonzero within input, flush or tick: the caller checks `nextDeadline` afterwards. */
  #inside = 0;
  #flushing = false;
  #closed = false;
  #ipId: number;
  /** The last address passed to `isLocal`, and the result, valid for one batch. */
  readonly #known = new Int32Array(4);
  #knownFamily: IpFamily | undefined = undefined;
  #knownText = '';
  #knownLocal: boolean | undefined = undefined;

  constructor(options: NetstackOptions) {
    const { random } = options;
    this.#options = options;
    this.onTcp = options.onTcp;
    this.onUdp = options.onUdp;
    this.onStateChange = options.onStateChange;
    this.now = options.now;
    this.party = this.#parties.nobody;
    this.#mtu = options.mtu ?? DEFAULT_MTU;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.slab = new PacketSlab(options.headroom ?? DEFAULT_HEADROOM);
    this.#ipId = random.uint32() & 0xffff;
    this.icmp = new Icmp(this);
    this.#tcp = new Tcp(this, options.tcp ?? {}, random);
    this.#udp = new Udp(this, random);
    this.#echoes = new Echoes(this, random);
    this.#ip = new IpInput(this);
  }

  // --- Netstack: packets and time

  input(buffer: Buffer, offset: number, length: number, owner?: object): void {
    if (this.#closed) return;
    this.#inside++;
    if (owner !== undefined) {
      // Consecutive packets often have the same owner.
      if (owner !== this.#lastParty.owner) this.#lastParty = this.#parties.of(owner);
      this.party = this.#lastParty;
    }
    this.counters.packetsIn++;
    this.counters.bytesIn += length;
    try {
      this.#options.tap?.('in', buffer, offset, length);
      this.#ip.input(buffer, offset, length);
    } finally {
      this.#inside--;
      this.party = this.#parties.nobody;
    }
  }

  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#knownLocal = undefined;
    this.#inside++;
    const failure = this.#tcp.flush();
    this.#inside--;
    this.#flushing = false;
    this.#announce();
    if (failure !== undefined) throw failure.error;
  }

  tick(now: number): void {
    if (now > this.now) this.now = now;
    if (this.nextTimer > this.now) return;
    this.#inside++;
    this.#udp.expire();
    this.#echoes.expire();
    this.#ip.fragments.expire();
    this.#tcp.tick();
    this.#inside--;
    this.flush();
  }

  get nextDeadline(): number {
    return this.#tcp.waiting ? this.now : this.nextTimer;
  }

  get nextTimer(): number {
    return Math.min(
      this.#tcp.nextDeadline,
      this.#udp.nextDeadline,
      this.#echoes.nextDeadline,
      this.#ip.fragments.nextDeadline,
    );
  }

  // --- Netstack: flows

  connect(options: TcpConnectOptions): TcpFlow {
    this.#assertOpen();
    this.#inside++;
    try {
      return this.#tcp.connect(options);
    } finally {
      this.#inside--;
      this.#announce();
    }
  }

  openUdp(options: TcpConnectOptions, handler: UdpDatagramHandler): OpenedUdpFlow {
    this.#assertOpen();
    const flow = this.#udp.open(options, handler);
    this.#announce();
    return flow;
  }

  openEcho(options: EchoOptions, handler: EchoHandler): EchoFlow {
    this.#assertOpen();
    const flow = this.#echoes.open(options, handler);
    this.#announce();
    return flow;
  }

  forget(remoteAddress: string): void {
    const remote = parseAddress(remoteAddress);
    if (remote === undefined) return;
    this.#udp.forget(remote);
    this.#echoes.forget(remote);
    this.#tcp.forget(remote);
    this.flush();
  }

  pathChanged(remoteAddress?: string): void {
    // Learned path MTUs belong to the old path.
    if (remoteAddress === undefined) {
      this.#pathMtu.clear();
      this.#tcp.pathChanged();
      return;
    }
    const remote = parseAddress(remoteAddress);
    if (remote === undefined) return;
    this.#pathMtu.delete(formatAddress(remote.family, remote.words, 0));
    this.#tcp.pathChanged(remote);
  }

  get flows(): Iterable<TcpFlow> {
    return this.#tcp.flows;
  }

  stats(): Readonly<Record<string, number>> {
    return {
      ...this.counters,
      memory: this.#tcp.limits.memory,
      outOfOrderBytes: this.#tcp.limits.outOfOrderBytes,
      fragmentBytes: this.#ip.fragments.bytes,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#udp.forget();
    this.#echoes.forget();
    this.#ip.fragments.clear();
    this.#tcp.close();
    this.onDeadline?.();
    this.onDeadline = undefined;
    this.flush();
  }

  #assertOpen(): void {
    if (this.#closed) throw new TunneliteError('ERR_CLOSED');
  }

  // --- IpHost and the hosts of the parts

  transmit(length: number): void {
    const { bytes, base } = this.slab;
    this.counters.packetsOut++;
    this.counters.bytesOut += length;
    this.#options.tap?.('out', bytes, base, length);
    this.#options.output(bytes, base, length);
  }

  nextIpId(): number {
    this.#ipId = (this.#ipId + 1) & 0xffff;
    return this.#ipId;
  }

  woken(): void {
    if (this.#inside > 0) return;
    // A closed stack has no driver: report the end of its flows at once.
    if (this.#closed) this.flush();
    else this.#announce();
  }

  learnPathMtu(remoteAddress: string, mtu: number): void {
    this.#pathMtu.set(remoteAddress, mtu, this.now);
  }

  isLocal(family: IpFamily, addresses: Int32Array): boolean {
    const { isLocal } = this.#options;
    if (isLocal === undefined) return true;
    // Consecutive packets often have the same destination: check it once per run and batch.
    const known = this.#known;
    const words = wordsOf(family);
    let same = this.#knownFamily === family;
    for (let i = 0; same && i < words; i++) same = known[i] === addresses[words + i];
    if (!same) {
      for (let i = 0; i < words; i++) known[i] = addresses[words + i]!;
      this.#knownFamily = family;
      this.#knownText = formatAddress(family, addresses, words);
      this.#knownLocal = undefined;
    }
    this.#knownLocal ??= isLocal(this.#knownText);
    return this.#knownLocal;
  }

  mtuTowards(family: IpFamily, addresses: Int32Array): number {
    const remote = formatAddress(family, addresses, 0);
    const told = this.#options.pathMtu?.(remote) ?? this.#mtu;
    return Math.min(this.#mtu, told, this.#pathMtu.get(remote, this.now) ?? told);
  }

  answersEcho(family: IpFamily, localAddress: string, remoteAddress: string, bytes: number): boolean {
    const { isLocal, onEcho } = this.#options;
    if (isLocal !== undefined && !isLocal(localAddress)) return false;
    return onEcho === undefined || onEcho({ family, localAddress, remoteAddress, bytes, owner: this.party.owner });
  }

  echoReply(family: IpFamily, addresses: Int32Array, id: number, sequence: number, payload: Buffer): boolean {
    return this.#echoes.reply(family, addresses, id, sequence, payload);
  }

  limitReached(table: LimitReached['table'], action: LimitReached['action'], { owner }: Party): void {
    this.#options.onLimit?.({ table, action, owner });
  }

  fragmentsTimedOut(first: Buffer, party: Party): void {
    this.icmp.reassemblyTimedOut(first, party);
  }

  payload(payload: IpPayload): void {
    switch (payload.protocol) {
      case PROTOCOL_TCP:
        this.#tcp.input(payload);
        return;
      case PROTOCOL_UDP:
        this.#udp.input(payload);
        return;
      case payload.family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6:
        this.icmp.input(payload);
        return;
      default:
        this.counters.dropUnknownProtocol++;
        this.icmp.unknownProtocol(payload.buffer, payload.packet, payload.packetLength, this.party);
    }
  }

  icmpError(error: QuotedError): void {
    if (error.protocol === PROTOCOL_TCP) this.#tcp.icmpError(error);
    else if (error.protocol === PROTOCOL_UDP && error.kind === 'too-big') this.#udpTooBig(error);
    else if (!this.#datagramError(error)) this.counters.icmpErrorsIgnored++;
  }

  /** Reports to a UDP or echo flow that a packet was not delivered; false when there is no such flow. */
  #datagramError({ kind, protocol, family, addresses, remotePort, localPort, sequence }: QuotedError): boolean {
    if (kind === 'too-big') return false;
    if (protocol === PROTOCOL_UDP) return this.#udp.error(family, addresses, remotePort, localPort, kind);
    // For ICMP the first quoted word is type, code and checksum; the second is identifier and sequence number.
    if (protocol !== (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) return false;
    return this.#echoes.error(family, addresses, sequence >>> 16, kind);
  }

  /** Later datagrams to this peer are fragmented to the path MTU (RFC 8201 §4; without DF only IPv6 routers report it). */
  #udpTooBig(error: QuotedError): void {
    const mtu = believableMtu(error.family, error.mtu, error.quotedLength);
    const known = this.#udp.knows(error.family, error.addresses, error.remotePort, error.localPort);
    if (!known || mtu === 0 || mtu >= this.mtuTowards(error.family, error.addresses)) {
      this.counters.icmpErrorsIgnored++;
      return;
    }
    this.learnPathMtu(formatAddress(error.family, error.addresses, 0), mtu);
  }

  /** Reports a deadline to the driver if it is earlier than the last one. */
  #announce(): void {
    const next = this.nextDeadline;
    const sooner = next < this.#announced || this.#tcp.waiting;
    this.#announced = next;
    if (sooner) this.onDeadline?.();
  }
}
