import type { Person } from '../../lib/person.ts';
import type { SessionState } from './session-state.ts';

/** The server configuration of a Tunnel site: settings sent to clients, and time limits. All times in seconds. */
export interface TunnelSettings {
  /** IPv4 pool in CIDR form; undefined = no IPv4. The first host address is the gateway's. */
  readonly network: string | undefined;
  /** IPv6 pool in CIDR form; undefined = no IPv6. */
  readonly ipv6Network: string | undefined;
  readonly dnsServers: readonly string[];
  readonly defaultDomain: string | undefined;
  readonly splitDns: readonly string[];
  /** CIDR; empty = all traffic uses the tunnel. */
  readonly routesInclude: readonly string[];
  readonly routesExclude: readonly string[];
  readonly disableUdp: boolean;
  /** Value of `X-DTLS-Port` if a port mapping in front uses another number; undefined = the listening port. */
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
  /** Refuse a cookie from another client address. */
  readonly denyRoaming: boolean;
  readonly maxSessions: number;
  readonly maxSessionsPerUser: number | undefined;
  readonly serverName: string;
  /** Accept HTTP CONNECT to resources on the TLS port: an extension that the real server does not have. */
  readonly httpConnect?: boolean;
}

/** Public view of one tunnel session. */
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
  /** The channel that currently carries data to the client. */
  readonly dataChannel: 'cstp' | 'dtls' | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly connectedAt: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The stored state of an authenticated session: everything that a reconnect by cookie needs. */
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

/** Stores authenticated sessions between connections. Real sites do not share them between servers, so memory is the default. */
export interface SessionStore {
  get(key: string): Promise<StoredSession | undefined>;
  put(session: StoredSession): Promise<void>;
  delete(key: string): Promise<void>;
}

/**
 * The packet port: receives packets that leave tunnels.
 * Buffers belong to the caller; use or copy them before returning.
 */
export interface PacketPort {
  /** One IP packet from a session. The gateway has checked that the source address is the session's own. */
  onPacket(buffer: Buffer, offset: number, length: number, session: SessionInfo): void;
  /** Called after the last packet of one socket read, so acknowledgements and deliveries happen once per batch. */
  onBatchEnd(): void;
  /** The session with this address has a new tunnel or another channel: the path MTU may differ, and packets on the old path are lost. */
  onPathChanged(address: string): void;
  /** An address is free because its session is over: end all flows to or from it. Called after the `onBatchEnd` of its last packets. */
  onAddressReleased(address: string, session: Pick<SessionInfo, 'id'>): void;
}
