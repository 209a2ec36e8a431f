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

/** What connections need of the gateway around them. */
export interface ConnectionHost<Connection> extends AdmissionHost, LoginHost {
  readonly emit: Emit;
  /** Where an HTTP CONNECT for a resource goes. */
  readonly forward: ForwardPort | undefined;
  /** The time that handshakes and closing go by. */
  readonly machine: Clock;
  readonly pages: Pages;
  /** Holds back what anybody who reaches the port can cause at will, so that it does not push all else out of the journal. */
  readonly strangers: ReportLimit;
  /** Why there is no tunnel for anybody now, on connections that were let in before; undefined while there is. */
  readonly turnsAway: { readonly reason: string; readonly explanation: string } | undefined;
  /** The gateway's certificate is for this name. */
  covers(name: string): boolean;
  /** Puts TLS, as the server, around a transport. */
  secure(transport: Transport, remote: { readonly address: string; readonly key: string }): TLSSocket;
  /** It has come, and shakes hands. */
  onAccepted(connection: Connection): void;
  onTunnel(connection: Connection): void;
  /** Our side of the connection is closing. */
  onClosing(connection: Connection): void;
  /** The connection has come further on its way to a tunnel. */
  onProgress(connection: Connection, stage: Stage): void;
  onFailedLogin(remoteAddress: string): void;
  /** A fault on purpose is about the session or the client of a connection. */
  onFault(fault: StreamFault, session: GatewaySession | undefined, remoteAddress: string): void;
  /** One socket read is over. */
  onBatchEnd(): void;
  onGone(connection: Connection): void;
}
