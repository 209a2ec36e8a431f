import { unlessAborted } from '../../lib/abort.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { parseServerDocument, serializeClientDocument } from '../../wire/config-auth.ts';
import { type HeaderLine, type HttpResponse, headerValues } from '../../wire/http1/index.ts';
import type { ControlConnection } from './control-connection.ts';
import { answerWords, cut, notAGateway } from './not-a-gateway.ts';
import { parseTunnelConfiguration, type TunnelConfiguration } from './tunnel-configuration.ts';
import type { SignIn } from './types.ts';

/** Among the authentication schemes that a server offers (RFC 9110 §11.6.1). No other scheme gets the token. */
const BEARER = /(?:^|,)\s*bearer\s*(?:[,\s]|$)/i;

const INIT = serializeClientDocument({ type: 'init', version: '1.0' });

function commonHeaders(url: URL, userAgent: string): HeaderLine[] {
  return [
    ['Host', url.host],
    ['User-Agent', userAgent],
  ];
}

/**
 * The login with a bearer token. The first request has none, as with the real clients, so that a token is fetched only when the gateway
 * asks for one.
 */
export function tokenSignIn(token: string | (() => string | Promise<string>)): SignIn {
  return async (connection, { url, userAgent, signal, onStep }) => {
    const common = commonHeaders(url, userAgent);
    const post = (extra: HeaderLine[]): Promise<HttpResponse> =>
      connection.exchange(
        {
          method: 'POST',
          path: url.pathname,
          headers: [...extra, ...common, ['Content-Type', 'application/xml; charset=utf-8']],
          body: INIT,
        },
        signal,
      );
    let response = await post([]);
    if (response.status === 401) {
      const schemes = headerValues(response.headers, 'www-authenticate').join(', ');
      if (!BEARER.test(schemes)) {
        const asked =
          schemes === '' ? 'asks for no sign-in that the client supports' : `asks for “${cut(schemes, 80)}”`;
        throw notAGateway('other-login', `it answered the login with ${answerWords(response)} and ${asked}.`);
      }
      onStep({ step: 'challenge' });
      const text: unknown = typeof token === 'function' ? await unlessAborted(token(), signal) : token;
      if (typeof text !== 'string') {
        const message = `The token is not a string: the caller provided ${text === null ? 'null' : typeof text}.`;
        const hint = 'Set “token” to a string, or to a function that returns a string or a promise of one.';
        throw new TunneliteError('ERR_CLIENT_SIGN_IN', message, { hint });
      }
      onStep({ step: 'token' });
      response = await post([['Authorization', `Bearer ${text.trim()}`]]);
      if (response.status === 401 || response.status === 403) {
        const message = `The gateway answered ${answerWords(response)} to the token.`;
        throw new TunneliteError('ERR_CLIENT_TOKEN_REFUSED', message);
      }
    }
    checkComplete(response);
  };
}

/** The answer to a login is the document that completes it. @throws TunneliteError `ERR_CLIENT_PROTOCOL` */
function checkComplete(response: HttpResponse): void {
  const words = `it answered the login with ${answerWords(response)}`;
  const [location] = headerValues(response.headers, 'location');
  if (response.status >= 300 && response.status < 400 && location !== undefined) {
    throw notAGateway('redirect', `${words}, a redirect to “${cut(location, 120)}”.`);
  }
  if (response.status !== 200) throw notAGateway('status', `${words}.`);
  const document = parseServerDocument(response.body);
  if (document?.type === 'auth-request') throw notAGateway('other-login', `${words} and a form to fill in.`);
  if (!document) throw notAGateway('page', `${words}, which is not the final document of a login.`);
}

/** The parameters of CONNECT. */
export interface TunnelRequest {
  readonly url: URL;
  readonly userAgent: string;
  readonly hostname: string | undefined;
  readonly baseMtu: number;
  /** Of the session to resume; not needed on a connection that has logged in (observed: ocserv 1.3.0). */
  readonly cookie: string | undefined;
  /** Addresses of that session. */
  readonly addresses: readonly string[];
  readonly dtls: readonly HeaderLine[];
}

/**
 * Sends CONNECT. `details.final` of the error is true if the gateway refuses for good.
 * @throws TunneliteError `ERR_CLIENT_SESSION_REFUSED`, `ERR_CLIENT_PROTOCOL`
 */
export async function requestTunnel(
  connection: ControlConnection,
  request: TunnelRequest,
  signal: AbortSignal,
): Promise<TunnelConfiguration> {
  const { cookie, hostname } = request;
  const response = await connection.exchange(
    {
      method: 'CONNECT',
      path: '/CSCOSSLC/tunnel',
      headers: [
        ...commonHeaders(request.url, request.userAgent),
        ...(cookie === undefined ? [] : ([['Cookie', `webvpn=${cookie}`]] as const)),
        ['X-CSTP-Version', '1'],
        ...(hostname === undefined ? [] : ([['X-CSTP-Hostname', hostname]] as const)),
        ['X-CSTP-Base-MTU', String(request.baseMtu)],
        ...request.addresses.map((address): HeaderLine => ['X-CSTP-Address', address]),
        ['X-CSTP-Address-Type', 'IPv6,IPv4'],
        ['X-CSTP-Full-IPv6-Capability', 'true'],
        ...request.dtls,
      ],
    },
    signal,
  );
  if (response.status !== 200) {
    const [reason] = headerValues(response.headers, 'x-reason');
    throw new TunneliteError(
      'ERR_CLIENT_SESSION_REFUSED',
      `The gateway answered ${answerWords(response)} to CONNECT${reason ? `: ${cut(reason, 120)}` : ''}.`,
      // A busy or restarting server answers 5xx (observed: ocserv 1.3.0): worth another attempt.
      { details: { final: response.status < 500 } },
    );
  }
  return parseTunnelConfiguration(response.headers);
}
