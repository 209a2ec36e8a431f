import type { Duplex } from 'node:stream';
import type { RandomSource } from '../../lib/random.ts';

/** IP version of a packet or flow. */
export type IpFamily = 4 | 6;

/** The two ends of a flow. `local` is the stack's end, `remote` the peer behind the packets. */
export interface FlowAddresses {
  readonly family: IpFamily;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * Takes one IP packet, `buffer[offset, offset + length)`. The buffer is the stack's own and is reused: use or copy
 * the bytes before returning. `headroom` bytes before `offset` may be overwritten, for a framing header.
 */
export type PacketOutput = (buffer: Buffer, offset: number, length: number) => void;

/** The eleven states of RFC 9293 §3.3.2. */
export const TcpState = {
  Closed: 'CLOSED',
  Listen: 'LISTEN',
  SynSent: 'SYN-SENT',
  SynReceived: 'SYN-RECEIVED',
  Established: 'ESTABLISHED',
  FinWait1: 'FIN-WAIT-1',
  FinWait2: 'FIN-WAIT-2',
  CloseWait: 'CLOSE-WAIT',
  Closing: 'CLOSING',
  LastAck: 'LAST-ACK',
  TimeWait: 'TIME-WAIT',
} as const;
export type TcpState = (typeof TcpState)[keyof typeof TcpState];

/** Why a flow ended. */
export type TcpCloseReason =
  | 'closed'
  | 'reset-by-peer'
  | 'reset-local'
  | 'refused'
  | 'timeout'
  | 'unreachable'
  /** The owner held most of what a limit allows, and others needed room. */
  | 'evicted'
  | 'stack-closed';

/**
 * Callbacks of a TCP flow, the alternative to a stream. All are called synchronously from within `input`, `flush` or `tick`.
 * `chunk` of `onData` belongs to the receiver (it is a copy, never a view of an input packet); the receive window stays closed for its bytes
 * until `flow.consumed(n)` is called.
 */
export interface TcpFlowHandler {
  onConnect?(): void;
  onData(chunk: Buffer): void;
  /** The send buffer fell below its low-water mark after a `write` that returned false. */
  onDrain?(): void;
  /** The peer sent FIN and everything before it was delivered. */
  onEnd?(): void;
  /** Called exactly once, last. */
  onClose(reason: TcpCloseReason): void;
}

/** Counters of one TCP flow; times in milliseconds, sizes in bytes. */
export interface TcpFlowStats {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly srtt: number;
  readonly rttvar: number;
  readonly rto: number;
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly retransmits: number;
  readonly zeroWindows: number;
  readonly outOfOrder: number;
  readonly mss: number;
}

/** One TCP connection that ends in the stack. Either set a `handler` or call `toDuplex()`, once. */
export interface TcpFlow extends FlowAddresses {
  readonly state: TcpState;
  handler: TcpFlowHandler;
  /** Queues bytes (kept by reference until acknowledged; do not change them). False: stop until `onDrain`. */
  write(chunk: Buffer): boolean;
  /** Sends FIN after what is queued; the other direction stays open. */
  end(): void;
  /** Sends RST and forgets the flow. */
  reset(): void;
  /**
   * Ends both directions: sends what is queued, then FIN. Later data from the peer is answered with RST; if unread data is waiting, RST
   * goes out at once (RFC 1122 §4.2.2.13). The stack gives up when the peer takes nothing, or does not end its side, for a minute or two.
   *
   * @param discard so many bytes of later data are taken and thrown away before RST goes out: room for a goodbye. Default 0.
   */
  close(discard?: number): void;
  /** Says that `bytes` of delivered data have been used, so that the window can open again. */
  consumed(bytes: number): void;
  setNoDelay(on: boolean): void;
  /** A Node stream with true backpressure in both directions; `allowHalfOpen` is on. */
  toDuplex(): Duplex;
  stats(): TcpFlowStats;
}

/** How a connect request is turned down: TCP RST / ICMP port unreachable, ICMP administratively prohibited, ICMP host unreachable. */
export type RefuseWith = 'reset' | 'prohibited' | 'host-unreachable';

/** A SYN that waits for its owner's decision, before any SYN-ACK. Retransmitted SYNs raise no second request. */
export interface TcpConnectRequest extends FlowAddresses {
  /** As given to `input` with the packet that it came in. */
  readonly owner: object | undefined;
  /** Sends SYN-ACK. May be called later; the flow opens once the handshake is complete. */
  accept(options?: { readonly noDelay?: boolean }): TcpFlow;
  refuse(how?: RefuseWith): void;
  /** No answer at all, like a firewall that drops packets. */
  drop(): void;
}

/** A datagram's payload from the peer, with the address that it was sent to. The payload is a copy. */
export type UdpDatagramHandler = (payload: Buffer, localAddress: string, localPort: number) => void;

/** One UDP mapping: everything that a peer's (address, port) sends and receives, whatever the far end (RFC 4787 REQ-1). */
export interface UdpFlow {
  readonly family: IpFamily;
  readonly remoteAddress: string;
  readonly remotePort: number;
  handler: UdpDatagramHandler;
  /** Called once when the mapping idles out or the stack closes. */
  onClose: (() => void) | undefined;
  /** ICMP reported that a datagram to the peer did not arrive; called with the end that it was sent from (RFC 1122 §4.1.3.3). */
  onError: ((kind: 'unreachable' | 'time-exceeded', localAddress: string, localPort: number) => void) | undefined;
  /** Sends to the peer, from the given far end. False when it does not fit any packet. */
  send(payload: Uint8Array, localAddress: string, localPort: number): boolean;
  close(): void;
}

/** A mapping opened from this side: with one local end, from which it sends where no other is named. */
export interface OpenedUdpFlow extends UdpFlow {
  readonly localAddress: string;
  readonly localPort: number;
  send(payload: Uint8Array, localAddress?: string, localPort?: number): boolean;
}

/** A reply to an echo request: its sequence number, and the bytes that were sent. */
export type EchoHandler = (sequence: number, payload: Buffer) => void;

/** An echo request that came, and is answered or not. */
export interface EchoRequest {
  readonly family: IpFamily;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Length of the ICMP message. */
  readonly bytes: number;
  /** As given to `input` with the packet that it came in. */
  readonly owner: object | undefined;
}

export interface EchoOptions {
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Identifier, 16 bits; one flow to a peer for each. Left out: any that is free, which nobody can guess. */
  readonly id?: number;
}

/** An ICMP flow opened from this side: echo requests to one peer, and their replies. */
export interface EchoFlow {
  readonly family: IpFamily;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly id: number;
  handler: EchoHandler;
  /** ICMP reported that a request did not arrive. */
  onError: ((kind: 'unreachable' | 'time-exceeded') => void) | undefined;
  /** Called once when the flow idles out or the stack closes. */
  onClose: (() => void) | undefined;
  /** Sends a request. False when it does not fit any packet, or the flow is closed. */
  send(sequence: number, payload: Uint8Array): boolean;
  close(): void;
}

/** The first datagram of a new mapping, which waits for its owner's decision. */
export interface UdpFlowRequest extends FlowAddresses {
  /** As given to `input` with the packet that it came in. */
  readonly owner: object | undefined;
  /** Opens the mapping; the waiting datagram is delivered to `handler` before this returns. */
  accept(handler: UdpDatagramHandler): UdpFlow;
  refuse(how?: RefuseWith): void;
  drop(): void;
}

/** A limit that was met: what of, what was done about it, and whose entry or request it was. */
export interface LimitReached {
  readonly table:
    | 'tcp-flows'
    | 'tcp-half-open'
    | 'tcp-time-wait'
    | 'tcp-memory'
    | 'tcp-out-of-order'
    | 'udp-flows'
    | 'fragments'
    | 'icmp-errors';
  /** `refused`: the owner has its share and gets no more. `evicted`: the owner has most, and made room for another. */
  readonly action: 'refused' | 'evicted';
  /** As given to `input`; undefined for what has none. */
  readonly owner: object | undefined;
}

/** Caps, of all owners together; each refusal is counted in the stack's statistics, and told to `onLimit`. */
export interface NetstackLimits {
  readonly tcpFlows: number;
  readonly tcpHalfOpen: number;
  readonly outOfOrderBytes: number;
  readonly udpFlows: number;
  /** Milliseconds without a datagram after which a UDP mapping ends. */
  readonly udpIdle: number;
  readonly fragmentBytes: number;
  readonly fragmentPackets: number;
  /** Bytes of all buffers together before the stack shrinks windows and refuses new flows. */
  readonly memory: number;
}

export interface TcpOptions {
  readonly congestion?: 'cubic' | 'newreno';
  readonly sack?: boolean;
  readonly timestamps?: boolean;
  readonly windowScaling?: boolean;
  /** Upper bounds of the autotuned buffers, in bytes. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  readonly noDelay?: boolean;
  /** Milliseconds of idleness before keep-alive probes; 0 = off. */
  readonly keepAlive?: number;
  /** TIME-WAIT in milliseconds (RFC 9293: 2 MSL). */
  readonly timeWait?: number;
}

export interface NetstackOptions {
  readonly output: PacketOutput;
  readonly random: RandomSource;
  /** Monotonic milliseconds at the start. */
  readonly now: number;
  /** Largest packet that may be sent, in bytes. */
  readonly mtu?: number;
  /** Bytes before each output packet that the consumer may overwrite. Default 16. */
  readonly headroom?: number;
  /** Smaller MTU towards one peer, asked when a flow opens and after `pathChanged`; undefined = `mtu`. */
  readonly pathMtu?: (remoteAddress: string) => number | undefined;
  /** Which destination addresses the stack answers for. Default: all, as a gateway terminates everything. */
  readonly isLocal?: (address: string) => boolean;
  readonly onTcp?: (request: TcpConnectRequest) => void;
  readonly onUdp?: (request: UdpFlowRequest) => void;
  /** Whether an echo request to this address is answered. Default: yes for every local address. */
  readonly onEcho?: (request: EchoRequest) => boolean;
  readonly onStateChange?: (flow: TcpFlow, from: TcpState, to: TcpState) => void;
  /** Called each time that a limit is met; may be often. */
  readonly onLimit?: (limit: LimitReached) => void;
  /** Sees every packet, in and out, for capture. The view is valid during the call only. */
  readonly tap?: (direction: 'in' | 'out', buffer: Buffer, offset: number, length: number) => void;
  readonly tcp?: TcpOptions;
  readonly limits?: Partial<NetstackLimits>;
}

export interface TcpConnectOptions {
  readonly localAddress: string;
  /** 0 or left out: any ephemeral one that is free, which nobody can guess. */
  readonly localPort?: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly noDelay?: boolean;
}

/**
 * A user-space TCP/IP host without sockets. Bytes and time come in, packets and flows come out:
 * call `tick(now)` when time has passed and before a batch of packets, `input` for each packet, `flush` at the end of the batch.
 */
export interface Netstack {
  /**
   * One IP packet, `buffer[offset, offset + length)`; nothing of it is kept. Never throws on bad bytes: they are counted by reason.
   * @param owner whom the packet comes from, such as a session: whoever has the same owner shares what the limits leave to one. Left
   *   out: all such packets are of one owner
   */
  input(buffer: Buffer, offset: number, length: number, owner?: object): void;
  /** End of an input batch: delivers, acknowledges, transmits. */
  flush(): void;
  /** Moves the stack's time; fires what is due. */
  tick(now: number): void;
  /** When `tick` is needed next, in monotonic milliseconds; Infinity = not until there is input. */
  readonly nextDeadline: number;
  /** The same for timers alone, leaving aside what only waits for `flush`. */
  readonly nextTimer: number;
  /** Set by the driver: called when `nextDeadline` moved to an earlier time outside input and tick. */
  onDeadline: (() => void) | undefined;
  /** Active open. @throws TunneliteError `ERR_NETSTACK_ADDRESS`, `ERR_NETSTACK_PORT_IN_USE`, `ERR_NETSTACK_LIMIT` */
  connect(options: TcpConnectOptions): TcpFlow;
  /** Opens a UDP mapping from this side; `remote` is the peer. @throws TunneliteError as `connect` does */
  openUdp(options: TcpConnectOptions, handler: UdpDatagramHandler): OpenedUdpFlow;
  /** Echo requests to one peer, as `ping` sends them. @throws TunneliteError as `connect` does */
  openEcho(options: EchoOptions, handler: EchoHandler): EchoFlow;
  /** Ends every flow to or from this peer without sending anything: the peer is gone. */
  forget(remoteAddress: string): void;
  /**
   * The path to this peer, or to all, has changed: asks `pathMtu` again, for the flows that are open too, and what they sent in vain goes out again
   * with the next flush instead of when their timers, doubled meanwhile, are due.
   */
  pathChanged(remoteAddress?: string): void;
  readonly flows: Iterable<TcpFlow>;
  /** Counters by name: packets, drops by reason, refusals by cap. */
  stats(): Readonly<Record<string, number>>;
  close(): void;
}
