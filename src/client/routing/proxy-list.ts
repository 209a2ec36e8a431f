import { bareHost } from '../../lib/endpoint.ts';

/** A possible route of a web request. */
export type ProxyHop =
  | { readonly kind: 'direct' }
  | { readonly kind: 'http' | 'https'; readonly host: string; readonly port: number }
  /** A proxy type that is not supported. */
  | { readonly kind: 'other'; readonly text: string };

/** Maximum number of routes read from one answer. */
const MAX_HOPS = 16;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/**
 * Parses the answer of a proxy configuration file: `PROXY proxy.contoso.internal:3128; DIRECT`. An empty answer means `DIRECT`, as in browsers.
 */
export function parseProxyList(text: string): ProxyHop[] {
  const hops = text
    .slice(0, 8192)
    .split(';', MAX_HOPS)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseHop);
  return hops.length === 0 ? [{ kind: 'direct' }] : hops;
}

function parseHop(text: string): ProxyHop {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  const kind = { DIRECT: 'direct', PROXY: 'http', HTTP: 'http', HTTPS: 'https' }[word.toUpperCase()];
  if (kind === 'direct') return { kind };
  if (kind === 'http' || kind === 'https') {
    const end = parseProxy(rest, DEFAULT_PORTS[kind]);
    if (end) return { kind, ...end };
  }
  return { kind: 'other', text: text.slice(0, 80) };
}

/** `host:port`; undefined if it is not that. */
export function parseProxy(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^\s:/@]+)(?::(\d{1,5}))?$/i.exec(text.trim()) ?? [];
  const number = Number(port ?? defaultPort);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: bareHost(host), port: number };
}
