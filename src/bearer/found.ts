import type { TokenRefusal, TokenRefusalReason } from './types.ts';

/** Which part of a token was wrong; values are shortened and printable. */
export interface Found {
  /** A claim, or a member of the header. */
  readonly claim?: string | undefined;
  readonly found?: string | undefined;
  readonly wanted?: string | undefined;
}

/** The subject of each refusal whose details do not name it. */
const CLAIMS: { readonly [R in TokenRefusalReason]?: string } = {
  algorithm: 'alg',
  type: 'typ',
  'no-key-id': 'kid',
  'unknown-key': 'kid',
  signature: 'kid',
  issuer: 'iss',
  'key-issuer': 'iss',
  audience: 'aud',
  tenant: 'tid',
  scope: 'scp',
  'not-yet-valid': 'nbf',
  expired: 'exp',
  guest: 'acct',
};

/** Maximum number of values to name. */
const MAX_VALUES = 3;

/** The part of a token that caused the refusal. Members that the refusal does not specify are undefined. */
export function foundIn({ reason, details }: TokenRefusal): Found {
  const { claim, came, kid, expected, needed, accepted, allowed, exp, nbf, now } = details;
  const times = { expired: exp, 'not-yet-valid': nbf } as Partial<Record<TokenRefusalReason, unknown>>;
  const time = times[reason];
  return {
    claim: text(claim) ?? CLAIMS[reason],
    found: time === undefined ? (text(came) ?? text(kid)) : instant(time),
    wanted: time === undefined ? text(expected ?? needed ?? accepted ?? allowed) : wantedTime(reason, now),
  };
}

function wantedTime(reason: TokenRefusalReason, now: unknown): string | undefined {
  const time = instant(now);
  return time && (reason === 'expired' ? `later than ${time}` : `no later than ${time}`);
}

function instant(seconds: unknown): string | undefined {
  const date = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN);
  return Number.isNaN(date.getTime()) ? text(seconds) : date.toISOString().replace('.000Z', 'Z');
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return String(value);
  const more = value.length > MAX_VALUES ? ` or ${value.length - MAX_VALUES} more` : '';
  return value.length === 0 ? undefined : `${value.slice(0, MAX_VALUES).join(' or ')}${more}`;
}
