import { X509Certificate } from 'node:crypto';
import { type AuthDialect, PROBE_DOCUMENT, serializeServerDocument } from '../../wire/config-auth.ts';
import { agentKind } from '../session/agent.ts';
import {
  authComplete,
  authForm,
  type HttpResponse,
  notFound,
  page,
  response,
  serviceUnavailable,
} from './http-response.ts';

const EMPTY_HTML = '<html></html>\n';
const MANIFEST = '<?xml version="1.0" encoding="UTF-8"?>\n<vpn rev="1.0">\n</vpn>\n';

/** Files that AnyConnect requests before it continues; their content does not matter (observed: ocserv 1.3.0). */
const STUBS: Readonly<Record<string, readonly [type: string, body: string]>> = {
  '/1/index.html': ['text/html', EMPTY_HTML],
  '/1/Linux': ['text/html', EMPTY_HTML],
  '/1/Linux_64': ['text/html', EMPTY_HTML],
  '/1/Windows': ['text/html', EMPTY_HTML],
  '/1/Windows_ARM64': ['text/html', EMPTY_HTML],
  '/1/Darwin_i386': ['text/html', EMPTY_HTML],
  '/1/binaries/vpndownloader.sh': ['application/x-shellscript', '#!/bin/sh\n\nexit 0'],
  '/1/binaries/update.txt': ['text/xml', '0,0,0000\n'],
  '/1/VPNManifest.xml': ['text/xml', MANIFEST],
  '/VPNManifest.xml': ['text/xml', MANIFEST],
  '/logout': ['text/html', EMPTY_HTML],
};

const LOGIN_FORM = { type: 'auth-request', message: 'Please enter your username.', action: '/auth' } as const;
const LOGIN_PATHS: ReadonlySet<string> = new Set(['/', '/auth', '/VPN']);

export interface PageRequest {
  readonly target: string;
  readonly userAgent: string | undefined;
  /** The client presented a valid session cookie, or authenticated on this connection. */
  readonly authenticated: boolean;
}

/** The form of documents that a client accepts. */
function dialectOf(userAgent: string | undefined): AuthDialect {
  return agentKind(userAgent) === 'openconnect-old' ? 'bare' : 'wrapped';
}

/** Answers to GET: the login form, the probe page, certificates and stub files. */
export class Pages {
  readonly #certPem: string;
  readonly #certDer: Buffer;
  readonly #caPem: string | undefined;
  readonly #caDer: Buffer | undefined;
  /** SHA-1 of the certificate in DER, upper-case hex. */
  readonly #certificateHash: string;

  /** @param cert PEM, leaf first  @param ca PEM of the issuing CA */
  constructor(cert: string, ca: string | undefined) {
    const leaf = new X509Certificate(cert);
    this.#certPem = leaf.toString();
    this.#certDer = leaf.raw;
    this.#certificateHash = leaf.fingerprint.replaceAll(':', '');
    this.#caPem = ca;
    this.#caDer = ca ? new X509Certificate(ca).raw : undefined;
  }

  /** The answer to a login whose token was accepted. */
  loggedIn(userAgent: string | undefined, banner: string | undefined, cookie: string): HttpResponse {
    const success = { type: 'complete', title: 'SSL VPN Service', banner } as const;
    const document = serializeServerDocument(success, dialectOf(userAgent));
    return authComplete(document, cookie, this.#certificateHash);
  }

  /** Undefined: close the connection without an answer, as ocserv does without a CA file. */
  answer(request: PageRequest): HttpResponse | undefined {
    const [path = ''] = request.target.split('?', 1);
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    if (LOGIN_PATHS.has(plain)) {
      if (plain === '/' && agentKind(request.userAgent) === 'unknown') return page('text/xml', PROBE_DOCUMENT);
      return authForm(serializeServerDocument(LOGIN_FORM, dialectOf(request.userAgent)));
    }
    if (Object.hasOwn(STUBS, plain)) return page(...STUBS[plain]!);
    // The manifest is served only for the bare path; with a query the answer is 404.
    if (/^\/\+CSCOT\+\/{1,2}$/.test(request.target)) return page('text/xml', MANIFEST);
    if (plain === '/cert.pem') return page('application/x-pem-file', this.#certPem);
    if (plain === '/cert.cer') return page('application/pkix-cert', this.#certDer);
    if (plain === '/ca.pem') return this.#caPem ? page('application/pkix-cert', this.#caPem) : undefined;
    if (plain === '/ca.cer') return this.#caDer ? page('application/pkix-cert', this.#caDer) : undefined;
    if (plain === '/svc') return phoneLogin();
    if (path.startsWith('/profiles')) return request.authenticated ? notFound() : serviceUnavailable();
    return notFound();
  }
}

/** Start page of Cisco IP phones. */
function phoneLogin(): HttpResponse {
  return response(200, 'OK', [
    ['Content-Length', '0'],
    ['Set-Cookie', 'webvpn=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; secure'],
    ['Set-Cookie', 'webvpnlogin=1; secure'],
    ['X-Transcend-Version', '1'],
  ]);
}
