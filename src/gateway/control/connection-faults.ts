import type { FaultPorts, ReturnPoint, StreamFault, StreamPoint } from '../../faults/ports.ts';
import { resetStream } from '../../lib/reset-stream.ts';
import { renewsKeys } from '../session/renewal.ts';
import type { GatewaySession } from '../session/session.ts';
import type { AdmissionHost } from './admission.ts';
import type { TunnelRefusal } from './connect-request.ts';
import { ConnectionState } from './connection-state.ts';
import { cookieRefused } from './http-response.ts';
import type { FaultSubject } from './tcp-connection.ts';

/** The parts of the gateway that faults of a connection can affect. */
export interface FaultHost {
  readonly faults: FaultPorts;
  /** Applies an injected fault to the session or the client of a connection. */
  onFault(fault: StreamFault, session: GatewaySession | undefined, remoteAddress: string): void;
}

function faultAt(
  { faults }: FaultHost,
  { remote, remoteAddress }: FaultSubject,
  point: StreamPoint,
  session: GatewaySession | undefined,
): StreamFault | undefined {
  return faults.stream?.(point, {
    session: session?.id,
    person: session,
    remote: { address: remoteAddress, key: remote },
  });
}

/** Applies the fault plan to a connection at this point. True: the connection has ended. */
export function inject(host: FaultHost, subject: FaultSubject, point: StreamPoint): boolean {
  const fault = host.faults.stream && faultAt(host, subject, point, subject.session);
  return fault !== undefined && suffer(host, subject, fault);
}

/** A client that reconnects with the cookie of a session, and the points at which rules can affect it. */
interface Return {
  readonly session: GatewaySession;
  readonly points: readonly ReturnPoint[];
}

/** Undefined: the session is unknown, or it logged in on this connection. */
export function pointsOfReturn(
  { settings }: Pick<AdmissionHost, 'settings'>,
  { remoteAddress, session: own }: FaultSubject,
  session: GatewaySession | undefined,
): Return | undefined {
  if (session === undefined || session === own) return undefined;
  const renews = renewsKeys(session, { remoteAddress, rekeyTime: settings.rekeyTime });
  return { session, points: renews ? ['cookie', 'rekey'] : ['cookie'] };
}

/** Same as `inject` at each of these points; a stall delays the answer. */
export async function injectReturn(host: FaultHost, subject: FaultSubject, returning: Return): Promise<boolean> {
  const { session, points } = returning;
  for (const point of points) {
    const fault = faultAt(host, subject, point, session);
    if (fault !== undefined && (await sufferAwaited(host, subject, fault, session))) return true;
  }
  return false;
}

/** Same as `suffer` while an answer is pending: a stall delays that answer. */
export async function sufferAwaited(
  host: FaultHost,
  subject: FaultSubject,
  fault: StreamFault,
  session = subject.session,
): Promise<boolean> {
  if (fault.kind !== 'stall') return suffer(host, subject, fault, session);
  await new Promise<void>((resolve) => fault.until(resolve));
  return false;
}

/** Applies an injected fault to a connection or its session. True: the connection has ended. */
export function suffer(host: FaultHost, subject: FaultSubject, fault: StreamFault, session = subject.session): boolean {
  const { transport } = subject;
  if (fault.kind === 'stall') {
    transport.hold();
    fault.until(() => transport.release());
    return false;
  }
  if (fault.kind !== 'reset' && fault.kind !== 'close') {
    host.onFault(fault, session, subject.remoteAddress);
    if (fault.kind !== 'ban' || subject.state !== ConnectionState.Handshake) return false;
  }
  subject.broken();
  if (fault.kind === 'reset') resetStream(transport.raw);
  else subject.closeConnection();
  return true;
}

/** Why the fault plan refuses a client that presents the cookie of a session; undefined: it does not. */
export function cookieFault(
  faults: FaultPorts,
  session: GatewaySession,
  remote: { readonly address: string; readonly key: string },
  point: ReturnPoint = 'cookie',
): string | undefined {
  return faults.decision?.(point, { session: session.id, person: session, remote })?.explanation;
}

/** The answer to a client that reconnects with its cookie and is refused by the fault plan. */
export function returnRefusal(
  { faults }: FaultHost,
  { remote, remoteAddress }: FaultSubject,
  returning: Return | undefined,
): TunnelRefusal | undefined {
  if (returning === undefined) return undefined;
  const { session, points } = returning;
  for (const point of points) {
    const explanation = cookieFault(faults, session, { address: remoteAddress, key: remote }, point);
    if (explanation !== undefined) {
      return { reason: 'fault', explanation, answer: cookieRefused(), session: session.id };
    }
  }
  return undefined;
}
