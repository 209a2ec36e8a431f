/**
 * Kinds of client, recognized by the start of the User-Agent, ignoring case, as in ocserv 1.3.0. Unknown clients are served like openconnect.
 */
export type AgentKind =
  | 'openconnect'
  | 'openconnect-old'
  | 'anyconnect'
  | 'clavister'
  | 'anylink'
  | 'svc-phone'
  | 'unknown';

const PREFIXES: readonly (readonly [prefix: string, kind: AgentKind])[] = [
  ['openconnect vpn agent', 'openconnect'],
  ['anyconnect-compatible openconnect', 'openconnect'],
  ['cisco anyconnect', 'anyconnect'],
  ['anyconnect', 'anyconnect'],
  ['clavister oneconnect vpn', 'clavister'],
  ['anylink secure client', 'anylink'],
  ['cisco svc ipphone client', 'svc-phone'],
];

const OPEN_ANYCONNECT = 'open anyconnect vpn agent v';

/** Clients up to this major version need documents without the `config-auth` element (observed: ocserv 1.3.0). */
const LAST_OLD_VERSION = 3;

export function agentKind(userAgent: string | undefined): AgentKind {
  if (!userAgent) return 'unknown';
  const agent = userAgent.toLowerCase();
  if (agent.startsWith(OPEN_ANYCONNECT)) {
    const major = /^\d+/.exec(agent.slice(OPEN_ANYCONNECT.length));
    return major && Number(major[0]) <= LAST_OLD_VERSION ? 'openconnect-old' : 'openconnect';
  }
  return PREFIXES.find(([prefix]) => agent.startsWith(prefix))?.[1] ?? 'unknown';
}

/** Apple and Android clients get the mobile timers, as in ocserv 1.3.0. */
export function isMobile(platform: string | undefined): boolean {
  return /^(apple-ios|android)/i.test(platform ?? '');
}

/** Apple clients need an IPv6 include route to use IPv6 at all; ocserv 1.3.0 sends them `2000::/3`. */
export function isApple(platform: string | undefined, userAgent: string | undefined): boolean {
  return /^apple-ios/i.test(platform ?? '') || /^cisco anyconnect vpn agent for apple/i.test(userAgent ?? '');
}
