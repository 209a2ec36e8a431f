import type { TcpConnection } from '../../faults/ports.ts';
import { resetStream } from '../../lib/reset-stream.ts';
import type { Transport } from '../../tls/transport.ts';
import type { GatewaySession } from '../session/session.ts';
import { ConnectionState } from './connection-state.ts';

/** What fault rules need from a connection. */
export interface FaultSubject {
  readonly remote: string;
  readonly remoteAddress: string;
  readonly transport: Transport;
  readonly session: GatewaySession | undefined;
  readonly state: ConnectionState;
  /** Ends the connection for a fault. */
  broken(why?: string): void;
  closeConnection(): void;
}

/** A connection as seen by rules about its bytes. */
export function tcpConnectionOf(subject: FaultSubject): TcpConnection {
  const { transport } = subject;
  return {
    get kind() {
      return kindOf(subject.state, subject.session);
    },
    get session() {
      return subject.session?.id;
    },
    get person() {
      return subject.session;
    },
    remote: { address: subject.remoteAddress, key: subject.remote },
    place: transport,
    end(how, why) {
      subject.broken(why);
      if (how === 'reset') {
        resetStream(transport.raw);
        return;
      }
      transport.closeSocket();
      subject.closeConnection();
    },
  };
}

function kindOf(state: ConnectionState, session: GatewaySession | undefined): string {
  switch (state) {
    case ConnectionState.Handshake:
      return 'handshake';
    case ConnectionState.Tunnel:
      return 'tunnel';
    case ConnectionState.Closing:
    case ConnectionState.Closed:
      return session?.connected ? 'tunnel' : 'request';
    default:
      return 'request';
  }
}
