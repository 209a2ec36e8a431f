import { bareHost } from '../../lib/endpoint.ts';

/** A way that a web request may take. */
export type ProxyHop =
  | { readonly kind: 'direct' }
  | { readonly kind: 'http' | 'https'; readonly host: string; readonly port: number }
  /** One that is not spoken here. */
  | { readonly kind: 'other'; readonly text: string };

/** Ways that are read of one answer. */
const MAX_HOPS = 16;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/**
 * Reads what a proxy configuration file answers: `PROXY proxy.contoso.internal:3128; DIRECT`. Nothing means `DIRECT`, as in browsers.
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

/** `host:port`; undefined for what is none. */
export function parseProxy(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^\s:/@]+)(?::(\d{1,5}))?$/i.exec(text.trim()) ?? [];
  const number = Number(port ?? defaultPort);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: bareHost(host), port: number };
}
