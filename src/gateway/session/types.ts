import type { Person } from '../../lib/person.ts';
import type { SessionState } from './session-state.ts';

/** What a client is told and how long things last: the server configuration of a Tunnel site. All times in seconds. */
export interface TunnelSettings {
  /** IPv4 pool in CIDR form; undefined = no IPv4. The first host address is the gateway's. */
  readonly network: string | undefined;
  /** IPv6 pool in CIDR form; undefined = no IPv6. */
  readonly ipv6Network: string | undefined;
  readonly dnsServers: readonly string[];
  readonly defaultDomain: string | undefined;
  readonly splitDns: readonly string[];
  /** CIDR; empty = everything goes through the tunnel. */
  readonly routesInclude: readonly string[];
  readonly routesExclude: readonly string[];
  readonly disableUdp: boolean;
  /** What `X-DTLS-Port` says where a port mapping in front has another number; undefined = the port that is listened on. */
  readonly announcedUdpPort: number | undefined;
  /** Link MTU that `X-CSTP-Base-MTU` starts from. */
  readonly mtu: number;
  readonly dpd: number;
  readonly mobileDpd: number;
  readonly keepalive: number;
  readonly idleTimeout: number | undefined;
  readonly mobileIdleTimeout: number | undefined;
  readonly sessionTimeout: number | undefined;
  readonly rekeyTime: number | undefined;
  readonly cookieTimeout: number;
  readonly authTimeout: number;
  readonly banner: string | undefined;
  /** URL of a proxy configuration file. */
  readonly proxyPac?: string | undefined;
  /** Refuse a cookie that comes from another client address. */
  readonly denyRoaming: boolean;
  readonly maxSessions: number;
  readonly maxSessionsPerUser: number | undefined;
  readonly serverName: string;
  /** HTTP CONNECT to resources is answered on the TLS port: an extension, which the real server does not have. */
  readonly httpConnect?: boolean;
}

/** One tunnel session as the rest of the program sees it. */
export interface SessionInfo extends Person {
  /** Short id for logs, REST and the command line: six characters. */
  readonly id: string;
  readonly state: SessionState;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  readonly deviceType: string | undefined;
  readonly devicePlatform: string | undefined;
  readonly hostname: string | undefined;
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  readonly mtu: number | undefined;
  readonly tlsCipher: string | undefined;
  readonly dtlsCipher: string | undefined;
  /** The channel that data to the client goes over now. */
  readonly dataChannel: 'cstp' | 'dtls' | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly connectedAt: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What a store keeps of an authenticated session: all that a reconnect by cookie needs. */
export interface StoredSession extends Person {
  /** SHA-256 of the cookie value, hex: the store never sees the cookie. */
  readonly key: string;
  readonly id: string;
  readonly remoteAddress: string;
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  readonly createdAt: number;
  /** Milliseconds since the Unix epoch; undefined while in use. */
  readonly expiresAt: number | undefined;
}

/** Where authenticated sessions live between connections. Real sites do not share them between servers: memory is the default. */
export interface SessionStore {
  get(key: string): Promise<StoredSession | undefined>;
  put(session: StoredSession): Promise<void>;
  delete(key: string): Promise<void>;
}

/**
 * The packet port: where the gateway hands over what comes out of tunnels and takes what goes in.
 * Buffers are the caller's; use or copy before returning.
 */
export interface PacketPort {
  /** One IP packet from a session. The gateway has checked that the source address is the session's own. */
  onPacket(buffer: Buffer, offset: number, length: number, session: SessionInfo): void;
  /** Called after the last packet of one socket read, so that acknowledgements and deliveries happen once per batch. */
  onBatchEnd(): void;
  /** A session with this address has a new tunnel, or another channel: its path carries packets of another size, perhaps, and lost what was on the old one. */
  onPathChanged(address: string): void;
  /** An address is free again: end what runs to or from it. The session that had it is over. Comes after the `onBatchEnd` of the last packets from there. */
  onAddressReleased(address: string, session: Pick<SessionInfo, 'id'>): void;
}
