import type { Found } from '../../bearer/found.ts';
import type { StreamFault } from '../../faults/ports.ts';
import { parseAuthority } from '../../lib/authority.ts';
import type { Person } from '../../lib/person.ts';
import type { Emit } from '../../telemetry/events.ts';
import { type HttpRequest, headerValues } from '../../wire/http1/index.ts';
import type { GatewaySession } from '../session/session.ts';
import { decodeCookie, type Sessions } from '../session/sessions.ts';
import { readBearer } from './bearer.ts';
import { cookieFault } from './connection-faults.ts';
import type { ForwardRefusal } from './forward-port.ts';
import { type HttpResponse, response } from './http-response.ts';
import { checkLogin, type LoginHost } from './login.ts';

/*
 * HTTP CONNECT on the gateway's port (RFC 9110 §9.3.6): an extension of Tunnelite, which the real server does not have. CONNECT to
 * `/CSCOSSLC/tunnel` is unaffected.
 */

/** An immediate answer to a CONNECT, and its reason. */
export interface ForwardAnswer extends Found {
  readonly answer: HttpResponse;
  readonly reason: string;
  readonly explanation: string;
  /** The client presented invalid credentials. */
  readonly login: boolean;
}

/** The client and target of a CONNECT, or the answer that refuses it. */
export type ForwardAsked =
  | {
      readonly host: string;
      readonly port: number;
      readonly person: Person;
      readonly session: GatewaySession | undefined;
      readonly trace: string | undefined;
    }
  | ForwardAnswer;

/** Whether a CONNECT is a proxy request; a target with a path is a tunnel request. */
export function isForward(target: string): boolean {
  return !/^\/?CSCOSSLC\//i.test(target) && !target.startsWith('/');
}

/**
 * Reads a CONNECT of a proxy client and checks its credentials.
 *
 * @param session of the connection, if it is authenticated
 * @param suffer applies the fault plan to the connection; resolves with true when the connection has ended
 * @returns undefined when the connection has ended
 */
export async function readForward(
  host: LoginHost & { readonly sessionTable: Sessions },
  request: HttpRequest,
  session: GatewaySession | undefined,
  remote: { readonly address: string; readonly key: string },
  suffer: (fault: StreamFault) => Promise<boolean>,
): Promise<ForwardAsked | undefined> {
  const bad = badRequest(request);
  if (bad !== undefined) return refused(400, 'Bad Request', 'bad-connect', bad);
  const to = parseAuthority(request.target);
  if ('problem' in to) return refused(400, 'Bad Request', 'bad-authority', to.problem);
  const trace = traceOf(headerValues(request.headers, 'traceparent'));
  if (session?.valid) return { ...to, person: session, session, trace };
  const shown = credentials(request, host.bearerPrefix);
  if ('problem' in shown) return unauthorized(shown.reason, shown.problem);
  if ('cookie' in shown) {
    const cookie = decodeCookie(shown.cookie);
    const found = cookie && (await host.sessionTable.find(cookie));
    if (!found?.valid) {
      return unauthorized('unknown-cookie', 'The session cookie is unknown, has expired, or was invalidated.');
    }
    const fault = cookieFault(host.faults, found, remote);
    if (fault !== undefined) return unauthorized('fault', fault);
    return { ...to, person: found, session: found, trace };
  }
  const verdict = await checkLogin(host, shown.token, remote, suffer);
  if (verdict.kind === 'gone') return undefined;
  if (verdict.kind === 'refused') {
    const { kind: _, ...why } = verdict;
    return { ...unauthorized(why.reason, why.explanation), ...why };
  }
  return { ...to, person: verdict.principal, session: undefined, trace };
}

/** Why a CONNECT is ambiguous to intermediaries (request smuggling); undefined: it is not. */
function badRequest({ headers, version, target }: HttpRequest): string | undefined {
  const hosts = headerValues(headers, 'host');
  if (version === '1.1' && hosts.length !== 1) {
    return `The request has ${hosts.length} Host headers; HTTP/1.1 requires exactly one (RFC 9112 §3.2).`;
  }
  const [host] = hosts;
  if (host !== undefined && host !== '' && !sameHost(host, target)) {
    return `Host is ${host.slice(0, 100)}, but the CONNECT is for ${target} (RFC 9112 §3.2.3).`;
  }
  for (const name of ['transfer-encoding', 'content-length']) {
    const [value] = headerValues(headers, name);
    if (value === undefined || value === '0') continue;
    return `CONNECT must not have content, but this one has ${name} (RFC 9110 §9.3.6).`;
  }
  return undefined;
}

/** Compares Host with the target; some clients omit the port in Host. */
function sameHost(host: string, target: string): boolean {
  const [one, other] = [host.toLowerCase(), target.toLowerCase()];
  return one === other || one === other.replace(/:\d+$/, '');
}

type Credentials =
  | { readonly token: string }
  | { readonly cookie: string }
  | { readonly reason: string; readonly problem: string };

const HOW =
  'Send a token (Proxy-Authorization: Bearer …, or Basic with the user name bearer and the token as password) or the cookie of a session (Cookie: webvpn=…, or Basic with the user name cookie).';

function credentials({ headers }: HttpRequest, bearerPrefix: LoginHost['bearerPrefix']): Credentials {
  const values = headerValues(headers, 'proxy-authorization');
  const [value] = values;
  if (values.length > 1)
    return { reason: 'scheme', problem: `The request has ${values.length} Proxy-Authorization headers.` };
  if (value === undefined) {
    const cookie = cookieNamed(headerValues(headers, 'cookie'), 'webvpn');
    return cookie === undefined
      ? { reason: 'no-credentials', problem: `CONNECT had no credentials. ${HOW}` }
      : { cookie };
  }
  const basic = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(value);
  if (!basic) {
    const bearer = readBearer(values, bearerPrefix);
    if (bearer.kind === 'token') return { token: bearer.token };
    return { reason: 'scheme', problem: bearer.kind === 'refused' ? `${bearer.explanation} ${HOW}` : HOW };
  }
  const text = Buffer.from(basic[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [user, password] = [text.slice(0, Math.max(0, colon)).toLowerCase(), text.slice(colon + 1)];
  if (user === 'bearer' && password !== '') return { token: password };
  if (user === 'cookie' && password !== '') return { cookie: password };
  return { reason: 'scheme', problem: `With Basic, the user name must name the kind of password. ${HOW}` };
}

function cookieNamed(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    for (const part of line.split(';')) {
      const equals = part.indexOf('=');
      if (equals >= 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
    }
  }
  return undefined;
}

/** The trace id of a `traceparent` (W3C Trace Context §3.2); undefined when the header is missing or invalid. */
function traceOf(values: readonly string[]): string | undefined {
  const match = values.length === 1 ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(values[0]!) : null;
  return match === null || /^0+$/.test(match[1]!) ? undefined : match[1];
}

function unauthorized(reason: string, explanation: string): ForwardAsked {
  const challenge: [string, string][] = [
    ['Proxy-Authenticate', 'Bearer realm="tunnelite"'],
    ['Proxy-Authenticate', 'Basic realm="tunnelite"'],
  ];
  const answer = explained(407, 'Proxy Authentication Required', explanation, challenge);
  return { answer, reason, explanation, login: reason !== 'no-credentials' };
}

function refused(status: number, text: string, reason: string, explanation: string): ForwardAsked {
  return { answer: explained(status, text, explanation), reason, explanation, login: false };
}

/** Reports a CONNECT that was answered without forwarding. */
export function reportAnswer(
  host: { readonly emit: Emit; onFailedLogin(remoteAddress: string): void },
  { remote, remoteAddress }: { readonly remote: string; readonly remoteAddress: string },
  agent: string | undefined,
  { answer, reason, explanation, login, claim, found, wanted }: ForwardAnswer,
): void {
  if (login) {
    host.emit('auth.refused', { remote, reason, explanation, claim, found, wanted });
    host.onFailedLogin(remoteAddress);
  } else if (answer.status === 407) {
    host.emit('auth.challenge', { remote, agent });
  } else {
    host.emit('http.rejected', { remote, reason, explanation });
  }
}

/** Status returned to a proxy client whose request was refused. */
const STATUS: Readonly<Record<ForwardRefusal['kind'], readonly [status: number, text: string]>> = {
  denied: [403, 'Forbidden'],
  refused: [502, 'Bad Gateway'],
  unreachable: [502, 'Bad Gateway'],
  timeout: [504, 'Gateway Timeout'],
  busy: [503, 'Service Unavailable'],
};

export function forwardRefused({ kind, explanation, rule, request }: ForwardRefusal): HttpResponse {
  const [status, text] = STATUS[kind];
  // Header values are for programs; the explanation is in the body.
  return explained(status, text, explanation, [
    ['X-Tunnelite-Rule', rule.replace(/[^\x20-\x7e]/g, '?')],
    ['X-Tunnelite-Request', request],
  ]);
}

/** A readable answer, after which the connection closes: bytes after a refused CONNECT are not a request. */
export function explained(
  status: number,
  text: string,
  explanation: string,
  headers: readonly (readonly [string, string])[] = [],
): HttpResponse {
  const body = `${explanation}\n`;
  return response(
    status,
    text,
    [
      ...headers,
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Content-Length', String(Buffer.byteLength(body))],
      ['Connection', 'close'],
    ],
    body,
    true,
  );
}
