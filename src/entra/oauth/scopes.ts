import { GRAPH_RESOURCE_ID, WELL_KNOWN_RESOURCES } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';

/** Scopes that are not API permissions. */
export const OIDC_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;
const OIDC: ReadonlySet<string> = new Set(OIDC_SCOPES);

/** The requested scopes, split by API. */
export interface ScopeRequest {
  readonly oidc: readonly string[];
  /** At least one: Graph if no API is named. An API that is named in two ways appears twice. */
  readonly apis: readonly ApiScopes[];
}

/** The scopes requested for one API. */
export interface ApiScopes {
  /** The API as the client named it: app ID or URI. */
  readonly identifier: string;
  /** Names of permissions; `.default` stands for all consented permissions. */
  readonly names: readonly string[];
}

// RFC 6749 §3.3: printable ASCII without space, quote and backslash.
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;

/**
 * Splits a `scope`. A name without a resource prefix belongs to Graph; `a//.default` keeps the slash in the resource, as
 * in Entra.
 *
 * @throws AadstsError 70011 malformed
 */
export function parseScopes(scope: string | undefined): ScopeRequest {
  const oidc: string[] = [];
  const apis = new Map<string, string[]>();
  for (const word of new Set((scope ?? '').split(' ').filter((part) => part !== ''))) {
    if (!SCOPE_TOKEN.test(word)) throw new AadstsError(70011, { scope: word });
    const slash = word.lastIndexOf('/');
    const identifier = slash > 0 ? word.slice(0, slash) : GRAPH_RESOURCE_ID;
    const name = word.slice(slash + 1);
    if (name === '') throw new AadstsError(70011, { scope: word });
    if (OIDC.has(name) && (slash < 0 || isGraph(identifier))) {
      oidc.push(name);
      continue;
    }
    const names = apis.get(identifier);
    if (names) names.push(name);
    else apis.set(identifier, [name]);
  }
  if (apis.size === 0) apis.set(GRAPH_RESOURCE_ID, []);
  return { oidc: [...new Set(oidc)], apis: [...apis].map(([identifier, names]) => ({ identifier, names })) };
}

/** Entra refuses a mix of static and dynamic consent. @throws AadstsError 70011 */
export function refuseMixture(names: readonly string[]): void {
  if (names.length > 1 && names.includes('.default')) throw new AadstsError(70011, { scope: names.join(' ') });
}

/** Normalizes an app ID or URI for comparison. */
export function bareIdentifier(identifier: string): string {
  return identifier.replace(/\/$/, '').toLowerCase();
}

function isGraph(identifier: string): boolean {
  const bare = bareIdentifier(identifier);
  const graph = WELL_KNOWN_RESOURCES.find((known) => known.appId === GRAPH_RESOURCE_ID);
  return bare === GRAPH_RESOURCE_ID || graph?.uris.includes(bare) === true;
}
