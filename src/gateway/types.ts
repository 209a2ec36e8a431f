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
    /** Certificates that are wrong on purpose, for fault rules; without it there are none. */
    readonly flawed?: (flaw: CertificateFlaw) => Promise<{ readonly cert: string; readonly key: string }>;
    /** NSS key-log lines, for Wireshark. */
    readonly keylog?: (line: string) => void;
  };
  readonly settings: TunnelSettings;
  readonly verifier: TokenVerifier;
  readonly emit: Emit;
  /** The time that everything configured in seconds goes by. */
  readonly clock: Clock;
  /** The time that handshakes, datagrams and closing go by, also while the other one stands still or leaps. Default: `clock`. */
  readonly machine?: Clock;
  readonly random: RandomSource;
  /** Optional: sessions elsewhere than in memory. */
  readonly store?: SessionStore;
  readonly acceleration?: boolean;
  /** Where connections and datagrams come from; the machine's sockets when left out. */
  readonly network?: Network;
  /** Faults injected on purpose, at the datagram, stream and decision seams. */
  readonly faults?: FaultPorts;
  /** Who captures packets. */
  readonly taps?: CaptureTaps;
  /** How the Authorization header is read; default `lenient`, as the real server. */
  readonly bearerPrefix?: BearerPrefix;
  /** Where HTTP CONNECT goes, when `settings.httpConnect` is on. */
  readonly forward?: ForwardPort;
  /** Shuts out addresses that fail to log in too often; left out = never, unlike the real server, since tests fail on purpose. */
  readonly bans?: BanRules;
  /** Connections without a tunnel at once; default 4096. Beyond it the oldest that has not authenticated is closed. */
  readonly maxPendingConnections?: number;
}

/** A running gateway. */
export interface Gateway extends Closable {
  /** The TCP port, and the UDP one unless UDP is disabled. */
  readonly port: number;
  readonly host: string;
  /** Joins the network behind the gateway: packets of clients go there from now on. Once, before the first client connects. */
  attach(packets: PacketPort): void;
  /**
   * Sends one IP packet to the session that owns its destination address. The 16 bytes before `offset` may be overwritten.
   * False: nobody has that address, or its queue is full (the packet is dropped, as by a router).
   */
  deliver(buffer: Buffer, offset: number, length: number): boolean;
  /** The gateway's own addresses inside the tunnel: the first host address of each pool. */
  readonly ownAddresses: ReadonlySet<string>;
  /**
   * Tells clients that connect from now on something else. Address pools, ports, MTU, UDP and how long cookies last stay as they are.
   */
  configure(settings: TunnelSettings): void;
  sessions(): SessionInfo[];
  /** Whose a session is. */
  personOf(id: string): Person | undefined;
  /** What fault rules find of the sessions, and do to them. @internal */
  readonly faultedSessions: FaultedSessions;
  /** The live session that has this tunnel address. */
  sessionAt(address: string): SessionInfo | undefined;
  /** Data MTU of the session with this tunnel address. */
  mtuOf(address: string): number | undefined;
  /** Ends a session as an administrator would; its cookie is invalid at once. False: no such session. */
  disconnect(id: string, explanation?: string): boolean;
  /** Ends a session as its time limit would: the client is told, and its cookie is invalid. False: no such session. */
  expire(id: string): boolean;
  /**
   * Has a client renew its tunnel, and with it all keys. The protocol knows no rekey that a server begins, so its connection ends without
   * a disconnect packet, and it comes back with its cookie, as for a rekey of its own. False: no such session, or it has no tunnel.
   */
  rekey(id: string): boolean;
  /** Whether it listens, drains, was stopped or is closed for good. */
  readonly state: GatewayState;
  /** Why no client can connect now, in words; undefined when one can. */
  readonly unavailable: string | undefined;
  /**
   * Listens again after `stop`, at the same port; takes new clients again after `drain`. Harmless while it listens.
   * @throws TunneliteError `ERR_GATEWAY_PORT_IN_USE`, `ERR_GATEWAY_LISTEN`, `ERR_CLOSED`
   */
  start(): Promise<void>;
  /**
   * Closes the ports and every connection, until `start`. Sessions that were connected are `disconnected`, and can be resumed, unless
   * `cookies` is `lose`.
   * @throws TunneliteError `ERR_CLOSED`
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Goes down and comes up again at the same port, as a service that is restarted.
   * @throws TunneliteError `ERR_GATEWAY_PORT_IN_USE`, `ERR_GATEWAY_LISTEN`, `ERR_CLOSED`; the gateway is stopped then
   */
  restart(options?: StopOptions): Promise<void>;
  /**
   * Takes no new clients, and waits for those that are connected to leave; when the time is up they are ended, as the real server does.
   * After that it goes on turning clients away, until `start`, `stop` or `restart`.
   * @throws TunneliteError `ERR_GATEWAY_STATE` when it is stopped, `ERR_DURATION_INVALID`, `ERR_CLOSED`
   */
  drain(options?: DrainOptions): Promise<DrainResult>;
  /**
   * Ends every session (clients get a disconnect packet, and end) and every login, forgets bans and who had which address, and listens if
   * it does not. Resolves with the number of sessions there were; connections that a client does not close are closed some seconds later.
   * @throws TunneliteError as `start`
   */
  reset(): Promise<number>;
  stats(): Readonly<Record<string, number>>;
  /**
   * Serves another certificate from now on; connections that are open keep theirs.
   * @throws TunneliteError `ERR_GATEWAY_CERTIFICATE`
   */
  useCertificate(tls: { readonly cert: string; readonly key: string }): void;
  /** Closes the UDP port, as a fault, or opens it again; false: there is none. @internal */
  openUdp(open: boolean): Promise<boolean>;
  /** The connections that are open, as fault rules see them. @internal */
  tcpConnections(): Iterable<TcpConnection>;
  /** The connections that are open, as captures see them. @internal */
  tappedConnections(): Iterable<TappedConnection>;
  /** What takes part when the clock is moved. @internal */
  readonly follower: ClockFollower;
}
