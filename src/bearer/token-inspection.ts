import type { Offload } from '../lib/offload.ts';
import { type JsonObject, parseObject } from '../lib/strict-json.ts';
import { parseCompactToken, textOf } from './compact-token.ts';
import { MAX_TOKEN_CHARACTERS } from './constants.ts';
import type { CachedKey } from './key-cache.ts';
import type { PolicyRules, TokenPolicy } from './policy.ts';
import { refusals, show } from './refusals.ts';
import { verifySignature } from './signature.ts';
import type { TokenRefusal } from './types.ts';

/** One check and its result for one token. */
export interface InspectedCheck {
  readonly name: string;
  /** Header members or claims that the check reads. */
  readonly claims: readonly string[];
  /** The requirement, in readable form. */
  readonly wants: string;
  /** The value found, shortened; empty when the check covers the whole token. */
  readonly found: Readonly<Record<string, string>>;
  readonly outcome: 'passed' | 'failed' | 'not reached';
  /** The explanation of the refusal, if the check failed. */
  readonly explanation?: string;
  readonly reason?: TokenRefusal['reason'];
}

/** Results of all checks of a token. Never contains the token. */
export interface TokenInspection {
  /** Whether a login with this token would succeed. */
  readonly ok: boolean;
  readonly policy: TokenPolicy;
  /** Why a login would be refused. */
  readonly refusal?: TokenRefusal;
  /** Whether a known key signed the token. If not, anyone could have written its claims. */
  readonly signed: boolean;
  readonly header: Readonly<JsonObject>;
  readonly claims: Readonly<JsonObject>;
  /** In the order of a login. */
  readonly checks: readonly InspectedCheck[];
}

/** The settings that a token is checked against. */
interface Inspector {
  readonly policy: TokenPolicy;
  readonly rules: PolicyRules;
  readonly keyIds: readonly string[];
  readonly find: (kid: string) => CachedKey | undefined;
  readonly offload: Offload;
  /** Seconds since the Unix epoch. */
  readonly now: number;
  readonly isRevoked: ((claims: Readonly<JsonObject>) => boolean) | undefined;
}

/**
 * Continues after the first failed check where the others can still be evaluated, so that troubleshooting shows every problem.
 * A login reports the first of these refusals.
 */
export async function inspectToken(token: string, by: Inspector): Promise<TokenInspection> {
  const report = new Report(by.policy);
  const parsed = parseCompactToken(token, MAX_TOKEN_CHARACTERS);
  const form = typeof parsed === 'string' ? refusals.malformed(parsed, token.length, MAX_TOKEN_CHARACTERS) : undefined;
  report.add('form', [], {}, 'three parts of base64url, the first a JSON object', form);
  if (typeof parsed === 'string') return report.end({}, {});
  const { header } = parsed;
  const { alg, kid, typ } = header;
  const { algorithms } = by.rules;
  const allowed = typeof alg === 'string' && algorithms.includes(alg);
  report.add(
    'algorithm',
    ['alg'],
    header,
    algorithms.join(', '),
    allowed ? undefined : refusals.algorithm(alg, algorithms),
  );
  report.add('key id', ['kid'], header, 'a string', typeof kid === 'string' ? undefined : refusals.noKeyId(kid));
  report.add('type', ['typ'], header, '"JWT"', typ === 'JWT' ? undefined : refusals.type(typ));
  const key = typeof kid === 'string' ? by.find(kid) : undefined;
  const known = by.keyIds.length;
  if (typeof kid !== 'string') report.skip('known key', ['kid'], header, `one of ${known} signing keys`);
  else
    report.add('known key', ['kid'], header, `one of ${known} signing keys`, key ? undefined : unknownKey(kid, known));
  const payload = key && allowed ? await verifySignature(token, alg, key, by.offload) : undefined;
  const signature = payload && 'reason' in payload ? payload : undefined;
  if (payload) report.add('signature', [], {}, 'made with that key, over a JSON object', signature);
  else report.skip('signature', [], {}, 'made with that key, over a JSON object');
  const claims = payload && 'claims' in payload ? payload.claims : unverifiedClaims(token);
  if (claims === undefined) return report.end(header, {});
  for (const check of by.rules.checks) {
    if (check.needsKey && !key) report.skip(check.name, check.claims, claims, check.wants);
    else
      report.add(
        check.name,
        check.claims,
        claims,
        check.wants,
        check.judge({ claims, key: key as CachedKey, now: by.now }),
      );
  }
  if (by.isRevoked && report.clean) {
    report.add('revocation', [], {}, 'not on the list', by.isRevoked(claims) ? refusals.revoked() : undefined);
  }
  return report.end(header, claims);
}

function unknownKey(kid: string, known: number): TokenRefusal {
  if (known === 0) return refusals.keysUnavailable('none is loaded.');
  return refusals.unknownKey(
    kid,
    known,
    'A login makes the gateway download them again if needed; this check does not.',
  );
}

/** The unverified claims of a token. */
function unverifiedClaims(token: string): JsonObject | undefined {
  const text = textOf(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
  const claims = text === undefined ? 'not-json' : parseObject(text);
  return typeof claims === 'string' ? undefined : claims;
}

class Report {
  readonly #policy: TokenPolicy;
  readonly #checks: InspectedCheck[] = [];
  #refusal: TokenRefusal | undefined;
  #skipped = false;

  constructor(policy: TokenPolicy) {
    this.#policy = policy;
  }

  /** True if all checks so far ran and passed. */
  get clean(): boolean {
    return this.#refusal === undefined && !this.#skipped;
  }

  add(
    name: string,
    claims: readonly string[],
    from: Readonly<JsonObject>,
    wants: string,
    refusal: TokenRefusal | undefined,
  ): void {
    this.#refusal ??= refusal;
    this.#checks.push({
      ...described(name, claims, from, wants),
      outcome: refusal ? 'failed' : 'passed',
      ...(refusal && { explanation: refusal.explanation, reason: refusal.reason }),
    });
  }

  skip(name: string, claims: readonly string[], from: Readonly<JsonObject>, wants: string): void {
    this.#skipped = true;
    this.#checks.push({ ...described(name, claims, from, wants), outcome: 'not reached' });
  }

  end(header: Readonly<JsonObject>, claims: Readonly<JsonObject>): TokenInspection {
    return {
      ok: this.clean,
      policy: this.#policy,
      ...(this.#refusal && { refusal: this.#refusal }),
      signed: this.#checks.some(({ name, outcome }) => name === 'signature' && outcome === 'passed'),
      header,
      claims,
      checks: this.#checks,
    };
  }
}

function described(name: string, claims: readonly string[], from: Readonly<JsonObject>, wants: string) {
  const found = claims.map((claim) => [claim, show(Object.hasOwn(from, claim) ? from[claim] : undefined)] as const);
  return { name, claims, wants: wants.slice(0, 500), found: Object.fromEntries(found) };
}
