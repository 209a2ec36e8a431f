const REDACTED = '[redacted]';

/** Members whose value is always a secret. */
const SECRET_MEMBER =
  /^(?:.*(?:password|passwd|passphrase|secret|secrettext|token|cookie|cookies|private_?key|credentials?|assertion|master_?secret)|(?:proxy-)?authorization|set-cookie|session_?key|code_?verifier|authentication-?info|x-dtls-.*)$/i;

/** Members with such names that are not secret: counts, types, times. */
const HARMLESS_MEMBER = /^(?:issuesTokens|tokenId|tokens?Lifetime|.*(?:Timeout|Expires|Lifetime|File|Version))$/i;

/** Shorter secrets would match everywhere. */
const MIN_SECRET = 4;

const PARAMETERS =
  'access_token|id_token|refresh_token|client_secret|client_assertion|assertion|password|passwd|secret|token|code|code_verifier|device_code|cookie|webvpn|webvpncontext|sig|api_?key|session';

/** Patterns that look like secrets. Each takes linear time. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}/g, REDACTED],
  [/\b(Bearer|Basic|Digest|Negotiate|NTLM) +[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${REDACTED}`],
  [/\b([A-Z_0-9]{4,40}) [0-9a-f]{64} [0-9a-f]{64,}/g, `$1 ${REDACTED}`],
  [new RegExp(`\\b(${PARAMETERS})=[^&\\s"'#;,)]+`, 'gi'), `$1=${REDACTED}`],
];

/** Removes secrets from data for others: known values, values that look like secrets, and members named like secrets. */
export class Redactor {
  readonly #known: readonly string[];

  /** @param known secrets of this instance */
  constructor(known: Iterable<string>) {
    // Longest first: one may be part of another.
    this.#known = [...new Set(known)].filter((one) => one.length >= MIN_SECRET).sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let out = text;
    for (const secret of this.#known) out = out.replaceAll(secret, REDACTED);
    for (const [pattern, by] of PATTERNS) out = out.replace(pattern, by);
    return out;
  }

  /** A copy without secrets. */
  value(value: unknown, name = ''): unknown {
    if (typeof value === 'string') return isSecretMember(name) ? REDACTED : this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.value(one, name));
    if (typeof value !== 'object' || value === null) return value;
    // A header or a parameter of a HAR: its name tells whether the value is secret.
    const named = (value as { name?: unknown }).name;
    const secret = typeof named === 'string' && isSecretMember(named);
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.text(key),
        secret && key === 'value' ? REDACTED : this.value(member, isBody(name, key) ? 'secret' : key),
      ]),
    );
  }
}

/** Message bodies are private. */
function isBody(parent: string, key: string): boolean {
  return key === 'text' && (parent === 'postData' || parent === 'content');
}

function isSecretMember(name: string): boolean {
  return SECRET_MEMBER.test(name) && !HARMLESS_MEMBER.test(name);
}

/** The secrets in a value, found by member names. */
export function secretsOf(value: unknown, name = '', found: string[] = []): string[] {
  if (typeof value === 'string') {
    if (isSecretMember(name)) found.push(value);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) secretsOf(member, Array.isArray(value) ? name : key, found);
  }
  return found;
}
