/*
 * The seam between a tunnel and its two channels. `Tunnel` implements `TunnelPort`; CSTP over TLS is a `ControlChannel`, DTLS
 * over UDP a `DataChannel`.
 *
 * - A channel hands each IP packet to `tunnel.receive(...)`. The end of a batch is no business of a tunnel: who reads the
 *   socket tells the gateway.
 * - Towards the client the tunnel asks `data.active`, then `data.send`, else `control.sendData`.
 * - Packets of other types are the channel's own business, except that a disconnect packet goes to
 *   `tunnel.disconnectedByClient(payload)`.
 */

/** Why a session or one of its tunnels ended, as a closed set of words. */
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

/** What a channel sees of its tunnel. After the tunnel ended, calls do nothing. */
export interface TunnelPort {
  /** The session's short id. */
  readonly id: string;
  /** Largest inner packet, in bytes. */
  readonly mtu: number;
  /** Dead-peer detection period in seconds (the mobile one for mobiles); 0 = off. */
  readonly dpd: number;
  /** One IP packet from the client. Checks the source address, counts, hands it on. The buffer is the caller's. */
  receive(buffer: Buffer, offset: number, length: number): void;
  /** The client sent a disconnect packet; `payload` without any header. */
  disconnectedByClient(payload: Buffer): void;
  /** The client asks for a sign of life. False: a fault has it that there is none. */
  answersDpd(): boolean;
  /** Data to the client goes over the other channel from now on: what was lost on the first one can be sent again. */
  channelChanged(): void;
  /** The client broke the rules of a channel: this is told, and ends the tunnel. */
  protocolError(channel: 'cstp' | 'dtls', reason: string, explanation: string): void;
}

/** CSTP, as the tunnel sees it. */
export interface ControlChannel {
  /** `address:port` of the client. */
  readonly remote: string;
  /** One IP packet; the 8 bytes before `offset` are overwritten. False: dropped. */
  sendData(buffer: Buffer, offset: number, length: number): boolean;
  /** Probes a silent client; returns the silence in milliseconds when the client is to be given up. */
  checkLiveness(now: number, dpd: number): number | undefined;
  /** Nobody listened for `late` milliseconds until now: they are no silence. */
  excuse(late: number, now: number): void;
  /**
   * Time is about to leap by so many milliseconds, in which nobody can speak: probes the client if it would be given up for its silence
   * afterwards. False: it would not.
   */
  askBefore(leap: number, dpd: number): boolean;
  /** A probe was sent, and nothing was heard since. */
  readonly asked: boolean;
  /** The client lives, and would have said so until then. */
  vouch(until: number): void;
  /** When the client is to be given up, unless something is heard; Infinity while it has not been asked. */
  deadAt(dpd: number): number;
  /** When `checkLiveness` has something to do, unless something is heard; Infinity = never. */
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
  /** `address:port` of the client's end once known. */
  readonly remote: string | undefined;
  /**
   * Sends one IP packet; the 16 bytes before `offset` may be overwritten.
   * `too-large`: this packet goes over CSTP instead. `dropped`: as by a router.
   */
  send(buffer: Buffer, offset: number, length: number): 'sent' | 'too-large' | 'dropped';
  /** Call when a data packet arrives over CSTP: the client has moved to TCP (observed: ocserv 1.3.0). */
  controlDataReceived(): void;
  /** Ends the channel, once: when the tunnel ends, with its connection or in favour of another one. */
  close(): void;
}
