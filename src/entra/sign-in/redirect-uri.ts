import type { Application } from '../directory/schema.ts';
import { AadstsError } from '../errors/aadsts-error.ts';

/** Schemes that a browser executes instead of visiting: never a redirect target, registered or not. */
const DANGEROUS = new Set(['javascript:', 'data:', 'vbscript:', 'blob:', 'file:', 'about:']);
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const NATIVE_CLIENT = '/common/oauth2/nativeclient';

export interface RedirectTarget {
  readonly uri: string;
  /** Registered for a single-page app. */
  readonly spa: boolean;
}

/**
 * Validates the redirect URI of a request against the app registration. URIs must match exactly; the port is free only for
 * `http://localhost` (all apps) and for the loopback addresses of public clients (RFC 8252 §7.3), and
 * `nativeclient` is the provider's own page, whatever its registered host.
 *
 * @throws AadstsError 50011 not registered, 90014 missing although several are registered
 */
export function findRedirect(app: Application, uri: string | undefined, origin: string): RedirectTarget {
  const all = [...app.redirectUris, ...app.spaRedirectUris];
  if (uri === undefined) {
    if (all.length !== 1) throw new AadstsError(90014, { field: 'redirect_uri' });
    return { uri: all[0]!, spa: app.spaRedirectUris.length === 1 };
  }
  const differsInPort = (registered: string): boolean => sameLoopback(registered, uri, app.publicClient);
  if (isSafe(uri)) {
    if (app.spaRedirectUris.includes(uri)) return { uri, spa: true };
    const matches = (registered: string): boolean =>
      registered === uri || differsInPort(registered) || isNativeClient(registered, uri, origin);
    if (app.redirectUris.some(matches)) return { uri, spa: false };
    if (app.spaRedirectUris.some(differsInPort)) return { uri, spa: true };
  }
  throw new AadstsError(50011, { redirect: uri, client: app.appId });
}

function isSafe(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const url = new URL(uri);
  return !DANGEROUS.has(url.protocol) && url.hash === '' && !/[\s<>"'`\\]/.test(uri);
}

/** @param addresses whether loopback addresses count too */
function sameLoopback(registered: string, uri: string, addresses: boolean): boolean {
  if (!URL.canParse(registered) || !URL.canParse(uri)) return false;
  const [a, b] = [new URL(registered), new URL(uri)];
  if (a.protocol !== 'http:' || b.protocol !== 'http:') return false;
  if (b.username || b.password) return false;
  if (!addresses && a.hostname !== 'localhost') return false;
  return LOOPBACK.has(a.hostname) && a.hostname === b.hostname && a.pathname === b.pathname && a.search === b.search;
}

function isNativeClient(registered: string, uri: string, origin: string): boolean {
  return (
    uri === `${origin}${NATIVE_CLIENT}` && URL.canParse(registered) && new URL(registered).pathname === NATIVE_CLIENT
  );
}

/** Appends response parameters as query or fragment. */
export function withParameters(uri: string, parameters: URLSearchParams, mode: 'query' | 'fragment'): string {
  if (mode === 'fragment') return `${uri}#${parameters}`;
  return `${uri}${uri.includes('?') ? '&' : '?'}${parameters}`;
}

/** The `form-action` that a Content-Security-Policy needs so that browsers follow the redirect after a form. */
export function formActionSource(uri: string): string {
  const url = new URL(uri);
  return url.origin === 'null' ? url.protocol : url.origin;
}
