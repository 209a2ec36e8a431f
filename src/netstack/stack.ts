import { Buffer } from 'node:buffer';
import { TunneliteError } from '../lib/errors.ts';
import {
  DEFAULT_HEADROOM,
  DEFAULT_LIMITS,
  DEFAULT_MTU,
  GIVE_UP_SYN,
  HALF_OPEN_TIMEOUT,
  RECEIVE_BUFFER_INITIAL,
  RECEIVE_BUFFER_MAX,
  SEND_BUFFER_MAX,
  TIME_WAIT,
  TIME_WAIT_ENTRIES,
} from './constants.ts';
import { createCounters } from './counters.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { Echoes, type EchoHost } from './echo.ts';
import { FlowTable, same } from './flow-table.ts';
import { formatAddress, parseAddress } from './ip/address.ts';
import { Icmp, type IcmpHost, type QuotedError } from './ip/icmp.ts';
import { IpInput, type IpInputHost } from './ip/ip-input.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_UDP, wordsOf } from './ip/ip-output.ts';
import { believableMtu, PathMtuCache } from './ip/path-mtu.ts';
import { fold, PacketSlab, swap16 } from './packet-slab.ts';
import { SipHash } from './siphash.ts';
import { ConnectRequest } from './tcp/connect-request.ts';
import { Connection } from './tcp/connection.ts';
import { sendSegment } from './tcp/emit.ts';
import { abort, closeTcb, negotiate, tellClosed, updateMss, wantedScale } from './tcp/lifecycle.ts';
import { Segment, segmentArrives, Verdict } from './tcp/segment-arrives.ts';
import { SentQueue } from './tcp/sent-queue.ts';
import { ACK, FIN, RST, SYN, seqLt } from './tcp/sequence.ts';
import type { Tcb, TcpHost, TcpSettings } from './tcp/tcb.ts';
import { TcpSegmentOptions } from './tcp/tcp-options.ts';
import { TcpEvent } from './tcp/tcp-state.ts';
import { onTimer, sendSyn } from './tcp/timers.ts';
import {
  type EchoFlow,
  type EchoHandler,
  type EchoOptions,
  type IpFamily,
  type Netstack,
  type NetstackLimits,
  type NetstackOptions,
  type TcpConnectOptions,
  type TcpFlow,
  TcpState,
  type UdpDatagramHandler,
  type UdpFlow,
  type UdpFlowRequest,
} from './types.ts';
import { Udp, type UdpHost } from './udp.ts';

const PROTOCOL_TCP = 6;

/** Bytes of a SYN that an ICMP error about it quotes: the largest headers, no payload. */
const MAX_SYN_QUOTE = 128;

/** Sent queues that are kept for the next flow. */
const SPARE_QUEUES = 256;

/** Makes a user-space TCP/IP host. See {@link Netstack}. */
export function createNetstack(options: NetstackOptions): Netstack {
  return new Stack(options);
}

class Stack implements Netstack, TcpHost, IpInputHost, IcmpHost, UdpHost, EchoHost {
  readonly slab: PacketSlab;
  readonly counters = createCounters();
  readonly tcp: TcpSettings;
  readonly limits: NetstackLimits;
  readonly icmp: Icmp;
  now: number;
  memory = 0;
  outOfOrderRoom: number;
  onDeadline: (() => void) | undefined = undefined;

  readonly #options: NetstackOptions;
  readonly #mtu: number;
  readonly #isn: SipHash;
  readonly #table: FlowTable;
  readonly #timers = new DeadlineHeap<Tcb>();
  readonly #dirty: Tcb[] = [];
  readonly #spareQueues: SentQueue[] = [];
  readonly #timeWaits = new Set<Tcb>();
  readonly #pathMtu = new PathMtuCache();
  #last: Tcb | undefined = undefined;
  /** Deadline that the driver knows of. */
  #announced = Infinity;
  /** Within input, flush or tick: the caller looks at `nextDeadline` by itself afterwards. */
  #inside = 0;
  #flushing = false;
  #closed = false;
  #ipId: number;
  #nextPort: number;
  readonly #segment = new Segment();
  readonly #synOptions = new TcpSegmentOptions();
  readonly #udp: Udp;
  readonly #echoes: Echoes;
  readonly #ip: IpInput;
  /** The last answer of `isLocal`; forgotten with every batch. */
  readonly #known = new Int32Array(4);
  #knownFamily: IpFamily | undefined = undefined;
  #knownLocal = false;

  constructor(options: NetstackOptions) {
    this.#options = options;
    this.now = options.now;
    this.#mtu = options.mtu ?? DEFAULT_MTU;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.outOfOrderRoom = this.limits.outOfOrderBytes;
    const tcp = options.tcp ?? {};
    this.tcp = {
      congestion: tcp.congestion ?? 'cubic',
      sack: tcp.sack ?? true,
      timestamps: tcp.timestamps ?? true,
      windowScaling: tcp.windowScaling ?? true,
      receiveBuffer: tcp.receiveBuffer ?? RECEIVE_BUFFER_MAX,
      sendBuffer: tcp.sendBuffer ?? SEND_BUFFER_MAX,
      noDelay: tcp.noDelay ?? false,
      keepAlive: tcp.keepAlive ?? 0,
      timeWait: tcp.timeWait ?? TIME_WAIT,
    };
    this.slab = new PacketSlab(options.headroom ?? DEFAULT_HEADROOM);
    this.#table = new FlowTable(options.random);
    this.#isn = SipHash.random(options.random);
    this.#ipId = options.random.uint32() & 0xffff;
    this.#nextPort = 49_152 + (options.random.uint32() % 16_384);
    this.icmp = new Icmp(this);
    this.#udp = new Udp(this);
    this.#echoes = new Echoes(this);
    this.#ip = new IpInput(this);
  }

  get pressed(): boolean {
    return this.memory > this.limits.memory;
  }

  // --- Netstack: packets and time

  input(buffer: Buffer, offset: number, length: number): void {
    if (this.#closed) return;
    this.#inside++;
    this.counters.packetsIn++;
    this.counters.bytesIn += length;
    try {
      this.#options.tap?.('in', buffer, offset, length);
      this.#ip.input(buffer, offset, length);
    } finally {
      this.#inside--;
    }
  }

  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#knownFamily = undefined;
    this.#inside++;
    const dirty = this.#dirty;
    let failure: { error: unknown } | undefined;
    for (let i = 0; i < dirty.length; i++) {
      const connection = dirty[i] as Connection;
      try {
        connection.flush();
      } catch (error) {
        // An owner's callback threw: its flow ends, the others go on, and the error comes out in the end.
        this.counters.ownerErrors++;
        failure ??= { error };
        connection.dirty = false;
        if (connection.closeReason === undefined) abort(connection, 'reset-local');
      }
    }
    dirty.length = 0;
    this.#inside--;
    this.#flushing = false;
    this.#announce();
    if (failure !== undefined) throw failure.error;
  }

  tick(now: number): void {
    if (now > this.now) this.now = now;
    const timers = this.#timers;
    if (this.#timerDeadline > this.now) return;
    this.#inside++;
    this.#udp.expire();
    this.#echoes.expire();
    this.#ip.fragments.expire();
    while (timers.next <= this.now) {
      const tcb = timers.shift();
      if (tcb.nextDeadline <= this.now) onTimer(tcb);
      if (tcb.state !== TcpState.Closed) this.schedule(tcb);
    }
    this.#inside--;
    this.flush();
  }

  get nextDeadline(): number {
    return this.#dirty.length > 0 ? this.now : this.#timerDeadline;
  }

  get #timerDeadline(): number {
    return Math.min(
      this.#timers.next,
      this.#udp.nextDeadline,
      this.#echoes.nextDeadline,
      this.#ip.fragments.nextDeadline,
    );
  }

  // --- Netstack: flows

  connect(options: TcpConnectOptions): TcpFlow {
    const local = parseAddress(options.localAddress);
    const remote = parseAddress(options.remoteAddress);
    if (local === undefined || remote === undefined || local.family !== remote.family) {
      throw new TunneliteError('ERR_NETSTACK_ADDRESS');
    }
    if (this.#closed) throw new TunneliteError('ERR_CLOSED');
    if (this.counters.tcpFlows >= this.limits.tcpFlows) {
      this.counters.refusedFlows++;
      throw new TunneliteError('ERR_NETSTACK_LIMIT');
    }
    const words = remote.words.length;
    const addresses = new Int32Array(2 * words);
    addresses.set(remote.words);
    addresses.set(local.words, words);
    const ports = this.#freePorts(addresses, options.remotePort, options.localPort ?? 0);
    const tcb = this.#create(local.family, addresses, ports);
    tcb.noDelay = options.noDelay ?? this.tcp.noDelay;
    tcb.lifeTimerAt = this.now + GIVE_UP_SYN;
    this.#inside++;
    tcb.advance(TcpEvent.ActiveOpen);
    this.counters.tcpActiveOpens++;
    sendSyn(tcb);
    this.#inside--;
    this.#announce();
    return tcb;
  }

  openUdp(options: TcpConnectOptions, handler: UdpDatagramHandler): UdpFlow {
    if (this.#closed) throw new TunneliteError('ERR_CLOSED');
    const flow = this.#udp.open(options, handler);
    this.#announce();
    return flow;
  }

  openEcho(options: EchoOptions, handler: EchoHandler): EchoFlow {
    if (this.#closed) throw new TunneliteError('ERR_CLOSED');
    const flow = this.#echoes.open(options, handler);
    this.#announce();
    return flow;
  }

  forget(remoteAddress: string): void {
    const parsed = parseAddress(remoteAddress);
    if (parsed === undefined) return;
    const { words } = parsed;
    this.#udp.forget(parsed);
    this.#echoes.forget(parsed);
    for (const tcb of this.#table) {
      if (tcb.family !== parsed.family || !words.every((word, i) => tcb.addresses[i] === word)) continue;
      closeTcb(tcb, TcpEvent.Abort, 'unreachable');
      tellClosed(tcb);
    }
  }

  get flows(): Iterable<TcpFlow> {
    return this.#table;
  }

  stats(): Readonly<Record<string, number>> {
    return {
      ...this.counters,
      memory: this.memory,
      outOfOrderBytes: this.limits.outOfOrderBytes - this.outOfOrderRoom,
      fragmentBytes: this.#ip.fragments.bytes,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const tcb of this.#table) {
      closeTcb(tcb, TcpEvent.Abort, 'stack-closed');
      tellClosed(tcb);
    }
    this.#udp.forget();
    this.#echoes.forget();
    this.#ip.fragments.clear();
    this.#dirty.length = 0;
    this.onDeadline?.();
    this.onDeadline = undefined;
  }

  // --- TcpHost

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

  markDirty(tcb: Tcb): void {
    if (!tcb.dirty) {
      tcb.dirty = true;
      this.#dirty.push(tcb);
    }
    if (this.#inside === 0) this.#announce();
  }

  schedule(tcb: Tcb): void {
    this.#timers.schedule(tcb, tcb.nextDeadline);
  }

  stateChanged(tcb: Tcb, from: TcpState, to: TcpState): void {
    const { counters } = this;
    if (from === TcpState.Listen || from === TcpState.SynReceived) {
      if (to !== TcpState.SynReceived) counters.tcpHalfOpen--;
    } else if (to === TcpState.Listen || to === TcpState.SynReceived) {
      counters.tcpHalfOpen++;
    }
    if (to === TcpState.TimeWait) {
      counters.tcpFlows--;
      counters.tcpTimeWait++;
      this.#timeWaits.add(tcb);
      if (counters.tcpTimeWait > TIME_WAIT_ENTRIES) {
        counters.evictedTimeWait++;
        closeTcb(this.#timeWaits.values().next().value!, TcpEvent.Expire, 'closed');
      }
    }
    this.#options.onStateChange?.(tcb, from, to);
  }

  released(tcb: Tcb): void {
    this.#table.remove(tcb);
    this.#timers.remove(tcb);
    if (this.#last === tcb) this.#last = undefined;
    if (this.#timeWaits.delete(tcb)) this.counters.tcpTimeWait--;
    else this.counters.tcpFlows--;
  }

  takeSentQueue(base: number): SentQueue {
    const queue = this.#spareQueues.pop() ?? new SentQueue();
    queue.reset(base);
    return queue;
  }

  giveSentQueue(queue: SentQueue): void {
    if (this.#spareQueues.length < SPARE_QUEUES && queue.capacity <= 4096) this.#spareQueues.push(queue);
  }

  learnPathMtu(tcb: Tcb, mtu: number): void {
    this.#pathMtu.set(tcb.remoteAddress, mtu, this.now);
  }

  // --- IcmpHost, UdpHost, FragmentHost

  get onUdp(): ((request: UdpFlowRequest) => void) | undefined {
    return this.#options.onUdp;
  }

  isLocal(family: IpFamily, addresses: Int32Array): boolean {
    const { isLocal } = this.#options;
    if (isLocal === undefined) return true;
    // Packets come in runs to one address: ask once a run and batch.
    const known = this.#known;
    const words = wordsOf(family);
    let same = this.#knownFamily === family;
    for (let i = 0; same && i < words; i++) same = known[i] === addresses[words + i];
    if (!same) {
      for (let i = 0; i < words; i++) known[i] = addresses[words + i]!;
      this.#knownFamily = family;
      this.#knownLocal = isLocal(formatAddress(family, addresses, words));
    }
    return this.#knownLocal;
  }

  mtuTowards(family: IpFamily, addresses: Int32Array): number {
    const remote = formatAddress(family, addresses, 0);
    const told = this.#options.pathMtu?.(remote) ?? this.#mtu;
    return Math.min(this.#mtu, told, this.#pathMtu.get(remote, this.now) ?? told);
  }

  answersEcho(family: IpFamily, localAddress: string, remoteAddress: string): boolean {
    const { isLocal, onEcho } = this.#options;
    if (isLocal !== undefined && !isLocal(localAddress)) return false;
    return onEcho === undefined || onEcho({ family, localAddress, remoteAddress });
  }

  fragmentsTimedOut(first: Buffer): void {
    this.icmp.reassemblyTimedOut(first);
  }

  /** What ICMP says about a segment of ours is believed only when it quotes one that is under way (RFC 5927 §4.1). */
  icmpError(error: QuotedError): void {
    const { counters } = this;
    if (error.protocol === PROTOCOL_UDP && error.kind === 'too-big') {
      this.#udpTooBig(error);
      return;
    }
    if (error.protocol !== PROTOCOL_TCP) {
      if (!this.#datagramError(error)) counters.icmpErrorsIgnored++;
      return;
    }
    const ports = (error.remotePort << 16) | error.localPort;
    const tcb = this.#table.find(error.addresses, error.addresses.length, ports);
    if (tcb === undefined || seqLt(error.sequence, tcb.sndUna) || !seqLt(error.sequence, tcb.sndNxt)) {
      counters.icmpErrorsIgnored++;
    } else if (error.kind === 'too-big') {
      const mtu = believableMtu(error.family, error.mtu, Math.min(error.quotedLength, tcb.mtu));
      if (mtu === 0 || mtu >= tcb.mtu) {
        counters.icmpErrorsIgnored++;
        return;
      }
      counters.tcpPathMtuShrinks++;
      this.learnPathMtu(tcb, mtu);
      tcb.mtu = mtu;
      updateMss(tcb);
      this.markDirty(tcb);
    } else if (tcb.state === TcpState.SynSent && error.kind === 'unreachable') {
      // Only while nothing was agreed yet: later, ICMP errors are soft (RFC 5461 §2.2, RFC 9293 §3.9.2.2).
      closeTcb(tcb, TcpEvent.Abort, 'unreachable');
      tellClosed(tcb);
    } else {
      counters.icmpErrorsIgnored++;
    }
  }

  echoReply(family: IpFamily, addresses: Int32Array, id: number, sequence: number, payload: Buffer): boolean {
    return this.#echoes.reply(family, addresses, id, sequence, payload);
  }

  /** Tells the owner of a UDP or echo flow that a packet did not arrive; false when there is none. */
  #datagramError({ kind, protocol, family, addresses, remotePort, localPort, sequence }: QuotedError): boolean {
    if (kind === 'too-big') return false;
    if (protocol === PROTOCOL_UDP) return this.#udp.error(family, addresses, remotePort, localPort, kind);
    // Of ICMP the quoted first word is type, code and checksum, the second one identifier and sequence number.
    if (protocol !== (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) return false;
    return this.#echoes.error(family, addresses, sequence >>> 16, kind);
  }

  /** Later datagrams to this peer are fragmented to what the path carries (RFC 8201 §4; without DF only routers of IPv6 tell). */
  #udpTooBig(error: QuotedError): void {
    const remote = formatAddress(error.family, error.addresses, 0);
    const mtu = believableMtu(error.family, error.mtu, error.quotedLength);
    const known = this.#udp.knows(error.family, error.addresses, error.remotePort, error.localPort);
    if (!known || mtu === 0 || mtu >= this.mtuTowards(error.family, error.addresses)) {
      this.counters.icmpErrorsIgnored++;
      return;
    }
    this.#pathMtu.set(remote, mtu, this.now);
  }

  // --- input

  payload(
    protocol: number,
    buffer: Buffer,
    packet: number,
    packetLength: number,
    at: number,
    length: number,
    family: IpFamily,
    addresses: Int32Array,
  ): void {
    if (protocol === PROTOCOL_TCP) {
      this.#tcpInput(buffer, packet, packetLength, at, length, family, addresses);
    } else if (protocol === PROTOCOL_UDP) {
      this.#udp.input(buffer, packet, packetLength, at, length, family, addresses);
    } else if (protocol === (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) {
      this.icmp.input(buffer, at, length, family, addresses);
    } else {
      this.counters.dropUnknownProtocol++;
      this.icmp.unknownProtocol(buffer, packet, packetLength);
    }
  }

  /** A TCP segment, `buffer[at, at + length)`. */
  #tcpInput(
    buffer: Buffer,
    packet: number,
    packetLength: number,
    at: number,
    length: number,
    family: IpFamily,
    addresses: Int32Array,
  ): void {
    const { counters } = this;
    const words = family === 4 ? 2 : 8;
    counters.tcpIn++;
    const headerLength = length < 20 ? 0 : (buffer[at + 12]! >> 4) << 2;
    if (headerLength < 20 || headerLength > length) {
      counters.dropTcpHeader++;
      return;
    }
    const ports = word(buffer, at);
    let tcb = this.#last;
    if (tcb === undefined || !same(tcb, addresses, words, ports)) {
      tcb = this.#table.find(addresses, words, ports);
    }
    let pseudo: number;
    if (tcb !== undefined) {
      pseudo = tcb.pseudoSum;
    } else {
      pseudo = 0x0006;
      for (let i = 0; i < words; i++) pseudo += (addresses[i]! & 0xffff) + (addresses[i]! >>> 16);
      pseudo = swap16(fold(pseudo));
    }
    if (fold(this.slab.sumOf(buffer, at, length) + pseudo + swap16(length)) !== 0xffff) {
      counters.dropTcpChecksum++;
      return;
    }
    const segment = this.#segment;
    segment.header = at;
    segment.text = at + headerLength;
    segment.length = length - headerLength;
    segment.flags = buffer[at + 13]!;
    segment.seq = word(buffer, at + 4);
    segment.ack = word(buffer, at + 8);
    segment.window = (buffer[at + 14]! << 8) | buffer[at + 15]!;
    if (tcb !== undefined) {
      this.#last = tcb;
      if (segmentArrives(tcb, buffer, segment) === Verdict.Done) return;
      this.#last = undefined;
    }
    this.#unknown(buffer, packet, packetLength, segment, family, addresses.slice(0, words), ports);
  }

  /** A segment that belongs to no connection (RFC 9293 §3.10.7.1 and .2). */
  #unknown(
    buffer: Buffer,
    packet: number,
    packetLength: number,
    segment: Segment,
    family: IpFamily,
    addresses: Int32Array,
    ports: number,
  ): void {
    const { counters, limits } = this;
    if (segment.flags & RST) {
      counters.dropTcpRst++;
      return;
    }
    if ((segment.flags & (SYN | ACK | FIN)) !== SYN) {
      this.#answerWithReset(segment, family, addresses, ports);
      return;
    }
    const { onTcp } = this.#options;
    if (onTcp === undefined) {
      counters.tcpRefused++;
      this.#answerWithReset(segment, family, addresses, ports);
      return;
    }
    if (counters.tcpFlows >= limits.tcpFlows) {
      counters.refusedFlows++;
      return;
    }
    if (counters.tcpHalfOpen >= limits.tcpHalfOpen) {
      counters.refusedHalfOpen++;
      return;
    }
    if (this.pressed) {
      counters.refusedMemory++;
      return;
    }
    const tcb = this.#create(family, addresses, ports);
    tcb.passive = true;
    tcb.noDelay = this.tcp.noDelay;
    tcb.irs = segment.seq;
    tcb.rcvNxt = (segment.seq + 1) | 0;
    tcb.lastAckSent = tcb.rcvNxt;
    tcb.rcvAdv = tcb.rcvNxt;
    this.#synOptions.parseSyn(buffer, segment.header + 20, segment.text);
    negotiate(tcb, this.#synOptions);
    tcb.sndWnd = segment.window;
    tcb.maxSndWnd = segment.window;
    tcb.sndWl1 = segment.seq;
    tcb.sndWl2 = tcb.iss;
    tcb.advance(TcpEvent.PassiveOpen);
    counters.tcpPassiveOpens++;
    tcb.lifeTimerAt = this.now + HALF_OPEN_TIMEOUT;
    this.schedule(tcb);
    const syn = Buffer.from(buffer.subarray(packet, packet + Math.min(packetLength, MAX_SYN_QUOTE)));
    onTcp(new ConnectRequest(tcb, (how) => this.icmp.unreachable(how, syn, 0, syn.length)));
  }

  #answerWithReset(segment: Segment, family: IpFamily, addresses: Int32Array, ports: number): void {
    const tcb = new Connection(this, family, addresses, ports, 0);
    resetFor(tcb, segment);
  }

  #create(family: IpFamily, addresses: Int32Array, ports: number): Connection {
    const key = this.#table.key(addresses, addresses.length, ports);
    const tcb = new Connection(this, family, addresses, ports, key);
    // RFC 6528: a clock of 4 µs plus a secret function of the four-tuple; RFC 7323 §7.1 for the timestamps.
    const input = new Int32Array(addresses.length + 2);
    input.set(addresses);
    input[addresses.length] = ports;
    this.#isn.hash(input);
    tcb.iss = (this.#isn.low + Math.floor(this.now * 250)) | 0;
    tcb.tsOffset = this.#isn.high;
    tcb.sndUna = tcb.iss;
    tcb.sndNxt = tcb.iss;
    tcb.rcvScale = wantedScale(this.tcp.receiveBuffer);
    tcb.rcvBuf = Math.min(RECEIVE_BUFFER_INITIAL, this.tcp.receiveBuffer);
    tcb.mtu = this.mtuTowards(family, addresses);
    this.#table.insert(tcb);
    this.counters.tcpFlows++;
    return tcb;
  }

  /** A local port that makes the four-tuple unique; from 49152 up (RFC 6335), starting at random. */
  #freePorts(addresses: Int32Array, remotePort: number, localPort: number): number {
    if (localPort !== 0) {
      const ports = (remotePort << 16) | localPort;
      if (this.#portFree(addresses, ports)) return ports;
    } else {
      for (let i = 0; i < 16_384; i++) {
        const ports = (remotePort << 16) | this.#nextPort;
        this.#nextPort = this.#nextPort === 65_535 ? 49_152 : this.#nextPort + 1;
        if (this.#portFree(addresses, ports)) return ports;
      }
    }
    throw new TunneliteError('ERR_NETSTACK_PORT_IN_USE');
  }

  #portFree(addresses: Int32Array, ports: number): boolean {
    return this.#table.find(addresses, addresses.length, ports) === undefined;
  }

  /** Tells the driver of a deadline that is earlier than the one it knows. */
  #announce(): void {
    const next = this.nextDeadline;
    if (next < this.#announced || this.#dirty.length > 0) {
      this.#announced = next;
      this.onDeadline?.();
    } else {
      this.#announced = next;
    }
  }
}

/** RFC 9293 §3.10.7.1: RST for a segment of no connection. */
function resetFor(tcb: Tcb, segment: Segment): void {
  tcb.host.counters.tcpResetsOut++;
  if (segment.flags & ACK) {
    sendSegment(tcb, segment.ack, 0, RST, 0, 0, 0);
    return;
  }
  const span = segment.length + (segment.flags & SYN ? 1 : 0) + (segment.flags & FIN ? 1 : 0);
  sendSegment(tcb, 0, (segment.seq + span) | 0, RST | ACK, 0, 0, 0);
}

function word(buffer: Buffer, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}
