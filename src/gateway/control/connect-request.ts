import type { ClientHeaders } from '../../wire/cstp-headers.ts';
import type { GatewaySession } from '../session/session.ts';
import { decodeCookie, type Sessions } from '../session/sessions.ts';
import { cookieRefused, type HttpResponse, notFound, serviceUnavailable } from './http-response.ts';

/** Why a CONNECT gets no tunnel, in the log and on the wire. */
export interface TunnelRefusal {
  readonly reason: string;
  readonly explanation: string;
  readonly answer: HttpResponse;
}

/** The session of the cookie that a CONNECT came with, whether it is still good or not. */
export async function sessionOfCookie(
  sessions: Sessions,
  webvpn: string | undefined,
): Promise<{ readonly session: GatewaySession | undefined } | TunnelRefusal> {
  const cookie = decodeCookie(webvpn);
  if (cookie) return { session: await sessions.find(cookie) };
  const had = webvpn === undefined ? 'no webvpn cookie' : 'a webvpn cookie that is no session cookie';
  return {
    reason: 'no-cookie',
    explanation: `CONNECT came with ${had}, on a connection that had not authenticated.`,
    answer: serviceUnavailable(),
  };
}

/**
 * The session that may have a tunnel for a CONNECT to `target`, or why none gets it; what it may have is decided after that.
 *
 * @param away why there is no tunnel for anybody now
 */
export function entitledSession(
  session: GatewaySession | undefined,
  target: string,
  away: { readonly reason: string; readonly explanation: string } | undefined,
): { readonly session: GatewaySession } | TunnelRefusal {
  if (away) return { ...away, answer: serviceUnavailable(away.explanation) };
  if (!session?.cookieGood) {
    const explanation = 'The session cookie is unknown, has expired, or was made invalid.';
    return { reason: 'unknown-cookie', explanation, answer: cookieRefused() };
  }
  if (/^\/?CSCOSSLC\/tunnel$/.test(target)) return { session };
  const explanation = `CONNECT asked for ${target} instead of /CSCOSSLC/tunnel.`;
  return { reason: 'path', explanation, answer: notFound() };
}

/** A page was asked for by somebody who has shown a good cookie. */
export function showsCookie(sessions: Sessions, headers: ClientHeaders): boolean {
  return sessions.knows(decodeCookie(headers.webvpn));
}
