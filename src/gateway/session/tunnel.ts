import type { CaptureTaps } from '../../capture/index.ts';
import type { FaultPorts } from '../../faults/ports.ts';
import { excused } from '../../lib/late-tick.ts';
import type { Emit } from '../../telemetry/events.ts';
import { DISCONNECT_BY_USER, DISCONNECT_TO_RECONNECT } from '../../wire/cstp.ts';
import type { TunnelAddress } from './address-pool.ts';
import type { ControlChannel, DataChannel, EndReason, TunnelPort } from './channel-ports.ts';
import type { PacketSeam } from './packet-seam.ts';
import { countsAsUse, sourceOf } from './packet-source.ts';
import type { Traffic } from './traffic.ts';

/** The terms negotiated by one CONNECT. Times in seconds. */
export interface TunnelTerms {
  readonly mtu: number;
  readonly dpd: number;
  readonly idleTimeout: number | undefined;
  readonly sessionTimeout: number | undefined;
  /** Monotonic time at which the TCP connection was accepted; the session timeout counts from it (observed: ocserv 1.3.0). */
  readonly acceptedAt: number;
  readonly address4: TunnelAddress | undefined;
  readonly address6: TunnelAddress | undefined;
  readonly remoteAddress: string;
  readonly tlsCipher: string;
  readonly userAgent: string | undefined;
  readonly deviceType: string | undefined;
  readonly devicePlatform: string | undefined;
  readonly hostname: string | undefined;
  /** Whether DTLS was offered to the client; if not, why. */
  readonly udp: 'offered' | 'not asked for' | 'off';
}

/** What a tunnel needs from its session and the gateway. */
export interface TunnelOwner {
  readonly id: string;
  readonly emit: Emit;
  /** Monotonic milliseconds as of the last scan: accurate to a second, at no cost. */
  readonly coarseNow: number;
  readonly monotonic: number;
  readonly faults: FaultPorts;
  /** Captures of its packets, as its channels see them, regardless of faults inside the tunnel. */
  readonly taps: CaptureTaps;
  /** The seam at which faults see its packets. */
  readonly packetSeam: PacketSeam;
  /** The client sent a DPD request. False: do not answer. */
  answersDpd(): boolean;
  /** Processes one packet from the client, after the check of its source address. */
  handOn(buffer: Buffer, offset: number, length: number): void;
  /** The time of the tunnel's next check has become earlier. */
  lookSooner(): void;
  /** Packets to the client now take another path. */
  pathChanged(): void;
  /** Requests the end of the tunnel. */
  end(reason: EndReason, explanation: string): void;
}

/** Ends for which the client gets a disconnect packet (observed: ocserv 1.3.0). */
const NOTIFIED_ENDS: ReadonlySet<EndReason> = new Set<EndReason>([
  'replaced',
  'admin',
  'idle',
  'session-timeout',
  'protocol-error',
  'reset',
]);

/** Milliseconds between two reports of spoofed or malformed packets. Our choice. */
const DROPPED_INTERVAL = 10_000;

/** Bytes of a disconnect packet that are read: the reason code and the text. */
const MAX_GOODBYE = 129;

/** How a tunnel ended, and for how many milliseconds it was up. */
export interface TunnelEnd {
  readonly reason: EndReason;
  readonly age: number;
}

type Channels = { readonly control: ControlChannel; readonly data: DataChannel | undefined };

/** One tunnel of a session, from its CONNECT to its end: two channels, the packets through them, and their time limits. */
export class Tunnel implements TunnelPort, Traffic {
  readonly terms: TunnelTerms;
  bytesIn = 0;
  bytesOut = 0;
  packetsIn = 0;
  packetsOut = 0;
  dropped = 0;
  spoofed = 0;
  malformed = 0;
  readonly #owner: TunnelOwner;
  readonly #faults: FaultPorts;
  readonly #taps: CaptureTaps;
  /** Undefined before `open` and after `close`. */
  #channels: Channels | undefined;
  #usedAt = 0;
  /** Number of dropped packets of each kind already reported, and when. */
  #reported = { spoofed: 0, malformed: 0, at: -Infinity };
  #openedAt = 0;
  #ended: TunnelEnd | undefined;

  constructor(terms: TunnelTerms, owner: TunnelOwner) {
    this.terms = terms;
    this.#owner = owner;
    this.#faults = owner.faults;
    this.#taps = owner.taps;
  }

  get id(): string {
    return this.#owner.id;
  }

  get mtu(): number {
    return this.terms.mtu;
  }

  get dpd(): number {
    return this.terms.dpd;
  }

  /** `address:port` of the client's TLS connection. */
  get remote(): string {
    return this.#channels?.control.remote ?? '';
  }

  get dtlsCipher(): string | undefined {
    return this.#channels?.data?.cipher;
  }

  /** Result of the DTLS negotiation. */
  get udp(): TunnelTerms['udp'] | 'nothing in common' {
    return this.terms.udp === 'offered' && this.#channels?.data === undefined ? 'nothing in common' : this.terms.udp;
  }

  /** The channel that currently carries data to the client. */
  get carrier(): 'cstp' | 'dtls' | undefined {
    if (!this.#channels) return undefined;
    return this.#channels.data?.active ? 'dtls' : 'cstp';
  }

  open(control: ControlChannel, data: DataChannel | undefined): void {
    this.#channels = { control, data };
    this.#openedAt = this.#owner.monotonic;
    this.#usedAt = this.#openedAt;
    this.#owner.emit('channel.cstp.open', { session: this.id, remote: control.remote, cipher: this.terms.tlsCipher });
  }

  receive(buffer: Buffer, offset: number, length: number): void {
    const tap = this.#taps.packets;
    if (tap !== undefined && this.#channels) tap.packet('in', this.id, buffer, offset, length);
    const gate = this.#faults.ipPackets;
    if (gate === undefined) this.take(buffer, offset, length);
    else if (this.#channels && this.#owner.packetSeam.passes(gate, 'in', buffer, offset, length)) {
      this.take(buffer, offset, length);
    }
  }

  /** Processes one IP packet from a channel, after all faults. */
  take(buffer: Buffer, offset: number, length: number): void {
    if (!this.#channels) return;
    const source = sourceOf(buffer, offset, length, this.terms.address4, this.terms.address6);
    if (source !== 'own') {
      if (source === 'strange') return;
      this[source]++;
      // The first one is reported at once.
      this.#tellDropped(this.#owner.coarseNow);
      if (this.#untold === 1) this.#owner.lookSooner();
      return;
    }
    this.packetsIn++;
    this.bytesIn += length;
    if (countsAsUse(buffer, offset)) this.#usedAt = this.#owner.coarseNow;
    this.#owner.handOn(buffer, offset, length);
  }

  /** Processes one data packet that arrived over CSTP. */
  receiveControlData(buffer: Buffer, offset: number, length: number): void {
    this.#channels?.data?.controlDataReceived();
    this.receive(buffer, offset, length);
  }

  /** Sends one IP packet to the client over the current channel. False: dropped. */
  deliver(buffer: Buffer, offset: number, length: number): boolean {
    const gate = this.#faults.ipPackets;
    // A packet dropped by a fault counts as sent, since it is lost on the way.
    if (gate !== undefined && !this.#owner.packetSeam.passes(gate, 'out', buffer, offset, length)) return true;
    return this.put(buffer, offset, length);
  }

  /** Sends one IP packet over the current channel, after all faults. False: dropped. */
  put(buffer: Buffer, offset: number, length: number): boolean {
    const tap = this.#taps.packets;
    // Before the channel gets the packet, since it may overwrite it.
    if (tap !== undefined) tap.packet('out', this.id, buffer, offset, length);
    if (!this.#send(buffer, offset, length)) {
      this.dropped++;
      return false;
    }
    this.packetsOut++;
    this.bytesOut += length;
    if (countsAsUse(buffer, offset)) this.#usedAt = this.#owner.coarseNow;
    return true;
  }

  answersDpd(): boolean {
    return this.#faults.stream === undefined || this.#owner.answersDpd();
  }

  disconnectedByClient(payload: Buffer): void {
    const text = payload.toString('utf8', 1, Math.min(payload.length, MAX_GOODBYE)).replaceAll(/[^\x20-\x7e]/g, '');
    const said = text && ` Its message was "${text}".`;
    // Only the first byte matters, and only two values have a meaning.
    switch (payload[0]) {
      case DISCONNECT_BY_USER:
        this.end('user', `The user disconnected; the cookie is no longer valid.${said}`);
        break;
      case DISCONNECT_TO_RECONNECT:
        this.end('temporary', `The client will reconnect; its cookie remains valid for a while.${said}`);
        break;
      default:
        this.end('temporary', `The client left temporarily; its cookie remains valid for a while.${said}`);
    }
  }

  channelChanged(): void {
    if (this.#channels) this.#owner.pathChanged();
  }

  protocolError(channel: 'cstp' | 'dtls', reason: string, explanation: string): void {
    if (!this.#channels) return;
    this.#owner.emit('channel.protocol-error', { session: this.id, channel, reason, explanation });
    this.end('protocol-error', explanation);
  }

  /** Call when the CSTP connection was lost without a disconnect packet. */
  connectionLost(why: string): void {
    this.end('connection-lost', `${why} The client may reconnect with its cookie.`);
  }

  /** Requests the end of this tunnel; ignored after it was replaced. */
  end(reason: EndReason, explanation: string): void {
    if (this.#channels) this.#owner.end(reason, explanation);
  }

  /** Called about once a second. */
  check(now: number): void {
    const { dpd, idleTimeout, sessionTimeout, acceptedAt } = this.terms;
    if (!this.#channels) return;
    this.#tellDropped(now);
    if (sessionTimeout && now - acceptedAt >= sessionTimeout * 1000) {
      this.end('session-timeout', `The session has reached its time limit of ${sessionTimeout} s.`);
    } else if (idleTimeout && now - this.#usedAt >= idleTimeout * 1000) {
      this.end('idle', `No data for ${idleTimeout} s (ICMP does not count).`);
    } else {
      const silence = this.#channels.control.checkLiveness(now, dpd);
      if (silence === undefined) return;
      this.#owner.emit('channel.cstp.dead', { session: this.id, silence });
      this.end(
        'dpd',
        `The client was silent for ${Math.round(silence / 1000)} s; its cookie remains valid for a while.`,
      );
    }
  }

  /** No input was read for the last `late` milliseconds: they do not count as silence. */
  excuse(late: number, now: number): void {
    this.#usedAt = excused(this.#usedAt, late, now);
    this.#channels?.control.excuse(late, now);
  }

  /** Time of opening, on the monotonic clock. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Undefined while the tunnel is up. */
  get ended(): TunnelEnd | undefined {
    return this.#ended;
  }

  /** Before a jump of time by this many milliseconds: probes the client if the jump would end it for silence. False: not needed. */
  askBefore(leap: number): boolean {
    return this.#channels?.control.askBefore(leap, this.terms.dpd) ?? false;
  }

  /** The client has not answered the probe yet. */
  get asked(): boolean {
    return this.#channels?.control.asked ?? false;
  }

  /** The client is alive: treats it as heard until then. */
  vouch(until: number): void {
    this.#channels?.control.vouch(until);
  }

  /** When the first of its time limits ends the tunnel, if nothing is received before. */
  get deadline(): number {
    const { dpd, idleTimeout, sessionTimeout, acceptedAt } = this.terms;
    if (!this.#channels) return Infinity;
    return Math.min(
      sessionTimeout ? acceptedAt + sessionTimeout * 1000 : Infinity,
      idleTimeout ? this.#usedAt + idleTimeout * 1000 : Infinity,
      this.#channels.control.deadAt(dpd),
    );
  }

  /** When `check` must be called, if nothing is received before. */
  get nextLook(): number {
    if (!this.#channels) return Infinity;
    const { at } = this.#reported;
    return Math.min(
      this.deadline,
      this.#channels.control.nextLook(this.terms.dpd),
      this.#untold > 0 ? at + DROPPED_INTERVAL : Infinity,
    );
  }

  /** Closes both channels; called by the session. */
  close(reason: EndReason, notify = NOTIFIED_ENDS.has(reason)): void {
    const channels = this.#channels;
    if (!channels) return;
    const now = this.#owner.monotonic;
    this.#reportDropped(now);
    this.#channels = undefined;
    this.#ended = { reason, age: now - this.#openedAt };
    channels.data?.close();
    channels.control.close(notify);
    this.#owner.emit('channel.cstp.close', { session: this.id, remote: channels.control.remote, reason });
  }

  /** Number of spoofed and malformed packets not reported yet. */
  get #untold(): number {
    return this.spoofed + this.malformed - this.#reported.spoofed - this.#reported.malformed;
  }

  #tellDropped(now: number): void {
    if (now - this.#reported.at >= DROPPED_INTERVAL) this.#reportDropped(now);
  }

  #reportDropped(now: number): void {
    if (this.#untold === 0) return;
    const spoofed = this.spoofed - this.#reported.spoofed;
    const malformed = this.malformed - this.#reported.malformed;
    this.#reported = { spoofed: this.spoofed, malformed: this.malformed, at: now };
    if (spoofed > 0) this.#owner.emit('channel.spoofed', { session: this.id, count: spoofed });
    if (malformed > 0) this.#owner.emit('channel.malformed', { session: this.id, count: malformed });
  }

  #send(buffer: Buffer, offset: number, length: number): boolean {
    const channels = this.#channels;
    if (!channels || length > this.terms.mtu) return false;
    if (channels.data?.active) {
      const outcome = channels.data.send(buffer, offset, length);
      if (outcome !== 'too-large') return outcome === 'sent';
    }
    return channels.control.sendData(buffer, offset, length);
  }
}
