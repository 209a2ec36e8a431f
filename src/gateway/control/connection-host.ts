import type { TLSSocket } from 'node:tls';
import type { StreamFault } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ReportLimit } from '../../lib/report-limit.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { Transport } from '../../tls/transport.ts';
import type { GatewaySession } from '../session/session.ts';
import type { AdmissionHost } from './admission.ts';
import type { ForwardPort } from './forward-port.ts';
import type { LoginHost } from './login.ts';
import type { Pages } from './pages.ts';
import type { Stage } from './waiting-room.ts';

/** What connections need from the gateway. */
export interface ConnectionHost<Connection> extends AdmissionHost, LoginHost {
  readonly emit: Emit;
  /** Handles HTTP CONNECT requests for resources. */
  readonly forward: ForwardPort | undefined;
  /** The clock for handshakes and closing. */
  readonly machine: Clock;
  readonly pages: Pages;
  /** Limits events that anyone who reaches the port can cause, so that they do not displace all others in the journal. */
  readonly strangers: ReportLimit;
  /** Why there are no tunnels now, on connections that were accepted before; undefined if there are. */
  readonly turnsAway: { readonly reason: string; readonly explanation: string } | undefined;
  /** Whether the gateway's certificate is valid for this name. */
  covers(name: string): boolean;
  /** Wraps a transport in TLS, as the server. */
  secure(transport: Transport, remote: { readonly address: string; readonly key: string }): TLSSocket;
  /** The connection was accepted; its handshake is pending. */
  onAccepted(connection: Connection): void;
  onTunnel(connection: Connection): void;
  /** Our side of the connection is closing. */
  onClosing(connection: Connection): void;
  /** The connection has reached a later stage. */
  onProgress(connection: Connection, stage: Stage): void;
  onFailedLogin(remoteAddress: string): void;
  /** Applies an injected fault to the session or the client of a connection. */
  onFault(fault: StreamFault, session: GatewaySession | undefined, remoteAddress: string): void;
  /** One socket read is over. */
  onBatchEnd(): void;
  onGone(connection: Connection): void;
}
