import type { TokenVerifier } from '../bearer/types.ts';
import type { FaultPorts } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import type { BanRules } from './control/bans.ts';

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
  /** Refuse a cookie that comes from another client address. */
  readonly denyRoaming: boolean;
  readonly maxSessions: number;
  readonly maxSessionsPerUser: number | undefined;
  readonly serverName: string;
}

/** Everything that the gateway needs from outside. */
export interface GatewayOptions {
  readonly host: string;
  /** TCP and UDP port; 0 = any free one, the same for both. */
  readonly port: number;
  readonly tls: {
    /** PEM, leaf first. */
    readonly cert: string;
    readonly key: string;
    /** PEM of the issuing CA, served as `/ca.pem`. */
    readonly ca: string | undefined;
    readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
    readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
    /** NSS key-log lines, for Wireshark. */
    readonly keylog?: (line: string) => void;
  };
  readonly settings: TunnelSettings;
  readonly verifier: TokenVerifier;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Optional: sessions elsewhere than in memory. */
  readonly store?: SessionStore;
  readonly accelerate?: boolean;
  /** Faults injected on purpose, at the datagram, stream and decision seams. */
  readonly faults?: FaultPorts;
  /** How the Authorization header is read; default `lenient`, as the real server. */
  readonly bearerPrefix?: 'lenient' | 'strict';
  /** Shuts out addresses that fail to log in too often; left out = never, unlike the real server, since tests fail on purpose. */
  readonly bans?: BanRules;
}

/** One tunnel session as the rest of the program sees it. */
export interface SessionInfo {
  /** Short id for logs, REST and the command line: six characters. */
  readonly id: string;
  readonly username: string;
  /** `preferred_username` or `upn` of the token: what people call the user. Only for showing. */
  readonly signInName: string | undefined;
  readonly tenantId: string | undefined;
  readonly objectId: string | undefined;
  readonly state: 'authenticated' | 'connected' | 'disconnected';
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
export interface StoredSession {
  /** SHA-256 of the cookie value, hex: the store never sees the cookie. */
  readonly key: string;
  readonly id: string;
  readonly username: string;
  readonly signInName: string | undefined;
  readonly objectId: string | undefined;
  readonly tenantId: string | undefined;
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
  /** The addresses of this session are free again: end what runs to or from them. */
  onAddressReleased(address: string): void;
}

/** A running gateway. */
export interface Gateway extends Closable {
  /** The TCP port, and the UDP one unless UDP is disabled. */
  readonly port: number;
  readonly host: string;
  /** Set once, before the first client connects. */
  packets: PacketPort;
  /**
   * Sends one IP packet to the session that owns its destination address. The 16 bytes before `offset` may be overwritten.
   * False: nobody has that address, or its queue is full (the packet is dropped, as by a router).
   */
  deliver(buffer: Buffer, offset: number, length: number): boolean;
  /** The gateway's own addresses inside the tunnel: the first host address of each pool. */
  readonly ownAddresses: ReadonlySet<string>;
  sessions(): SessionInfo[];
  /** The live session that has this tunnel address. */
  sessionAt(address: string): SessionInfo | undefined;
  /** Data MTU of the session with this tunnel address. */
  mtuOf(address: string): number | undefined;
  /** Ends a session as an administrator would; its cookie is invalid at once. False: no such session. */
  disconnect(id: string, explanation?: string): boolean;
  stats(): Readonly<Record<string, number>>;
}
