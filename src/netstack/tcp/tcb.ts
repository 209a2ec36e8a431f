import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Sleeper } from '../../lib/deadline-heap.ts';
import { RECEIVE_BUFFER_INITIAL } from '../core/constants.ts';
import type { Counters } from '../core/counters.ts';
import type { PacketSlab } from '../core/packet-slab.ts';
import { fold, swap32 } from '../core/packet-slab.ts';
import type { Party } from '../core/shares.ts';
import {
  type IpFamily,
  type TcpCloseReason,
  type TcpFlow,
  type TcpFlowHandler,
  type TcpFlowStats,
  TcpState,
} from '../core/types.ts';
import type { CongestionControl } from './congestion/congestion.ts';
import type { Reassembly } from './reassembly.ts';
import type { ReceiveChunks } from './receive-chunks.ts';
import { RttEstimator } from './rtt.ts';
import type { SendBuffer } from './send-buffer.ts';
import type { SentQueue, SpareQueues } from './sent-queue.ts';
import type { TcpSettings } from './settings.ts';
import { type TcpEvent, TRANSITIONS } from './tcp-state.ts';

/** Counts the memory that the buffers of all connections use. */
export interface TcpAccounts {
  /** The buffers of a connection use this many bytes more, or less. */
  held(tcb: Tcb, bytes: number): void;
  /** Whether memory is short and the connection's party uses its full share. */
  pressed(tcb: Tcb): boolean;
  /** Whether an out-of-order piece of this cost may be stored. Frees space from parties that use more than their share. */
  roomOutOfOrder(tcb: Tcb, cost: number): boolean;
  /** The connection's out-of-order data uses this many bytes more, or less. */
  keptOutOfOrder(tcb: Tcb, bytes: number): void;
}

/** What a connection needs from its stack. */
export interface TcpHost {
  readonly slab: PacketSlab;
  readonly counters: Counters;
  readonly tcp: TcpSettings;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Counts the memory of the connection's buffers. */
  readonly limits: TcpAccounts;
  /** Number of data segments that the current flush may still send. */
  sendRoom: number;
  /** The connection was removed from the table. */
  released(tcb: Tcb): void;
  /** Sends the packet of `length` bytes that was built at the base of the slab. */
  transmit(length: number): void;
  nextIpId(): number;
  /** Marks the connection for the next flush. */
  markDirty(tcb: Tcb): void;
  /** Registers the connection's earliest deadline. */
  schedule(tcb: Tcb): void;
  stateChanged(tcb: Tcb, from: TcpState, to: TcpState): void;
  readonly spareQueues: SpareQueues;
  readonly chunks: ReceiveChunks;
  /** The connection keeps a large chunk that is not full; the host regularly checks whether it is still needed. */
  chunkKept(tcb: Tcb): void;
}

/** What the single timer of the sending side will do. */
export const SendTimer = { None: 0, Retransmit: 1, Probe: 2, Reorder: 3, Persist: 4 } as const;
export type SendTimer = (typeof SendTimer)[keyof typeof SendTimer];

/** Phase of loss recovery. */
export const Phase = { Open: 0, Recovery: 1, Loss: 2 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/**
 * The transmission control block (RFC 9293 §3.3.1): all variables of one connection, and the only place where its state changes. The logic
 * is in segment-arrives.ts, receive.ts, transmit.ts, loss-recovery.ts and timers.ts.
 */
export abstract class Tcb implements TcpFlow, Sleeper {
  readonly host: TcpHost;
  /** The party whose limits it counts toward. */
  readonly party: Party;
  readonly family: IpFamily;
  /** Remote then local address as 32-bit words in network order: two words or eight. */
  readonly addresses: Int32Array;
  /** Remote port << 16 | local port. */
  readonly ports: number;
  /** Key of the flow table; `next` chains the flows of one key. */
  readonly key: number;
  next: Tcb | undefined = undefined;
  heapIndex = -1;
  dirty = false;

  state: TcpState = TcpState.Closed;
  passive = false;
  /** Header fields that are the same in all packets, as words in memory order. */
  readonly portWord: number;
  readonly pseudoSum: number;
  readonly headerLength: number;

  // --- send sequence space
  iss = 0;
  sndUna = 0;
  sndNxt = 0;
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  maxSndWnd = 0;
  sndScale = 0;
  /** Window scaling was negotiated. */
  scaleOk = false;
  /** Payload of a full segment, without options. */
  mss = 536;
  /** The MSS that the peer announced, options included. */
  peerMss = 536;
  mtu = 1400;
  sendBuffer: SendBuffer | undefined = undefined;
  sent: SentQueue | undefined = undefined;
  finQueued = false;
  finSent = false;
  noDelay = false;
  /** End of the last segment that was not full (Minshall's variant of Nagle's algorithm). */
  smallEnd = 0;
  writeBlocked = false;
  /** Bytes written and not acknowledged. */
  queuedBytes = 0;
  /** A zero-window probe is in flight. */
  probing = false;
  blocked = false;
  synTries = 0;

  // --- receive sequence space
  irs = 0;
  rcvNxt = 0;
  /** Right edge of the window that the peer has received; never moves left. */
  rcvAdv = 0;
  rcvScale = 0;
  lastAckSent = 0;
  rcvBuf = RECEIVE_BUFFER_INITIAL;
  /** Bytes delivered to the application and not consumed yet. */
  unconsumed = 0;
  chunk: Buffer | undefined = undefined;
  /** Ends of the delivered part and of the filled part. */
  chunkStart = 0;
  chunkLength = 0;
  /** `bytesIn` at the last check whether the chunk is still needed. */
  chunkLooked = 0;
  chunkSize = 2048;
  /** Full chunks that wait for the end of the batch, and bytes in them. */
  ready: Buffer[] | undefined = undefined;
  readyBytes = 0;
  reassembly: Reassembly | undefined = undefined;
  /** Its memory, as the host counts it. */
  keptOutOfOrder = 0;
  finReceived = false;
  finSeq = 0;
  finKnown = false;
  endDelivered = false;
  ackNow = false;
  segmentsToAck = 0;
  bytesToAck = 0;
  /** Estimate of the peer's segment size, to acknowledge every second full segment. */
  rcvMss = 536;
  dsackStart = 0;
  dsackEnd = 0;
  challengeAt = -Infinity;
  outOfWindowAckAt = -Infinity;
  rcvRtt = 0;
  rcvRttEcho = 0;
  drsAt = 0;
  drsBytes = 0;

  // --- options
  sackOk = false;
  tsOk = false;
  tsOffset = 0;
  tsRecent = 0;
  tsRecentAt = 0;

  // --- congestion and loss recovery
  readonly rtt = new RttEstimator();
  cc: CongestionControl | undefined = undefined;
  phase: Phase = Phase.Open;
  recoverSeq = 0;
  /** Bytes considered to be in the network. */
  inFlight = 0;
  /** Segments considered lost and not retransmitted yet. */
  lostCount = 0;
  /** Segments that are currently sacked. */
  sackedCount = 0;
  cwndLimited = false;
  dupAcks = 0;
  /** For peers without SACK: estimate of the bytes that have left the network. */
  renoSacked = 0;
  /** Accumulated over a batch, evaluated at its end. */
  newlyAcked = 0;
  newlyDelivered = 0;
  ackPending = false;
  timerRestart = false;
  prrDelivered = 0;
  prrOut = 0;
  recoverFlight = 0;
  /** Retransmissions of this episode that no DSACK has reported as unnecessary; -1 = undo is off. */
  undoRetransmits = -1;
  undoSeq = 0;
  /** Timestamp of the episode's first retransmission, and whether its acknowledgement is still expected. */
  retransmitStamp = 0;
  eifelArmed = false;
  backoff = 0;
  /** Time since which the peer has not acknowledged what was sent. */
  silentSince = -1;
  lastSendAt = 0;
  fullTimeouts = 0;
  // RACK (RFC 8985)
  rackTime = -Infinity;
  rackEnd = 0;
  rackRtt = 0;
  rackFack = 0;
  rackPending = false;
  reordering = false;
  reoWndMult = 1;
  reoWndPersist = 0;
  reoRoundEnd = 0;
  dsackSeen = false;
  // TLP
  tlpEnd = 0;
  tlpOut = false;
  tlpRetransmit = false;
  /** The SACK blocks of the last acknowledgement, which need not be processed again. */
  sackSeen: Int32Array | undefined = undefined;

  // --- timers: absolute deadlines
  sendTimer: SendTimer = SendTimer.None;
  sendTimerAt = Infinity;
  rtoAt = Infinity;
  probeAt = Infinity;
  persistAt = Infinity;
  reorderAt = Infinity;
  ackTimerAt = Infinity;
  /** When to continue with what one flush could not send. */
  moreAt = Infinity;
  /** Handshake timeout, keep-alive or TIME-WAIT, by state. */
  lifeTimerAt = Infinity;
  keepAliveProbes = 0;
  lastHeardAt = 0;

  // --- statistics
  bytesIn = 0;
  bytesOut = 0;
  segmentsIn = 0;
  segmentsOut = 0;
  retransmits = 0;
  zeroWindows = 0;
  outOfOrder = 0;

  owner: TcpFlowHandler | undefined = undefined;
  closeReason: TcpCloseReason | undefined = undefined;
  connectTold = false;
  closeTold = false;
  /** The application has closed both directions; queued data is still sent. */
  orphaned = false;
  /** Bytes from the peer that are then discarded before RST is sent. */
  discards = 0;

  constructor(host: TcpHost, party: Party, family: IpFamily, addresses: Int32Array, ports: number, key: number) {
    this.host = host;
    this.party = party;
    this.family = family;
    this.addresses = addresses;
    this.ports = ports;
    this.key = key;
    this.headerLength = family === 4 ? 20 : 40;
    this.portWord = swap32((ports << 16) | (ports >>> 16));
    let sum = 0x0600;
    for (const word of addresses) {
      const memory = swap32(word);
      sum += (memory & 0xffff) + (memory >>> 16);
    }
    this.pseudoSum = fold(sum);
    this.lastHeardAt = host.now;
  }

  /** Applies an event of the state machine. False when it cannot happen in this state. */
  advance(event: TcpEvent): boolean {
    const from = this.state;
    const to = TRANSITIONS[from][event];
    if (to === undefined) return false;
    this.state = to;
    this.host.stateChanged(this, from, to);
    return true;
  }

  /**
   * Whether nobody waits for the data still to be sent: the application has ended its side, and the peer's end was delivered or no longer
   * matters.
   */
  get abandoned(): boolean {
    return this.orphaned || (this.finQueued && this.endDelivered);
  }

  /** Bytes in its buffers, without out-of-order data. */
  get buffered(): number {
    return this.queuedBytes + this.unconsumed + this.readyBytes;
  }

  get nextDeadline(): number {
    let at = this.sendTimerAt;
    if (this.moreAt < at) at = this.moreAt;
    if (this.ackTimerAt < at) at = this.ackTimerAt;
    if (this.lifeTimerAt < at) at = this.lifeTimerAt;
    return at;
  }

  abstract readonly localAddress: string;
  abstract readonly remoteAddress: string;
  get localPort(): number {
    return this.ports & 0xffff;
  }
  get remotePort(): number {
    return this.ports >>> 16;
  }
  abstract get handler(): TcpFlowHandler;
  abstract set handler(handler: TcpFlowHandler);
  abstract write(chunk: Buffer): boolean;
  abstract end(): void;
  abstract reset(): void;
  abstract close(discard?: number): void;
  abstract consumed(bytes: number): void;
  abstract setNoDelay(on: boolean): void;
  abstract toDuplex(): Duplex;
  abstract stats(): TcpFlowStats;
}
