import { type Clock, systemClock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { directly, type Offload } from '../lib/offload.ts';
import { ownString } from '../lib/own-string.ts';
import type { PersonFacts } from '../lib/person.ts';
import type { JsonObject } from '../lib/strict-json.ts';
import { type CompactToken, parseCompactToken } from './compact-token.ts';
import {
  MAX_SIGN_IN_NAME_CHARACTERS,
  MAX_TOKEN_CHARACTERS,
  MAX_USER_NAME_CHARACTERS,
  REMEMBERED_HEADERS,
} from './constants.ts';
import { type CachedKey, KeyCache, type UnknownKeyOutcome } from './key-cache.ts';
import type { IssuerMetadata } from './metadata.ts';
import { firstRefusal, type PolicyRules, type TokenPolicy } from './policy.ts';
import { refusals } from './refusals.ts';
import { verifySignature } from './signature.ts';
import { inspectToken, type TokenInspection } from './token-inspection.ts';
import type { Principal, TokenRefusal, TokenVerdict, TokenVerifier } from './types.ts';
import {
  cacheTimesOf,
  metadataUrlsOf,
  rulesOf,
  type TokenVerifierOptions,
  userNameClaimOf,
} from './verifier-settings.ts';

export type { TokenVerifierOptions } from './verifier-settings.ts';

/** A {@link TokenVerifier} that exposes its key cache. */
export interface EntraTokenVerifier extends TokenVerifier {
  readonly policy: TokenPolicy;
  /**
   * Loads metadata and keys now, whatever their age. The real gateway does not start when this fails.
   *
   * @throws TunneliteError `ERR_IDENTITY_DISCOVERY`
   */
  load(): Promise<void>;
  /** Marks the keys as just loaded and clears failures: the state after a start. */
  renew(): void;
  /** IDs of the cached signing keys. */
  readonly keyIds: readonly string[];
  /**
   * Runs every check that a login would run and returns all results. It has no side effects: it
   * downloads no keys and logs no one in.
   */
  inspect(token: string): Promise<TokenInspection>;
}

/**
 * Creates the gateway's token check. `verify` never rejects: it returns a verdict for any input, and the verdict never contains the token.
 *
 * @example
 * ```ts
 * await using fetcher = createJsonFetcher();
 * const verifier = createTokenVerifier({
 *   policy: 'strict', authority: 'https://login.microsoftonline.com/contoso.com', fetchJson: fetcher.fetchJson,
 * });
 * await verifier.load();
 * const verdict = await verifier.verify(token);
 * if (!verdict.ok) console.log(verdict.refusal.explanation);
 * ```
 *
 * @throws TunneliteError `ERR_IDENTITY_AUTHORITY` when the authority is invalid
 */
export function createTokenVerifier(options: TokenVerifierOptions): EntraTokenVerifier {
  return new Verifier(options);
}

class Verifier implements EntraTokenVerifier {
  readonly policy: TokenPolicy;
  readonly #options: TokenVerifierOptions;
  readonly #clock: Clock;
  readonly #cache: KeyCache;
  readonly #userNameClaim: string;
  readonly #offload: Offload;
  readonly #headers = new Map<string, CompactToken>();
  #rules: { readonly value: PolicyRules; readonly from: readonly IssuerMetadata[] } | undefined;

  constructor(options: TokenVerifierOptions) {
    this.policy = options.policy;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#userNameClaim = userNameClaimOf(options);
    this.#offload = options.offload ?? directly;
    this.#cache = new KeyCache({
      metadataUrls: metadataUrlsOf(options),
      fetchJson: options.fetchJson,
      clock: this.#clock,
      emit: options.emit ?? (() => undefined),
      times: cacheTimesOf(options),
    });
  }

  get keyIds(): readonly string[] {
    return this.#cache.keyIds;
  }

  load(): Promise<void> {
    return this.#cache.load();
  }

  renew(): void {
    this.#cache.renew();
  }

  async verify(token: string): Promise<TokenVerdict> {
    try {
      const outcome = await this.#judge(token);
      return 'reason' in outcome ? { ok: false, refusal: outcome } : { ok: true, principal: outcome };
    } catch (error) {
      // No known path leads here; an unexpected error still becomes a refusal.
      const explanation = `The token could not be checked: ${errorText(error)}`;
      return { ok: false, refusal: { reason: 'malformed', explanation, details: {} } };
    }
  }

  inspect(token: string): Promise<TokenInspection> {
    return inspectToken(token, {
      policy: this.policy,
      rules: this.#currentRules(),
      keyIds: this.#cache.keyIds,
      find: (kid) => this.#cache.find(kid),
      offload: this.#offload,
      now: this.#seconds(),
      isRevoked:
        this.#options.isRevoked && ((claims) => this.#options.isRevoked!(principalOf(claims, this.#userNameClaim))),
    });
  }

  /** Seconds since the Unix epoch. */
  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  async #judge(token: string): Promise<Principal | TokenRefusal> {
    const parsed = parseCompactToken(token, MAX_TOKEN_CHARACTERS, this.#headers);
    if (typeof parsed === 'string') return refusals.malformed(parsed, token.length, MAX_TOKEN_CHARACTERS);
    if (!this.#cache.fresh && !(await this.#cache.ready())) {
      return refusals.keysUnavailable(errorText(this.#cache.failure));
    }
    const rules = this.#currentRules();
    const { alg, kid, typ } = parsed.header;
    // `alg` is checked first: unsigned tokens and tokens signed with a shared secret never reach a key.
    if (typeof alg !== 'string' || !rules.algorithms.includes(alg)) return refusals.algorithm(alg, rules.algorithms);
    if (typeof kid !== 'string') return refusals.noKeyId(kid);
    if (typ !== 'JWT') return refusals.type(typ);
    const key = this.#cache.find(kid) ?? (await this.#findUnknown(kid));
    if ('reason' in key) return key;
    const payload = await verifySignature(token, alg, key, this.#offload);
    if ('reason' in payload) return payload;
    this.#remember(parsed);
    const { claims } = payload;
    const wrong = firstRefusal(rules, { claims, key, now: this.#seconds() });
    if (wrong) return wrong;
    const principal = principalOf(claims, this.#userNameClaim);
    return this.#options.isRevoked?.(principal) ? refusals.revoked() : principal;
  }

  /** Tokens of one key share one header, which is parsed once. Only a valid signature adds a header, so strangers cannot fill the cache. */
  #remember(parsed: CompactToken): void {
    if (this.#headers.has(parsed.headerText)) return;
    if (this.#headers.size >= REMEMBERED_HEADERS) this.#headers.clear();
    this.#headers.set(parsed.headerText, parsed);
  }

  /**
   * Finds the key with this ID, downloading if allowed now. With the `gateway` policy, this token fails even if the download
   * finds the key.
   */
  async #findUnknown(kid: string): Promise<CachedKey | TokenRefusal> {
    const outcome = await this.#cache.unknown();
    if (this.policy === 'strict' && outcome.outcome === 'downloaded') {
      const found = this.#cache.find(kid);
      if (found) return found;
    }
    return refusals.unknownKey(kid, this.#cache.keyIds.length, this.#advice(kid, outcome));
  }

  #advice(kid: string, outcome: UnknownKeyOutcome): string {
    switch (outcome.outcome) {
      case 'too-soon':
        return `They are not downloaded again for another ${outcome.seconds} s. If the issuer has just changed keys, try again after that; otherwise the token is from another issuer.`;
      case 'failed':
        return `Downloading them again failed: ${errorText(this.#cache.failure)}`;
      case 'downloaded':
        return this.#cache.find(kid)
          ? 'They were just downloaded again and now include the key: try again. (The first login after a change of keys fails, as with the real gateway.)'
          : 'They were just downloaded again and still do not include it: the token is from another issuer.';
    }
  }

  /** The rules, rebuilt when other metadata was loaded. */
  #currentRules(): PolicyRules {
    const { issuers } = this.#cache;
    if (this.#rules?.from !== issuers) this.#rules = { value: rulesOf(this.#options, issuers), from: issuers };
    return this.#rules.value;
  }
}

const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The rules have verified that the user name is a string and `exp` a number. */
function principalOf(claims: Readonly<JsonObject>, userNameClaim: string): Principal {
  const { oid, tid, azp, appid, scp, uti, jti, exp } = claims;
  return {
    username: cut(String(claims[userNameClaim]), MAX_USER_NAME_CHARACTERS),
    signInName: signInNameOf(claims),
    objectId: optionalText(oid),
    tenantId: optionalText(tid),
    clientId: optionalText(azp) ?? optionalText(appid),
    scopes: typeof scp === 'string' ? scp.split(' ').filter((scope) => scope !== '') : [],
    tokenId: optionalText(uti) ?? optionalText(jti),
    expiresAt: Number(exp),
    claims,
    facts: factsOf(claims),
  };
}

/** Values that access rules can match; undefined where the token has none. */
function factsOf({ azp, appid, deviceid, groups }: Readonly<JsonObject>): PersonFacts | undefined {
  const app = optionalText(azp) ?? optionalText(appid);
  const device = optionalText(deviceid)?.toLowerCase();
  const ids = Array.isArray(groups) ? groups.filter((id) => typeof id === 'string') : undefined;
  if (app === undefined && device === undefined && ids === undefined) return undefined;
  return { app, device, groups: ids?.map((id) => id.toLowerCase()) };
}

/** The user's readable name, from the claims of either token version (Microsoft: "Access token claims reference"). */
export function signInNameOf(claims: Readonly<JsonObject>): string | undefined {
  const name = claims['preferred_username'] ?? claims['upn'] ?? claims['unique_name'];
  return typeof name === 'string' && name !== '' ? cut(name, MAX_SIGN_IN_NAME_CHARACTERS) : undefined;
}

/** The first characters of a string, without half of a surrogate pair at its end. */
function cut(text: string, characters: number): string {
  return text.length <= characters ? text : ownString(text.slice(0, characters).replace(/[\ud800-\udbff]$/, ''));
}
