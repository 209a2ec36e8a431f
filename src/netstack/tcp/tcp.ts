import { Buffer } from 'node:buffer';
import { DeadlineHeap } from '../../lib/deadline-heap.ts';
import { TunneliteError } from '../../lib/errors.ts';
import type { RandomSource } from '../../lib/random.ts';
import { ByPeer } from '../core/by-peer.ts';
import {
  CHUNK_IDLE,
  FLUSH_SEGMENTS,
  GIVE_UP_SYN,
  HALF_OPEN_TIMEOUT,
  RECEIVE_BUFFER_INITIAL,
} from '../core/constants.ts';
import type { Counters } from '../core/counters.ts';
import { EPHEMERAL_PORTS, freeNumber } from '../core/free-number.ts';
import { fold, type PacketSlab, swap16 } from '../core/packet-slab.ts';
import type { Party } from '../core/shares.ts';
import {
  type IpFamily,
  type NetstackOptions,
  type TcpConnectOptions,
  type TcpFlow,
  type TcpOptions,
  TcpState,
} from '../core/types.ts';
import { int32 } from '../core/word.ts';
import { type IpAddress, parseAddress } from '../ip/address.ts';
import type { Icmp, QuotedError } from '../ip/icmp.ts';
import { type IpHost, wordsOf } from '../ip/ip-output.ts';
import type { IpPayload } from '../ip/ip-payload.ts';
import { believableMtu } from '../ip/path-mtu.ts';
import { ConnectRequest } from './connect-request.ts';
import { Connection } from './connection.ts';
import { FlowTable, same } from './flow-table.ts';
import { abort, closeTcb, negotiate, tellClosed, updateMss, wantedScale } from './lifecycle.ts';
import { resendOnNewPath } from './path-changed.ts';
import { dropIdleChunk } from './receive.ts';
import { ReceiveChunks } from './receive-chunks.ts';
import { resetFor } from './reset.ts';
import { Segment, segmentArrives, Verdict } from './segment-arrives.ts';
import { SpareQueues } from './sent-queue.ts';
import { ACK, FIN, RST, SYN, seqLt } from './sequence.ts';
import { type TcpSettings, tcpSettings } from './settings.ts';
import { SipHash } from './siphash.ts';
import type { Tcb, TcpHost } from './tcb.ts';
import { TcpLimits, type TcpLimitsHost } from './tcp-limits.ts';
import { TcpSegmentOptions } from './tcp-options.ts';
import { TcpEvent } from './tcp-state.ts';
import { onTimer, sendSyn } from './timers.ts';

/** Bytes of a SYN to quote in an ICMP error: the largest headers, no payload. */
const MAX_SYN_QUOTE = 128;

/** What TCP needs from the stack. */
export interface TcpStack extends IpHost, TcpLimitsHost {
  readonly icmp: Icmp;
  readonly onTcp: NetstackOptions['onTcp'];
  readonly onStateChange: NetstackOptions['onStateChange'];
  /** The owner of the packet being processed; outside of `input`, the stack's own. */
  readonly party: Party;
  /** Something waits for a flush, or for an earlier deadline. */
  woken(): void;
  /** Reports that this peer needs smaller packets. */
  learnPathMtu(remoteAddress: string, mtu: number): void;
}

/**
 * All TCP connections of a stack: finds the connection of a segment, opens new ones from either side, keeps those in TIME-WAIT, and runs
 * the work that a batch or a deadline left to each (RFC 9293 §3.10).
 */
export class Tcp implements TcpHost {
  readonly slab: PacketSlab;
  readonly counters: Counters;
  readonly tcp: TcpSettings;
  readonly spareQueues = new SpareQueues();
  readonly chunks = new ReceiveChunks();
  readonly limits: TcpLimits;
  sendRoom = 0;

  readonly #stack: TcpStack;
  readonly #isn: SipHash;
  readonly #table: FlowTable;
  readonly #timers = new DeadlineHeap<Tcb>();
  readonly #dirty: Tcb[] = [];
  readonly #byPeer = new ByPeer<Tcb>();
  /** Connections whose path has changed since the last flush. They are evaluated in the flush, when the current time is known. */
  readonly #onNewPath = new Set<Tcb>();
  /** Connections with a large chunk that is not full, and the time of the next check whether they still need it. */
  readonly #withChunk = new Set<Tcb>();
  #chunksAt = Infinity;
  readonly #segment = new Segment();
  readonly #synOptions = new TcpSegmentOptions();
  /** Consecutive packets often belong to one connection: the last one used. */
  #last: Tcb | undefined = undefined;
  readonly #random: RandomSource;

  constructor(stack: TcpStack, options: TcpOptions, random: RandomSource) {
    this.#stack = stack;
    this.slab = stack.slab;
    this.counters = stack.counters;
    this.limits = new TcpLimits(stack);
    this.tcp = tcpSettings(options);
    this.#table = new FlowTable(random);
    this.#isn = SipHash.random(random);
    this.#random = random;
  }

  get flows(): Iterable<TcpFlow> {
    return this.#table;
  }

  /** Marks a connection for `flush`. */
  get waiting(): boolean {
    return this.#dirty.length > 0 || this.#onNewPath.size > 0;
  }

  /** When `tick` is needed next; Infinity = not before the next input. */
  get nextDeadline(): number {
    return Math.min(this.#timers.next, this.#chunksAt);
  }

  /** Processes a segment. */
  input(payload: IpPayload): void {
    const { counters } = this;
    const { buffer, at, length, addresses } = payload;
    const words = payload.family === 4 ? 2 : 8;
    counters.tcpIn++;
    const headerLength = length < 20 ? 0 : (buffer[at + 12]! >> 4) << 2;
    if (headerLength < 20 || headerLength > length) {
      counters.dropTcpHeader++;
      return;
    }
    const ports = int32(buffer, at);
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
    segment.seq = int32(buffer, at + 4);
    segment.ack = int32(buffer, at + 8);
    segment.window = (buffer[at + 14]! << 8) | buffer[at + 15]!;
    if (tcb !== undefined) {
      this.#last = tcb;
      if (segmentArrives(tcb, buffer, segment) === Verdict.Done) return;
      this.#last = undefined;
    }
    this.#unknown(payload, segment, addresses.slice(0, words), ports);
  }

  /** End of a batch: runs the pending work of every connection in it. Returns what a callback of the application threw. */
  flush(): { readonly error: unknown } | undefined {
    const dirty = this.#dirty;
    if (this.#onNewPath.size > 0) {
      for (const tcb of this.#onNewPath) resendOnNewPath(tcb);
      this.#onNewPath.clear();
    }
    this.sendRoom = FLUSH_SEGMENTS;
    let failure: { readonly error: unknown } | undefined;
    for (let i = 0; i < dirty.length; i++) {
      const connection = dirty[i] as Connection;
      try {
        connection.flush();
      } catch (error) {
        // A callback of the application threw: its flow ends, the others continue, and the error is returned.
        this.counters.ownerErrors++;
        failure ??= { error };
        connection.dirty = false;
        if (connection.closeReason === undefined) abort(connection, 'reset-local');
      }
    }
    dirty.length = 0;
    return failure;
  }

  /** Runs the timers that are due. */
  tick(): void {
    const timers = this.#timers;
    while (timers.next <= this.now) {
      const tcb = timers.shift();
      if (tcb.nextDeadline <= this.now) onTimer(tcb);
      if (tcb.state !== TcpState.Closed) this.schedule(tcb);
    }
    if (this.#chunksAt <= this.now) this.#dropIdleChunks();
  }

  chunkKept(tcb: Tcb): void {
    this.#withChunk.add(tcb);
    if (this.#chunksAt === Infinity) this.#chunksAt = this.now + CHUNK_IDLE;
  }

  #dropIdleChunks(): void {
    for (const tcb of this.#withChunk) if (dropIdleChunk(tcb)) this.#withChunk.delete(tcb);
    this.#chunksAt = this.#withChunk.size > 0 ? this.now + CHUNK_IDLE : Infinity;
  }

  /** Active open. @throws TunneliteError `ERR_NETSTACK_ADDRESS`, `ERR_NETSTACK_PORT_IN_USE`, `ERR_NETSTACK_LIMIT` */
  connect(options: TcpConnectOptions): TcpFlow {
    const local = parseAddress(options.localAddress);
    const remote = parseAddress(options.remoteAddress);
    if (local === undefined || remote === undefined || local.family !== remote.family) {
      throw new TunneliteError('ERR_NETSTACK_ADDRESS');
    }
    if (this.limits.full) {
      this.counters.refusedFlows++;
      throw new TunneliteError('ERR_NETSTACK_LIMIT');
    }
    const words = wordsOf(local.family);
    const addresses = new Int32Array(2 * words);
    addresses.set(remote.words);
    addresses.set(local.words, words);
    const remotePort = options.remotePort << 16;
    const taken = (port: number): boolean =>
      this.#table.find(addresses, addresses.length, remotePort | port) !== undefined;
    const ports = remotePort | freeNumber(this.#random, EPHEMERAL_PORTS, taken, options.localPort || undefined);
    const tcb = this.#create(this.#stack.party, local.family, addresses, ports);
    tcb.noDelay = options.noDelay ?? this.tcp.noDelay;
    tcb.lifeTimerAt = this.now + GIVE_UP_SYN;
    tcb.advance(TcpEvent.ActiveOpen);
    this.counters.tcpActiveOpens++;
    sendSyn(tcb);
    return tcb;
  }

  /**
   * Ends the connections of a peer without sending packets. The next flush reports it to the application, after the data received before.
   */
  forget({ family, words }: IpAddress): void {
    for (const tcb of this.#byPeer.of(family, words)) closeTcb(tcb, TcpEvent.Abort, 'unreachable');
  }

  /**
   * The path to a peer, or to all, has changed. Its connections use the packet size of the new path from now on (RFC 9293 §3.7.2), and the
   * next flush sends data again that the old path lost.
   */
  pathChanged(peer?: IpAddress): void {
    for (const tcb of peer === undefined ? this.#table : this.#byPeer.of(peer.family, peer.words)) {
      this.#onNewPath.add(tcb);
      const mtu = this.#stack.mtuTowards(tcb.family, tcb.addresses);
      if (mtu === tcb.mtu) continue;
      tcb.mtu = mtu;
      updateMss(tcb);
      if (tcb.cc !== undefined && tcb.closeReason === undefined) this.markDirty(tcb);
    }
    this.#stack.woken();
  }

  /** Like `forget`, for all peers. */
  close(): void {
    for (const tcb of this.#table) closeTcb(tcb, TcpEvent.Abort, 'stack-closed');
  }

  /** Processes an ICMP error about one of our segments; it counts only if it quotes a segment in flight (RFC 5927 §4.1). */
  icmpError(error: QuotedError): void {
    const { counters } = this;
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
      this.#stack.learnPathMtu(tcb.remoteAddress, mtu);
      tcb.mtu = mtu;
      updateMss(tcb);
      this.markDirty(tcb);
    } else if (tcb.state === TcpState.SynSent && error.kind === 'unreachable') {
      // Only before the connection is established: later, ICMP errors are soft (RFC 5461 §2.2, RFC 9293 §3.9.2.2).
      closeTcb(tcb, TcpEvent.Abort, 'unreachable');
      tellClosed(tcb);
    } else {
      counters.icmpErrorsIgnored++;
    }
  }

  // --- TcpHost

  get now(): number {
    return this.#stack.now;
  }

  transmit(length: number): void {
    this.#stack.transmit(length);
  }

  nextIpId(): number {
    return this.#stack.nextIpId();
  }

  markDirty(tcb: Tcb): void {
    if (!tcb.dirty) {
      tcb.dirty = true;
      this.#dirty.push(tcb);
    }
    this.#stack.woken();
  }

  schedule(tcb: Tcb): void {
    this.#timers.schedule(tcb, tcb.nextDeadline);
  }

  stateChanged(tcb: Tcb, from: TcpState, to: TcpState): void {
    this.limits.stateChanged(tcb, from, to);
    this.#stack.onStateChange?.(tcb, from, to);
  }

  released(tcb: Tcb): void {
    this.#table.remove(tcb);
    this.#byPeer.delete(tcb.family, tcb.addresses, tcb);
    this.#timers.remove(tcb);
    this.#onNewPath.delete(tcb);
    if (this.#withChunk.delete(tcb) && this.#withChunk.size === 0) this.#chunksAt = Infinity;
    if (this.#last === tcb) this.#last = undefined;
    this.limits.released(tcb);
  }

  // --- new connections

  /** Processes a segment that belongs to no connection (RFC 9293 §3.10.7.1 and .2). */
  #unknown(payload: IpPayload, segment: Segment, addresses: Int32Array, ports: number): void {
    const { counters } = this;
    const { onTcp, icmp, party } = this.#stack;
    if (segment.flags & RST) {
      counters.dropTcpRst++;
      return;
    }
    if ((segment.flags & (SYN | ACK | FIN)) !== SYN) {
      resetFor(new Connection(this, party, payload.family, addresses, ports, 0), segment);
      return;
    }
    if (onTcp === undefined) {
      counters.tcpRefused++;
      resetFor(new Connection(this, party, payload.family, addresses, ports, 0), segment);
      return;
    }
    if (!this.limits.roomToOpen(party)) return;
    const { buffer, packet, packetLength } = payload;
    const tcb = this.#passiveOpen(payload, segment, addresses, ports);
    const syn = Buffer.from(buffer.subarray(packet, packet + Math.min(packetLength, MAX_SYN_QUOTE)));
    onTcp(new ConnectRequest(tcb, (how) => icmp.unreachable(how, syn, 0, syn.length, party)));
  }

  #passiveOpen(payload: IpPayload, segment: Segment, addresses: Int32Array, ports: number): Connection {
    const tcb = this.#create(this.#stack.party, payload.family, addresses, ports);
    tcb.passive = true;
    tcb.noDelay = this.tcp.noDelay;
    tcb.irs = segment.seq;
    tcb.rcvNxt = (segment.seq + 1) | 0;
    tcb.lastAckSent = tcb.rcvNxt;
    tcb.rcvAdv = tcb.rcvNxt;
    this.#synOptions.parseSyn(payload.buffer, segment.header + 20, segment.text);
    negotiate(tcb, this.#synOptions);
    tcb.sndWnd = segment.window;
    tcb.maxSndWnd = segment.window;
    tcb.sndWl1 = segment.seq;
    tcb.sndWl2 = tcb.iss;
    tcb.advance(TcpEvent.PassiveOpen);
    this.counters.tcpPassiveOpens++;
    tcb.lifeTimerAt = this.now + HALF_OPEN_TIMEOUT;
    this.schedule(tcb);
    return tcb;
  }

  #create(party: Party, family: IpFamily, addresses: Int32Array, ports: number): Connection {
    const key = this.#table.key(addresses, addresses.length, ports);
    const tcb = new Connection(this, party, family, addresses, ports, key);
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
    tcb.mtu = this.#stack.mtuTowards(family, addresses);
    this.#table.insert(tcb);
    this.#byPeer.add(family, addresses, tcb);
    this.limits.opened(tcb);
    return tcb;
  }
}
