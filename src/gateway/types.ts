import type { TokenVerifier } from '../bearer/types.ts';
import type { CaptureTaps, TappedConnection } from '../capture/index.ts';
import type { CertificateFlaw } from '../config/fault-tls.ts';
import type { FaultedSessions, FaultPorts, TcpConnection } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import type { Person } from '../lib/person.ts';
import type { RandomSource } from '../lib/random.ts';
import type { ClockFollower } from '../lib/simulator-clock.ts';
import type { Network } from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import type { BanRules } from './control/bans.ts';
import type { BearerPrefix } from './control/bearer.ts';
import type { ForwardPort } from './control/forward-port.ts';
import type { DrainOptions, DrainResult, StopOptions } from './lifecycle.ts';
import type { GatewayState } from './lifecycle-state.ts';
import type { PacketPort, SessionInfo, SessionStore, TunnelSettings } from './session/types.ts';

export type { ForwardPort } from './control/forward-port.ts';
export type { DrainOptions, DrainResult, StopOptions } from './lifecycle.ts';
export type { GatewayState } from './lifecycle-state.ts';
export type { PacketPort, SessionInfo, SessionStore, StoredSession, TunnelSettings } from './session/types.ts';

/** Options and dependencies of a gateway. */
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
    /** Provides deliberately flawed certificates for fault rules; omitted: none. */
    readonly flawed?: (flaw: CertificateFlaw) => Promise<{ readonly cert: string; readonly key: string }>;
    /** NSS key-log lines, for Wireshark. */
    readonly keylog?: (line: string) => void;
  };
  readonly settings: TunnelSettings;
  readonly verifier: TokenVerifier;
  readonly emit: Emit;
  /** The clock for all limits configured in seconds. */
  readonly clock: Clock;
  /** The clock for handshakes, datagrams and closing, which runs even while the other one stands still or jumps. Default: `clock`. */
  readonly machine?: Clock;
  readonly random: RandomSource;
  /** Store for sessions; default: in memory. */
  readonly store?: SessionStore;
  readonly acceleration?: boolean;
  /** Source of connections and datagrams; default: the machine's sockets. */
  readonly network?: Network;
  /** Faults to inject at the datagram, stream and decision seams. */
  readonly faults?: FaultPorts;
  /** Packet captures. */
  readonly taps?: CaptureTaps;
  /** How to read the Authorization header; default `lenient`, as in ocserv. */
  readonly bearerPrefix?: BearerPrefix;
  /** Handles HTTP CONNECT when `settings.httpConnect` is on. */
  readonly forward?: ForwardPort;
  /** Bans addresses after too many failed logins. Default: never, unlike the real server, since tests fail on purpose. */
  readonly bans?: BanRules;
  /** Most connections without a tunnel; default 4096. Beyond it the oldest unauthenticated one is closed. */
  readonly maxPendingConnections?: number;
}

/** A running gateway. */
export interface Gateway extends Closable {
  /** The TCP port, and the UDP one unless UDP is disabled. */
  readonly port: number;
  readonly host: string;
  /** Connects the network behind the gateway, which then receives the packets of clients. Call once, before the first client connects. */
  attach(packets: PacketPort): void;
  /**
   * Sends one IP packet to the session that owns its destination address. The 16 bytes before `offset` may be overwritten.
   * False: no session has that address, or its queue is full (the packet is dropped, as by a router).
   */
  deliver(buffer: Buffer, offset: number, length: number): boolean;
  /** The gateway's own addresses inside the tunnel: the first host address of each pool. */
  readonly ownAddresses: ReadonlySet<string>;
  /**
   * Changes the settings sent to new clients. Address pools, ports, MTU, UDP and cookie lifetime do not change.
   */
  configure(settings: TunnelSettings): void;
  sessions(): SessionInfo[];
  /** The user of a session. */
  personOf(id: string): Person | undefined;
  /** Access to the sessions for fault rules. @internal */
  readonly faultedSessions: FaultedSessions;
  /** The live session with this tunnel address. */
  sessionAt(address: string): SessionInfo | undefined;
  /** Data MTU of the session with this tunnel address. */
  mtuOf(address: string): number | undefined;
  /** Ends a session as an administrator would; its cookie is invalid at once. False: no such session. */
  disconnect(id: string, explanation?: string): boolean;
  /** Ends a session as its time limit would: the client gets a disconnect packet and its cookie is invalid. False: no such session. */
  expire(id: string): boolean;
  /**
   * Makes a client renew its tunnel and thereby all keys. The protocol has no rekey initiated by the server, so the connection is closed
   * without a disconnect packet and the client reconnects with its cookie, as in its own rekey. False: no such session, or no tunnel.
   */
  rekey(id: string): boolean;
  /** Whether the gateway is listening, draining, stopped or permanently closed. */
  readonly state: GatewayState;
  /** Why no client can connect now, as a sentence; undefined when clients can connect. */
  readonly unavailable: string | undefined;
  /**
   * Listens again after `stop`, on the same port; accepts new clients again after `drain`. Does nothing while listening.
   * @throws TunneliteError `ERR_GATEWAY_PORT_IN_USE`, `ERR_GATEWAY_LISTEN`, `ERR_CLOSED`
   */
  start(): Promise<void>;
  /**
   * Closes the ports and every connection, until `start`. Connected sessions become `disconnected` and can be resumed, unless
   * `cookies` is `lose`.
   * @throws TunneliteError `ERR_CLOSED`
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Stops and starts again on the same port, like the restart of a service.
   * @throws TunneliteError `ERR_GATEWAY_PORT_IN_USE`, `ERR_GATEWAY_LISTEN`, `ERR_CLOSED`; the gateway then stays stopped
   */
  restart(options?: StopOptions): Promise<void>;
  /**
   * Accepts no new clients and waits for connected ones to leave; at the timeout it ends them, as the real server does.
   * Afterwards it continues to reject clients until `start`, `stop` or `restart`.
   * @throws TunneliteError `ERR_GATEWAY_STATE` when it is stopped, `ERR_DURATION_INVALID`, `ERR_CLOSED`
   */
  drain(options?: DrainOptions): Promise<DrainResult>;
  /**
   * Ends every session (clients get a disconnect packet, and exit) and every login, clears bans and address assignments, and listens if it
   * does not. Resolves with the number of sessions that existed; connections that a client does not close are closed some seconds later.
   * @throws TunneliteError as `start`
   */
  reset(): Promise<number>;
  stats(): Readonly<Record<string, number>>;
  /**
   * Uses another certificate from now on; open connections keep theirs.
   * @throws TunneliteError `ERR_GATEWAY_CERTIFICATE`
   */
  useCertificate(tls: { readonly cert: string; readonly key: string }): void;
  /** Closes the UDP port for a fault, or opens it again; false: there is none. @internal */
  openUdp(open: boolean): Promise<boolean>;
  /** The open connections, for fault rules. @internal */
  tcpConnections(): Iterable<TcpConnection>;
  /** The open connections, for captures. @internal */
  tappedConnections(): Iterable<TappedConnection>;
  /** Participates when the clock is moved. @internal */
  readonly follower: ClockFollower;
}
