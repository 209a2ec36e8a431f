import type { FaultedSessions, FaultPorts, StreamFault } from '../faults/ports.ts';
import type { Person } from '../lib/person.ts';
import type { ControlConnection } from './control/connection.ts';
import type { GatewaySession } from './session/session.ts';
import type { Sessions } from './session/sessions.ts';

interface SessionFaultsOptions {
  readonly faults: FaultPorts;
  readonly sessions: Sessions;
  /** The connections with a tunnel. */
  readonly tunnels: Iterable<ControlConnection>;
  /** Adds points to an address; with undefined, enough for a ban. */
  readonly ban: (address: string, points: number | undefined) => void;
}

/** Gives fault rules access to the gateway's sessions. */
export class SessionFaults implements FaultedSessions {
  readonly #options: SessionFaultsOptions;

  constructor(options: SessionFaultsOptions) {
    this.#options = options;
  }

  personOf(id: string): Person | undefined {
    return this.#options.sessions.byId(id);
  }

  *list() {
    for (const session of this.#options.sessions.values()) {
      yield { session: session.id, person: session, remote: remoteOf(session), connected: session.connected };
    }
  }

  inject(id: string, fault: StreamFault): void {
    const session = this.#options.sessions.byId(id);
    if (session !== undefined) this.#suffer(session, fault);
  }

  /** The client sent a DPD request. False: do not answer. */
  answersDpd(session: GatewaySession): boolean {
    const { stream } = this.#options.faults;
    const fault = stream?.('dpd', { session: session.id, person: session, remote: remoteOf(session) });
    return fault === undefined || this.#suffer(session, fault);
  }

  /** Applies a fault that concerns a session, or a client's address, rather than a connection. */
  act(fault: StreamFault, session: GatewaySession | undefined, address: string): void {
    switch (fault.kind) {
      case 'terminate':
        session?.end('admin', fault.explanation);
        break;
      case 'rekey_now':
        session?.rekey(fault.explanation);
        break;
      case 'cookie_expire':
        session?.expireCookie(fault.explanation);
        break;
      case 'ban':
        this.#options.ban(address, fault.points);
        break;
      default:
    }
  }

  /** True: the session continues as before. */
  #suffer(session: GatewaySession, fault: StreamFault): boolean {
    if (fault.kind === 'dpd_mute') return false;
    if (fault.kind !== 'stall' && fault.kind !== 'close' && fault.kind !== 'reset') {
      this.act(fault, session, session.remoteAddress);
      return session.connected;
    }
    for (const connection of this.#options.tunnels) {
      if (connection.carries(session)) return !connection.suffer(fault);
    }
    return true;
  }
}

function remoteOf(session: GatewaySession) {
  return { address: session.remoteAddress, key: session.remote };
}
