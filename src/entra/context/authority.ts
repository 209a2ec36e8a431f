import { isGuid } from '../../bearer/authority.ts';
import type { Directory } from '../directory/directory.ts';
import type { Tenant } from '../directory/tenant.ts';
import { CONSUMER_TENANT_ID } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';

/** Aliases for "the user's own tenant". */
const ALIASES = ['common', 'organizations', 'consumers'] as const;
type Alias = (typeof ALIASES)[number];

/** The `{tenant}` part of a request's path. */
export interface Authority {
  /** As written, for links to the same authority. */
  readonly name: string;
  /** Undefined for an alias. */
  readonly tenant: Tenant | undefined;
  readonly alias: Alias | undefined;
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/i;

/**
 * Parses the `{tenant}` of a path: GUID, verified domain, or alias.
 *
 * @throws AadstsError 900023 none of these, 90002 not in the directory
 */
export function findAuthority(directory: Directory, name: string): Authority {
  const alias = ALIASES.find((one) => one === name.toLowerCase());
  if (alias || name.toLowerCase() === CONSUMER_TENANT_ID) {
    return { name: alias ?? name, tenant: undefined, alias: alias ?? 'consumers' };
  }
  const tenant = directory.findTenant(name);
  if (tenant) return { name, tenant, alias: undefined };
  throw new AadstsError(isGuid(name) || DNS_NAME.test(name) ? 90002 : 900023, { tenant: name });
}
