import type { Emit } from '../../telemetry/events.ts';
import { DISCONNECT_BY_USER } from '../../wire/cstp.ts';
import type { DataChannel, EndReason, TunnelSession } from '../data/data-channel-port.ts';
import type { PacketPort, SessionInfo } from '../types.ts';

/** What sessions need of the gateway around them. */
export interface SessionHost {
  readonly emit: Emit;
  readonly packets: PacketPort;
  /** Milliseconds on the monotonic clock as of the last scan or socket read: good to a second, and free. */
  readonly coarseNow: number;
  readonly monotonic: number;
  /** The session's tunnel is gone. `keep`: its cookie stays valid for a while. */
  onTunnelEnd(session: GatewaySession, keep: boolean): void;
}

/** The CSTP side of a tunnel, as the session sees it. */
export interface ControlChannel {
  /** `address:port` of the client. */
  readonly remote: string;
  /** One IP packet; the 8 bytes before `offset` are overwritten. False: dropped. */
  sendData(buffer: Buffer, offset: number, length: number): boolean;
  /** Probes a silent client; returns the silence in milliseconds when the client is to be given up. */
  checkLiveness(now: number, dpd: number): number | undefined;
  /** Ends the channel and its connection; with `notify` the client gets a disconnect packet first. */
  close(notify: boolean): void;
}

/** Who the session is of, and where it came from. */
export interface SessionIdentity {
  readonly id: string;
  /** SHA-256 of the cookie, hex. */
  readonly key: string;
  readonly username: string;
  /** What people call the user; only for showing. */
  readonly signInName: string | undefined;
  readonly tenantId: string | undefined;
  readonly objectId: string | undefined;
  readonly remoteAddress: string;
  readonly createdAt: number;
}

/** A tunnel address in the forms that hot paths compare. */
export interface TunnelAddress {
  readonly index: number;
  readonly text: string;
  readonly bytes: Buffer;
}

/** What one CONNECT settled. Times in seconds. */
export interface TunnelTerms {
  readonly mtu: number;
  readonly dpd: number;
  readonly idleTimeout: number | undefined;
  readonly sessionTimeout: number | undefined;
  /** Monotonic time from which the session timeout counts: the accept of the connection (reference openconnect-protocol §8). */
  readonly acceptedAt: number;
  readonly remoteAddress: string;
  readonly tlsCipher: string;
  readonly userAgent: string | undefined;
  readonly deviceType: string | undefined;
  readonly devicePlatform: string | undefined;
  readonly hostname: string | undefined;
}

/** Ends after which the cookie is refused from then on (§4.10); after all others it lives on for a while. */
const COOKIE_ENDS: ReadonlySet<EndReason> = new Set<EndReason>(['user', 'admin', 'session-timeout', 'shutdown']);

/** Ends of which the client is told by a disconnect packet (§12). */
const NOTIFIED_ENDS: ReadonlySet<EndReason> = new Set<EndReason>([
  'replaced',
  'admin',
  'idle',
  'session-timeout',
  'protocol-error',
]);

const PROTO_ICMP = 1;
const PROTO_IGMP = 2;
const PROTO_ICMPV6 = 58;

/** ICMP, IGMP and ICMPv6 do not keep a session from being idle (§8). */
function countsAsUse(buffer: Buffer, offset: number): boolean {
  const version = buffer[offset]! >>> 4;
  if (version === 4) {
    const protocol = buffer[offset + 9];
    return protocol !== PROTO_ICMP && protocol !== PROTO_IGMP;
  }
  // A hop-by-hop header (0) comes before multicast listener reports only.
  return buffer[offset + 6] !== PROTO_ICMPV6 && buffer[offset + 6] !== 0;
}

/**
 * One authenticated session: its cookie, its addresses, and, while connected, its channels. Survives the loss of its TCP
 * connection; a CONNECT with its cookie replaces the tunnel it has.
 */
export class GatewaySession implements SessionInfo, TunnelSession {
  readonly id: string;
  readonly key: string;
  readonly username: string;
  readonly signInName: string | undefined;
  readonly tenantId: string | undefined;
  readonly objectId: string | undefined;
  readonly createdAt: number;
  /** Where the token came from; `deny-roaming` compares with it. */
  readonly loginAddress: string;
  readonly #host: SessionHost;
  remoteAddress: string;
  userAgent: string | undefined;
  deviceType: string | undefined;
  devicePlatform: string | undefined;
  hostname: string | undefined;
  tlsCipher: string | undefined;
  connectedAt: number | undefined;
  bytesIn = 0;
  bytesOut = 0;
  packetsIn = 0;
  packetsOut = 0;
  /** Packets towards the client that found its queue full, or no channel. */
  dropped = 0;
  /** Packets from the client that did not carry its own address as the source. */
  spoofed = 0;
  /** Packets from the client that are no IP packet, or longer than the channel allows. */
  malformed = 0;
  pool4: TunnelAddress | undefined;
  pool6: TunnelAddress | undefined;
  /** The addresses of the tunnel that is up: those of the pools that the client asked for. */
  #use4: TunnelAddress | undefined;
  #use6: TunnelAddress | undefined;
  /** Monotonic time at which the cookie is no longer valid; undefined while a tunnel is up. */
  expiresAt: number | undefined;
  removed = false;
  #terms: TunnelTerms | undefined;
  #cstp: ControlChannel | undefined;
  #data: DataChannel | undefined;
  #startedAt = 0;
  #usedAt = 0;

  constructor(identity: SessionIdentity, host: SessionHost) {
    this.id = identity.id;
    this.key = identity.key;
    this.username = identity.username;
    this.signInName = identity.signInName;
    this.tenantId = identity.tenantId;
    this.objectId = identity.objectId;
    this.createdAt = identity.createdAt;
    this.loginAddress = identity.remoteAddress;
    this.remoteAddress = identity.remoteAddress;
    this.#host = host;
  }

  get info(): SessionInfo {
    return this;
  }

  get state(): SessionInfo['state'] {
    if (this.#cstp) return 'connected';
    return this.connectedAt === undefined ? 'authenticated' : 'disconnected';
  }

  get connected(): boolean {
    return this.#cstp !== undefined;
  }

  get address4(): string | undefined {
    return (this.#cstp ? this.#use4 : this.pool4)?.text;
  }

  get address6(): string | undefined {
    return (this.#cstp ? this.#use6 : this.pool6)?.text;
  }

  get mtu(): number {
    return this.#terms?.mtu ?? 0;
  }

  get dpd(): number {
    return this.#terms?.dpd ?? 0;
  }

  get dtlsCipher(): string | undefined {
    return this.#data?.cipher;
  }

  get dataChannel(): 'cstp' | 'dtls' | undefined {
    if (!this.#cstp) return undefined;
    return this.#data?.active ? 'dtls' : 'cstp';
  }

  /** A copy that stays as it is. */
  snapshot(): SessionInfo {
    return {
      id: this.id,
      username: this.username,
      signInName: this.signInName,
      tenantId: this.tenantId,
      objectId: this.objectId,
      state: this.state,
      remoteAddress: this.remoteAddress,
      userAgent: this.userAgent,
      deviceType: this.deviceType,
      devicePlatform: this.devicePlatform,
      hostname: this.hostname,
      address4: this.address4,
      address6: this.address6,
      mtu: this.#terms?.mtu,
      tlsCipher: this.tlsCipher,
      dtlsCipher: this.dtlsCipher,
      dataChannel: this.dataChannel,
      createdAt: this.createdAt,
      connectedAt: this.connectedAt,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    };
  }

  /** Settles what the tunnel to come will be like; before the data channel is made and the answer is written. */
  prepare(terms: TunnelTerms, use4: boolean, use6: boolean): void {
    this.#terms = terms;
    this.#use4 = use4 ? this.pool4 : undefined;
    this.#use6 = use6 ? this.pool6 : undefined;
    this.remoteAddress = terms.remoteAddress;
    this.tlsCipher = terms.tlsCipher;
    this.userAgent = terms.userAgent;
    this.deviceType = terms.deviceType;
    this.devicePlatform = terms.devicePlatform;
    this.hostname = terms.hostname;
  }

  /** The tunnel is up. */
  attach(cstp: ControlChannel, data: DataChannel | undefined, now: number): void {
    const resumed = this.connectedAt !== undefined;
    this.#cstp = cstp;
    this.#data = data;
    this.expiresAt = undefined;
    this.connectedAt = now;
    this.#startedAt = this.#host.monotonic;
    this.#usedAt = this.#startedAt;
    this.#host.emit('channel.cstp.open', { session: this.id, remote: cstp.remote, cipher: this.tlsCipher ?? '' });
    this.#host.emit('session.connect', {
      session: this.id,
      user: this.username,
      signInName: this.signInName,
      remote: cstp.remote,
      address4: this.address4,
      address6: this.address6,
      mtu: this.mtu,
      agent: this.userAgent,
      resumed,
    });
  }

  /** Another CONNECT with the same cookie takes over: the tunnel that is up ends, the session goes on. */
  replaceTunnel(): void {
    this.#closeChannels('replaced');
  }

  receive(buffer: Buffer, offset: number, length: number): void {
    if (!this.#ownSource(buffer, offset, length)) return;
    this.packetsIn++;
    this.bytesIn += length;
    if (countsAsUse(buffer, offset)) this.#usedAt = this.#host.coarseNow;
    this.#host.packets.onPacket(buffer, offset, length, this);
  }

  receiveEnd(): void {
    this.#host.packets.onBatchEnd();
  }

  touch(): void {
    // Liveness of the data channel is its own business; a packet there does not prove that TCP lives.
  }

  /** One data packet came over CSTP. */
  receiveControlData(buffer: Buffer, offset: number, length: number): void {
    this.#data?.controlDataReceived();
    this.receive(buffer, offset, length);
  }

  /** Sends one IP packet to the client over the channel that carries data now. False: dropped. */
  deliver(buffer: Buffer, offset: number, length: number): boolean {
    const cstp = this.#cstp;
    if (!cstp || length > this.mtu) {
      this.dropped++;
      return false;
    }
    let sent: boolean;
    if (this.#data?.active) {
      const outcome = this.#data.send(buffer, offset, length);
      sent = outcome === 'too-large' ? cstp.sendData(buffer, offset, length) : outcome === 'sent';
    } else {
      sent = cstp.sendData(buffer, offset, length);
    }
    if (!sent) {
      this.dropped++;
      return false;
    }
    this.packetsOut++;
    this.bytesOut += length;
    if (countsAsUse(buffer, offset)) this.#usedAt = this.#host.coarseNow;
    return true;
  }

  disconnectedByClient(payload: Buffer): void {
    if (payload.length === 0) {
      this.end('temporary', 'The client left for now; its cookie stays valid for a while.');
    } else if (payload[0] === DISCONNECT_BY_USER) {
      const text = payload.toString('utf8', 1, Math.min(payload.length, 129)).replaceAll(/[^\x20-\x7e]/g, '');
      this.end('user', text ? `The client said "${text}"; its cookie is no longer valid.` : 'The user disconnected.');
    } else {
      this.protocolError(
        'disconnect',
        `A disconnect packet began with ${payload[0]} instead of 176 (user) or nothing.`,
      );
    }
  }

  /** The client broke the rules of the CSTP channel. */
  protocolError(reason: string, explanation: string): void {
    this.#host.emit('channel.protocol-error', { session: this.id, channel: 'cstp', reason, explanation });
    this.end('protocol-error', explanation);
  }

  end(reason: EndReason, explanation: string): void {
    if (this.removed) return;
    const keep = !COOKIE_ENDS.has(reason);
    const connected = this.#cstp !== undefined;
    if (!connected && keep) return;
    this.#closeChannels(reason);
    this.#host.emit('session.disconnect', {
      session: this.id,
      user: this.username,
      reason,
      explanation,
      seconds: connected ? (this.#host.monotonic - this.#startedAt) / 1000 : 0,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    });
    this.#host.onTunnelEnd(this, keep);
  }

  /** The CSTP connection is gone without a word. */
  connectionLost(channel: ControlChannel, why: string): void {
    if (channel !== this.#cstp) return;
    this.end('connection-lost', `${why} The client may come back with its cookie.`);
  }

  /** Called about once a second while connected. */
  check(now: number): void {
    const terms = this.#terms;
    const cstp = this.#cstp;
    if (!terms || !cstp) return;
    if (terms.sessionTimeout && now - terms.acceptedAt >= terms.sessionTimeout * 1000) {
      this.end('session-timeout', `The session reached its limit of ${terms.sessionTimeout} s.`);
    } else if (terms.idleTimeout && now - this.#usedAt >= terms.idleTimeout * 1000) {
      this.end('idle', `No data for ${terms.idleTimeout} s (ICMP does not count).`);
    } else {
      const silence = cstp.checkLiveness(now, terms.dpd);
      if (silence !== undefined) {
        this.#host.emit('channel.cstp.dead', { session: this.id, silence });
        this.end(
          'dpd',
          `The client was silent for ${Math.round(silence / 1000)} s; its cookie stays valid for a while.`,
        );
      }
    }
  }

  #closeChannels(reason: EndReason): void {
    const cstp = this.#cstp;
    const data = this.#data;
    this.#cstp = undefined;
    this.#data = undefined;
    const notify = NOTIFIED_ENDS.has(reason);
    data?.close(reason, notify);
    if (!cstp) return;
    cstp.close(notify);
    this.#host.emit('channel.cstp.close', { session: this.id, remote: cstp.remote, reason });
  }

  #ownSource(buffer: Buffer, offset: number, length: number): boolean {
    const version = length >= 20 ? buffer[offset]! >>> 4 : 0;
    if (version === 4) {
      const own = this.#use4?.bytes;
      if (own && buffer.readUInt32BE(offset + 12) === own.readUInt32BE(0)) return true;
      this.spoofed++;
      return false;
    }
    if (version !== 6 || length < 40) {
      this.malformed++;
      return false;
    }
    const own = this.#use6?.bytes;
    if (own?.equals(buffer.subarray(offset + 8, offset + 24))) return true;
    // Link-local and unspecified sources are what every kernel sends into a new interface: dropped, but no offence.
    const linkLocal = buffer[offset + 8] === 0xfe && (buffer[offset + 9]! & 0xc0) === 0x80;
    const unspecified = buffer[offset + 8] === 0 && buffer[offset + 23] === 0;
    if (!linkLocal && !unspecified) this.spoofed++;
    return false;
  }
}
