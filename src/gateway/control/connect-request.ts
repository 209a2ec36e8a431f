import type { ClientHeaders } from '../../wire/cstp-headers.ts';
import type { GatewaySession } from '../session/session.ts';
import { decodeCookie, type EndedSession, type Sessions } from '../session/sessions.ts';
import { cookieRefused, type HttpResponse, notFound, serviceUnavailable } from './http-response.ts';

/** Why a CONNECT gets no tunnel, in the log and on the wire. */
export interface TunnelRefusal {
  readonly reason: string;
  readonly explanation: string;
  readonly answer: HttpResponse;
  /** Short id of the session that the client requested, if known. */
  readonly session?: string | undefined;
}

/** The session for the cookie of a CONNECT; for an invalid cookie, its former session and how that ended. */
export async function sessionOfCookie(
  sessions: Sessions,
  webvpn: string | undefined,
): Promise<
  { readonly session: GatewaySession | undefined; readonly ended?: EndedSession | undefined } | TunnelRefusal
> {
  const cookie = decodeCookie(webvpn);
  if (cookie) {
    const session = await sessions.find(cookie);
    return session ? { session } : { session, ended: sessions.endedOf(cookie) };
  }
  const had = webvpn === undefined ? 'no webvpn cookie' : 'a webvpn cookie that is not a session cookie';
  return {
    reason: 'no-cookie',
    explanation: `CONNECT had ${had}, and the connection was not authenticated.`,
    answer: serviceUnavailable(),
  };
}

/**
 * The session entitled to a tunnel for a CONNECT to `target`, or the reason for refusing it. The terms are decided afterwards.
 *
 * @param away why the gateway currently offers no tunnels
 * @param ended the former session of the cookie
 */
export function entitledSession(
  session: GatewaySession | undefined,
  target: string,
  away: { readonly reason: string; readonly explanation: string } | undefined,
  ended?: EndedSession,
): { readonly session: GatewaySession } | TunnelRefusal {
  const of = session?.id ?? ended?.id;
  if (away) return { ...away, answer: serviceUnavailable(away.explanation), session: of };
  if (!session?.cookieGood) {
    const explanation = ended
      ? `The cookie belongs to the session ${ended.id} and is no longer valid (${ended.reason}).`
      : 'No session has this cookie: it expired long ago, was invalidated, or belongs to another gateway.';
    return { reason: 'unknown-cookie', explanation, answer: cookieRefused(), session: of };
  }
  if (/^\/?CSCOSSLC\/tunnel$/.test(target)) return { session };
  const explanation = `CONNECT requested ${target} instead of /CSCOSSLC/tunnel.`;
  return { reason: 'path', explanation, answer: notFound(), session: session.id };
}

/** Whether a request for a page carries a valid cookie. */
export function showsCookie(sessions: Sessions, headers: ClientHeaders): boolean {
  return sessions.knows(decodeCookie(headers.webvpn));
}
