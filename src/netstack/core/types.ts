import type { Duplex } from 'node:stream';
import type { RandomSource } from '../../lib/random.ts';

/** IP version of a packet or flow. */
export type IpFamily = 4 | 6;

/** The two ends of a flow. `local` is the stack's end, `remote` the peer that sends the packets. */
export interface FlowAddresses {
  readonly family: IpFamily;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * Receives one IP packet, `buffer[offset, offset + length)`. The buffer belongs to the stack and is reused: use or copy
 * the bytes before returning. The `headroom` bytes before `offset` may be overwritten with a framing header.
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
  /** The owner held the largest share of a limit, and others needed space. */
  | 'evicted'
  | 'stack-closed';

/**
 * Callbacks of a TCP flow, the alternative to a stream. All are called synchronously from within `input`, `flush` or `tick`.
 * `chunk` of `onData` belongs to the receiver (it is a copy, never a view of an input packet). The receive window does not reopen for its
 * bytes until `flow.consumed(n)` is called.
 */
export interface TcpFlowHandler {
  onConnect?(): void;
  onData(chunk: Buffer): void;
  /**
   * Data is processed as it comes, and little of it is kept: a small piece of it may then be in memory that it shares with others. If omitted,
   * each piece has memory of its own.
   */
  readonly flowing?: boolean;
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

/** One TCP connection terminated by the stack. Either set a `handler` or call `toDuplex()`, once. */
export interface TcpFlow extends FlowAddresses {
  readonly state: TcpState;
  handler: TcpFlowHandler;
  /** Queues bytes (kept by reference until acknowledged; do not change them). False: stop writing until `onDrain`. */
  write(chunk: Buffer): boolean;
  /** Sends FIN after the queued data; the other direction stays open. */
  end(): void;
  /** Sends RST and removes the flow. */
  reset(): void;
  /**
   * Ends both directions: sends the queued data, then FIN. Later data from the peer is answered with RST; if there is unread data, RST
   * is sent at once (RFC 1122 §4.2.2.13). The stack gives up when the peer accepts no data, or does not end its side, for one to two minutes.
   *
   * @param discard bytes of unread and later data to discard before RST is sent, for closing messages of the peer. Default 0.
   */
  close(discard?: number): void;
  /** Reports that `bytes` of delivered data have been processed, so that the window can reopen. */
  consumed(bytes: number): void;
  setNoDelay(on: boolean): void;
  /** A Node stream with true backpressure in both directions; `allowHalfOpen` is on. */
  toDuplex(): Duplex;
  stats(): TcpFlowStats;
}

/** How to refuse a connect request: TCP RST / ICMP port unreachable, ICMP administratively prohibited, ICMP host unreachable. */
export type RefuseWith = 'reset' | 'prohibited' | 'host-unreachable';

/** A SYN that awaits the application's decision, before any SYN-ACK. Retransmitted SYNs cause no second request. */
export interface TcpConnectRequest extends FlowAddresses {
  /** As passed to `input` with the packet. */
  readonly owner: object | undefined;
  /** Sends SYN-ACK. May be called later; the flow opens once the handshake is complete. */
  accept(options?: { readonly noDelay?: boolean }): TcpFlow;
  refuse(how?: RefuseWith): void;
  /** No answer at all, like a firewall that drops packets. */
  drop(): void;
}

/** Receives the payload of a datagram from the peer, with its destination address. The payload is a copy. */
export type UdpDatagramHandler = (payload: Buffer, localAddress: string, localPort: number) => void;

/** One UDP mapping: everything that a peer's (address, port) sends and receives, for any remote destination (RFC 4787 REQ-1). */
export interface UdpFlow {
  readonly family: IpFamily;
  readonly remoteAddress: string;
  readonly remotePort: number;
  handler: UdpDatagramHandler;
  /** Called once when the mapping times out or the stack closes. */
  onClose: (() => void) | undefined;
  /** Called when ICMP reports that a datagram to the peer was not delivered, with the endpoint it was sent from (RFC 1122 §4.1.3.3). */
  onError: ((kind: 'unreachable' | 'time-exceeded', localAddress: string, localPort: number) => void) | undefined;
  /** Sends to the peer from the given local endpoint. False when the payload does not fit into any packet. */
  send(payload: Uint8Array, localAddress: string, localPort: number): boolean;
  /**
   * Answers the datagram that `handler` was called with as {@link UdpFlowRequest.refuse} does, without ending the mapping. Only during that
   * call; otherwise it does nothing.
   */
  refuse(how?: RefuseWith): void;
  close(): void;
}

/** A mapping opened by the application. It has one local end, which it sends from by default. */
export interface OpenedUdpFlow extends UdpFlow {
  readonly localAddress: string;
  readonly localPort: number;
  send(payload: Uint8Array, localAddress?: string, localPort?: number): boolean;
}

/** Receives a reply to an echo request: its sequence number and the bytes that were sent. */
export type EchoHandler = (sequence: number, payload: Buffer) => void;

/** A received echo request, which the stack answers or not. */
export interface EchoRequest {
  readonly family: IpFamily;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Length of the ICMP message. */
  readonly bytes: number;
  /** As passed to `input` with the packet. */
  readonly owner: object | undefined;
}

export interface EchoOptions {
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Identifier, 16 bits, unique per peer. Default: a random free one. */
  readonly id?: number;
}

/** An ICMP flow opened by the application: echo requests to one peer, and their replies. */
export interface EchoFlow {
  readonly family: IpFamily;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly id: number;
  handler: EchoHandler;
  /** Called when ICMP reports that a request was not delivered. */
  onError: ((kind: 'unreachable' | 'time-exceeded') => void) | undefined;
  /** Called once when the flow times out or the stack closes. */
  onClose: (() => void) | undefined;
  /** Sends a request. False when the payload does not fit into any packet, or the flow is closed. */
  send(sequence: number, payload: Uint8Array): boolean;
  close(): void;
}

/** The first datagram of a new mapping, which awaits the application's decision. */
export interface UdpFlowRequest extends FlowAddresses {
  /** As passed to `input` with the packet. */
  readonly owner: object | undefined;
  /** Opens the mapping; the waiting datagram is delivered to `handler` before this returns. */
  accept(handler: UdpDatagramHandler): UdpFlow;
  refuse(how?: RefuseWith): void;
  drop(): void;
}

/** A limit that was reached: of which table, the action taken, and the owner of the entry or request. */
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
  /** `refused`: the owner has used its share. `evicted`: an entry of the largest owner was removed for another owner. */
  readonly action: 'refused' | 'evicted';
  /** As passed to `input`; undefined if there is none. */
  readonly owner: object | undefined;
}

/** Limits for all owners together; each refusal is counted in the stack's statistics and reported to `onLimit`. */
export interface NetstackLimits {
  readonly tcpFlows: number;
  readonly tcpHalfOpen: number;
  readonly outOfOrderBytes: number;
  readonly udpFlows: number;
  /** Milliseconds without a datagram after which a UDP mapping ends. */
  readonly udpIdle: number;
  readonly fragmentBytes: number;
  readonly fragmentPackets: number;
  /** Total bytes of all buffers above which the stack shrinks windows and refuses new flows. */
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
  /** Idle time in milliseconds before keep-alive probes; 0 = off. */
  readonly keepAlive?: number;
  /** TIME-WAIT in milliseconds (RFC 9293: 2 MSL). */
  readonly timeWait?: number;
}

export interface NetstackOptions {
  readonly output: PacketOutput;
  readonly random: RandomSource;
  /** Monotonic milliseconds at the start. */
  readonly now: number;
  /** Largest packet to send, in bytes. */
  readonly mtu?: number;
  /** Number of bytes before each output packet that the consumer may overwrite. Default 16. */
  readonly headroom?: number;
  /** Returns a smaller MTU for one peer. Called when a flow opens and after `pathChanged`; undefined = `mtu`. */
  readonly pathMtu?: (remoteAddress: string) => number | undefined;
  /** Whether a destination address is local to the stack. Default: all are, as a gateway terminates all flows. */
  readonly isLocal?: (address: string) => boolean;
  readonly onTcp?: (request: TcpConnectRequest) => void;
  readonly onUdp?: (request: UdpFlowRequest) => void;
  /** Whether to answer an echo request. Default: yes for every local address. */
  readonly onEcho?: (request: EchoRequest) => boolean;
  readonly onStateChange?: (flow: TcpFlow, from: TcpState, to: TcpState) => void;
  /** Called each time a limit is reached, possibly often. */
  readonly onLimit?: (limit: LimitReached) => void;
  /** Called with every packet, in and out, for capture. The bytes are valid only during the call. */
  readonly tap?: (direction: 'in' | 'out', buffer: Buffer, offset: number, length: number) => void;
  readonly tcp?: TcpOptions;
  readonly limits?: Partial<NetstackLimits>;
}

export interface TcpConnectOptions {
  readonly localAddress: string;
  /** Default, or 0: a random free ephemeral port. */
  readonly localPort?: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly noDelay?: boolean;
}

/**
 * A user-space TCP/IP host without sockets. It takes bytes and time as input and produces packets and flows: call `tick(now)`
 * when time has passed and before a batch of packets, `input` for each packet, and `flush` at the end of the batch.
 */
export interface Netstack {
  /**
   * Processes one IP packet, `buffer[offset, offset + length)`, and keeps no reference to it. Never throws on malformed bytes: they are
   * counted by reason.
   * @param owner the source of the packet, such as a session; limits give each owner a share. Packets without an owner share one
   */
  input(buffer: Buffer, offset: number, length: number, owner?: object): void;
  /** End of an input batch: delivers, acknowledges, transmits. */
  flush(): void;
  /** Advances the stack's time and runs timers that are due. */
  tick(now: number): void;
  /** When to call `tick` next, in monotonic milliseconds; Infinity = not before the next input. */
  readonly nextDeadline: number;
  /** The same for timers alone, without work that only waits for `flush`. */
  readonly nextTimer: number;
  /** Set by the driver: called when `nextDeadline` moves to an earlier time outside `input` and `tick`. */
  onDeadline: (() => void) | undefined;
  /** Active open. @throws TunneliteError `ERR_NETSTACK_ADDRESS`, `ERR_NETSTACK_PORT_IN_USE`, `ERR_NETSTACK_LIMIT` */
  connect(options: TcpConnectOptions): TcpFlow;
  /** Opens a UDP mapping; `remote` is the peer. @throws TunneliteError as `connect` does */
  openUdp(options: TcpConnectOptions, handler: UdpDatagramHandler): OpenedUdpFlow;
  /** Opens a flow of echo requests to one peer, like `ping`. @throws TunneliteError as `connect` does */
  openEcho(options: EchoOptions, handler: EchoHandler): EchoFlow;
  /** Ends every flow to or from this peer without sending anything, because the peer has disconnected. */
  forget(remoteAddress: string): void;
  /**
   * Call when the path to this peer, or to all, has changed: calls `pathMtu` again, also for open flows. Unacknowledged data is sent again
   * with the next flush instead of at the next timeout, which may have grown by backoff.
   */
  pathChanged(remoteAddress?: string): void;
  readonly flows: Iterable<TcpFlow>;
  /** Counters by name: packets, drops by reason, refusals by limit. */
  stats(): Readonly<Record<string, number>>;
  close(): void;
}
