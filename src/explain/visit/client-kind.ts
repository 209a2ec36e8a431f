/** Kinds of client, as far as they identify themselves. */
export type ClientKind =
  | 'openconnect'
  | 'anyconnect'
  | 'tunnel-ios'
  | 'tunnel-android'
  | 'curl'
  | 'browser'
  | 'tunnelite'
  | 'other'
  | 'unknown';

/** The client, identified by its User-Agent and by the ClientHello of its TLS library. */
export interface ClientDescription {
  readonly kind: ClientKind;
  /** Display name, with version and TLS library if known. */
  readonly name: string;
  readonly version: string | undefined;
  readonly agent: string | undefined;
  /** Such as `GnuTLS`. */
  readonly library: string | undefined;
}

type Known = readonly [pattern: RegExp, kind: ClientKind, name: string];

/** The first match counts. The first group is the version. */
const AGENTS: readonly Known[] = [
  [/^Open ?AnyConnect VPN Agent v?([\w.-]{1,30})/i, 'openconnect', 'openconnect'],
  [/^AnyConnect-compatible OpenConnect VPN Agent v?([\w.-]{1,30})/i, 'openconnect', 'openconnect'],
  [/^OpenConnect VPN Agent[^\d]{0,40}([\d][\w.-]{0,30})?/i, 'openconnect', 'openconnect'],
  [/^(?:Cisco )?AnyConnect[^\d]{0,60}([\d][\w.-]{0,30})?/i, 'anyconnect', 'Cisco AnyConnect'],
  [
    /^MobileAccess iOS ?([\d][\w.-]{0,30})?/i,
    'tunnel-ios',
    'the Microsoft Tunnel client for iOS (Defender, or an app with the SDK)',
  ],
  [
    /^MobileAccess Android ?([\d][\w.-]{0,30})?/i,
    'tunnel-android',
    'the Microsoft Tunnel client for Android (Defender)',
  ],
  [/^MobileAccess/i, 'other', 'a Microsoft Tunnel client'],
  [/^curl\/([\w.-]{1,30})/i, 'curl', 'curl'],
  [/^Tunnelite Client/, 'tunnelite', 'the bundled client of Tunnelite'],
  [/^Mozilla\/.{0,300}(?:Edg|OPR|Firefox|Chrome|HeadlessChrome|Version)\/([\d.]{1,30})/i, 'browser', 'a browser'],
  [/^Mozilla\//i, 'browser', 'a browser'],
];

/** Longest User-Agent to show. */
const MAX_AGENT = 120;

/** @param agent the User-Agent  @param library the TLS library, identified by its ClientHello */
export function describeClient(agent: string | undefined, library: string | undefined): ClientDescription {
  const by = library === undefined ? '' : ` (${library})`;
  if (agent === undefined) {
    const name = library === undefined ? 'a client that did not identify itself' : `a client that uses ${library}`;
    return { kind: 'unknown', name, version: undefined, agent, library };
  }
  for (const [pattern, kind, name] of AGENTS) {
    const match = pattern.exec(agent);
    if (match) {
      const [, version] = match;
      return { kind, name: `${name}${version === undefined ? '' : ` ${version}`}${by}`, version, agent, library };
    }
  }
  const shown = agent.length > MAX_AGENT ? `${agent.slice(0, MAX_AGENT)}…` : agent;
  return { kind: 'other', name: `a client with the User-Agent “${shown}”${by}`, version: undefined, agent, library };
}
