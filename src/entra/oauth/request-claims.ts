import { AadstsError } from '../errors/aadsts-error.ts';

/** The supported parts of `claims` (OpenID Connect Core §5.5; Microsoft: "Claims challenges, claims requests, and client capabilities"). */
export interface RequestClaims {
  /** Authentication contexts: `acrs`. */
  readonly contexts: readonly string[];
  /** Client capabilities: `xms_cc`. */
  readonly capabilities: readonly string[];
  /** True if the client returns the claims of a Conditional Access failure. */
  readonly stepUp: boolean;
  /** A CAE challenge: sign-ins before this time (seconds since the Unix epoch) do not count. */
  readonly notBefore: number | undefined;
  /** True if the ID token must contain the time of sign-in: `auth_time`. */
  readonly authTime: boolean;
}

const NOTHING: RequestClaims = { contexts: [], capabilities: [], stepUp: false, notBefore: undefined, authTime: false };
const MAX_VALUES = 50;

/** @throws AadstsError 9002313 when the string is not a JSON object */
export function parseRequestClaims(text: string | undefined): RequestClaims {
  if (text === undefined) return NOTHING;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AadstsError(9002313);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new AadstsError(9002313);
  const wanted = member(parsed, 'access_token');
  const notBefore = Number(values(member(wanted, 'nbf'))[0]);
  return {
    contexts: values(member(wanted, 'acrs')).filter((id) => /^c[1-9]\d?$/.test(id)),
    capabilities: values(member(wanted, 'xms_cc')),
    stepUp: member(wanted, 'capolids') !== undefined || member(wanted, 'polids') !== undefined,
    notBefore: Number.isSafeInteger(notBefore) && notBefore > 0 ? notBefore : undefined,
    // Null counts too: it requests the claim as voluntary (OpenID Connect Core §5.5.1).
    authTime: member(member(parsed, 'id_token'), 'auth_time') !== undefined,
  };
}

function member(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return undefined;
  return (object as Record<string, unknown>)[name];
}

/** `value` or `values` of an individual claim request, as strings (OpenID Connect Core §5.5.1). */
function values(request: unknown): string[] {
  const many = member(request, 'values');
  const all: unknown[] = Array.isArray(many) ? many : [member(request, 'value')];
  return all
    .filter((value): value is string | number => ['string', 'number'].includes(typeof value))
    .slice(0, MAX_VALUES)
    .map(String);
}
