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

/** What one CONNECT settled. Times in seconds. */
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
  /** Whether the client was told of DTLS; if not, why. */
  readonly udp: 'offered' | 'not asked for' | 'off';
}

/** What a tunnel needs of its session and of the gateway around it. */
export interface TunnelOwner {
  readonly id: string;
  readonly emit: Emit;
  /** Milliseconds on the monotonic clock as of the last scan: good to a second, and free. */
  readonly coarseNow: number;
  readonly monotonic: number;
  readonly faults: FaultPorts;
  /** Who captures its packets: as its channels have them, whatever faults do inside of those. */
  readonly taps: CaptureTaps;
  /** Where faults see its packets. */
  readonly packetSeam: PacketSeam;
  /** The client asks for a sign of life. False: there is to be none. */
  answersDpd(): boolean;
  /** Takes one packet from the client, whose source address is its own. */
  handOn(buffer: Buffer, offset: number, length: number): void;
  /** The tunnel is due for a look sooner than it was. */
  lookSooner(): void;
  /** Packets to the client take another path. */
  pathChanged(): void;
  /** The tunnel asks to be ended. */
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

/** Milliseconds between two reports of packets that were dropped for what they are. Ours. */
const DROPPED_INTERVAL = 10_000;

/** Bytes of a disconnect packet that are looked at: its first one, and what people may read. */
const MAX_GOODBYE = 129;

/** How a tunnel ended, and how many milliseconds it had been up. */
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
  /** How many of each kind have been reported, and when. */
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

  /** What became of DTLS when the tunnel was agreed on. */
  get udp(): TunnelTerms['udp'] | 'nothing in common' {
    return this.terms.udp === 'offered' && this.#channels?.data === undefined ? 'nothing in common' : this.terms.udp;
  }

  /** The channel that data to the client goes over now. */
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

  /** One IP packet that has come out of a channel, and past all faults. */
  take(buffer: Buffer, offset: number, length: number): void {
    if (!this.#channels) return;
    const source = sourceOf(buffer, offset, length, this.terms.address4, this.terms.address6);
    if (source !== 'own') {
      if (source === 'strange') return;
      this[source]++;
      // The first one is told at once.
      this.#tellDropped(this.#owner.coarseNow);
      if (this.#untold === 1) this.#owner.lookSooner();
      return;
    }
    this.packetsIn++;
    this.bytesIn += length;
    if (countsAsUse(buffer, offset)) this.#usedAt = this.#owner.coarseNow;
    this.#owner.handOn(buffer, offset, length);
  }

  /** One data packet came over CSTP. */
  receiveControlData(buffer: Buffer, offset: number, length: number): void {
    this.#channels?.data?.controlDataReceived();
    this.receive(buffer, offset, length);
  }

  /** Sends one IP packet to the client over the channel that carries data now. False: dropped. */
  deliver(buffer: Buffer, offset: number, length: number): boolean {
    const gate = this.#faults.ipPackets;
    // What is lost on purpose is lost on the way: it was sent.
    if (gate !== undefined && !this.#owner.packetSeam.passes(gate, 'out', buffer, offset, length)) return true;
    return this.put(buffer, offset, length);
  }

  /** Puts one IP packet into the channel that carries data now, past all faults. False: dropped. */
  put(buffer: Buffer, offset: number, length: number): boolean {
    const tap = this.#taps.packets;
    // Before its channel has it, which may write over it.
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
    const said = text && ` It said "${text}".`;
    // Only the first byte counts, and only two of them mean anything.
    switch (payload[0]) {
      case DISCONNECT_BY_USER:
        this.end('user', `The user disconnected; the cookie is no longer valid.${said}`);
        break;
      case DISCONNECT_TO_RECONNECT:
        this.end('temporary', `The client will reconnect; its cookie stays valid for a while.${said}`);
        break;
      default:
        this.end('temporary', `The client left for now; its cookie stays valid for a while.${said}`);
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

  /** The CSTP connection is gone without a word. */
  connectionLost(why: string): void {
    this.end('connection-lost', `${why} The client may come back with its cookie.`);
  }

  /** Asks the session to end this tunnel; one that was replaced has no say. */
  end(reason: EndReason, explanation: string): void {
    if (this.#channels) this.#owner.end(reason, explanation);
  }

  /** Called about once a second. */
  check(now: number): void {
    const { dpd, idleTimeout, sessionTimeout, acceptedAt } = this.terms;
    if (!this.#channels) return;
    this.#tellDropped(now);
    if (sessionTimeout && now - acceptedAt >= sessionTimeout * 1000) {
      this.end('session-timeout', `The session reached its limit of ${sessionTimeout} s.`);
    } else if (idleTimeout && now - this.#usedAt >= idleTimeout * 1000) {
      this.end('idle', `No data for ${idleTimeout} s (ICMP does not count).`);
    } else {
      const silence = this.#channels.control.checkLiveness(now, dpd);
      if (silence === undefined) return;
      this.#owner.emit('channel.cstp.dead', { session: this.id, silence });
      this.end('dpd', `The client was silent for ${Math.round(silence / 1000)} s; its cookie stays valid for a while.`);
    }
  }

  /** Nobody listened for `late` milliseconds until now: they are no silence. */
  excuse(late: number, now: number): void {
    this.#usedAt = excused(this.#usedAt, late, now);
    this.#channels?.control.excuse(late, now);
  }

  /** When it opened, on the monotonic clock. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Undefined while it is up. */
  get ended(): TunnelEnd | undefined {
    return this.#ended;
  }

  /** Time is about to leap by so many milliseconds: asks a client for a sign of life that would be given up afterwards. False: no need. */
  askBefore(leap: number): boolean {
    return this.#channels?.control.askBefore(leap, this.terms.dpd) ?? false;
  }

  /** The client has not answered yet. */
  get asked(): boolean {
    return this.#channels?.control.asked ?? false;
  }

  /** The client lives, and would have said so until then. */
  vouch(until: number): void {
    this.#channels?.control.vouch(until);
  }

  /** When the first of its time limits ends it, if nothing is heard until then. */
  get deadline(): number {
    const { dpd, idleTimeout, sessionTimeout, acceptedAt } = this.terms;
    if (!this.#channels) return Infinity;
    return Math.min(
      sessionTimeout ? acceptedAt + sessionTimeout * 1000 : Infinity,
      idleTimeout ? this.#usedAt + idleTimeout * 1000 : Infinity,
      this.#channels.control.deadAt(dpd),
    );
  }

  /** When `check` has something to do, if nothing is heard until then. */
  get nextLook(): number {
    if (!this.#channels) return Infinity;
    const { at } = this.#reported;
    return Math.min(
      this.deadline,
      this.#channels.control.nextLook(this.terms.dpd),
      this.#untold > 0 ? at + DROPPED_INTERVAL : Infinity,
    );
  }

  /** Ends both channels; the session's own doing. */
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

  /** Packets that were dropped for what they are, and not told yet. */
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
