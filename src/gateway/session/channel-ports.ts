/*
 * The seam between a tunnel and its two channels. `Tunnel` implements `TunnelPort`; CSTP over TLS is a `ControlChannel`, DTLS
 * over UDP a `DataChannel`.
 *
 * - A channel passes each IP packet to `tunnel.receive(...)`. The reader of the socket, not the tunnel, reports the end of a batch
 *   to the gateway.
 * - Towards the client the tunnel uses `data.send` if `data.active`, otherwise `control.sendData`.
 * - Channels handle packets of other types themselves, except that a disconnect packet goes to
 *   `tunnel.disconnectedByClient(payload)`.
 */

/** Why a session or one of its tunnels ended. */
export type EndReason =
  | 'user'
  | 'temporary'
  | 'connection-lost'
  | 'replaced'
  | 'admin'
  | 'idle'
  | 'session-timeout'
  | 'dpd'
  | 'protocol-error'
  | 'rekey'
  | 'restart'
  | 'reset'
  | 'shutdown'
  | 'expired';

/** A channel's view of its tunnel. After the tunnel has ended, calls do nothing. */
export interface TunnelPort {
  /** The session's short id. */
  readonly id: string;
  /** Largest inner packet, in bytes. */
  readonly mtu: number;
  /** Dead-peer detection period in seconds (the mobile one for mobiles); 0 = off. */
  readonly dpd: number;
  /** Processes one IP packet from the client: checks the source address, counts it and passes it on. The buffer belongs to the caller. */
  receive(buffer: Buffer, offset: number, length: number): void;
  /** The client sent a disconnect packet; `payload` without any header. */
  disconnectedByClient(payload: Buffer): void;
  /** The client sent a DPD request. False: a fault suppresses the answer. */
  answersDpd(): boolean;
  /** Data to the client moved to the other channel: data lost on the first one can be sent again. */
  channelChanged(): void;
  /** The client violated the protocol of a channel: reports it and ends the tunnel. */
  protocolError(channel: 'cstp' | 'dtls', reason: string, explanation: string): void;
}

/** The tunnel's view of CSTP. */
export interface ControlChannel {
  /** `address:port` of the client. */
  readonly remote: string;
  /** One IP packet; the 8 bytes before `offset` are overwritten. False: dropped. */
  sendData(buffer: Buffer, offset: number, length: number): boolean;
  /** Probes a silent client; returns the silence in milliseconds when the client must be given up. */
  checkLiveness(now: number, dpd: number): number | undefined;
  /** No input was read for the last `late` milliseconds: they do not count as silence. */
  excuse(late: number, now: number): void;
  /**
   * Before a jump of time by this many milliseconds, during which no packets can arrive: probes the client if the jump would end it for
   * silence. False: it would not.
   */
  askBefore(leap: number, dpd: number): boolean;
  /** A probe was sent, and nothing was received since. */
  readonly asked: boolean;
  /** The client is alive: treats it as heard until then. */
  vouch(until: number): void;
  /** When the client must be given up unless something is received; Infinity without a pending probe. */
  deadAt(dpd: number): number;
  /** When `checkLiveness` must be called unless something is received; Infinity = never. */
  nextLook(dpd: number): number;
  /** Ends the channel and its connection; with `notify` the client gets a disconnect packet first. */
  close(notify: boolean): void;
}

/** One data channel of one tunnel. `active` may change at any time; it decides where packets to the client go. */
export interface DataChannel {
  /** True while packets to the client go over this channel. */
  readonly active: boolean;
  /** IANA name of the cipher suite once the handshake is done. */
  readonly cipher: string | undefined;
  /** `address:port` of the client once known. */
  readonly remote: string | undefined;
  /**
   * Sends one IP packet; the 16 bytes before `offset` may be overwritten.
   * `too-large`: this packet goes over CSTP instead. `dropped`: as by a router.
   */
  send(buffer: Buffer, offset: number, length: number): 'sent' | 'too-large' | 'dropped';
  /** Call when a data packet arrives over CSTP: the client has moved to TCP (observed: ocserv 1.3.0). */
  controlDataReceived(): void;
  /** Ends the channel. Called once, when the tunnel ends with its connection or is replaced by another one. */
  close(): void;
}
