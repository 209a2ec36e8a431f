import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { check, type Path, pathText, type Static, withDefaults } from '../../lib/schema/index.ts';
import { defaultDirectory } from './default-directory.ts';
import type { DirectoryInput } from './input-types.ts';
import { type Application, DirectorySchema, TenantSchema, type User } from './schema.ts';
import { TENANT_COLLECTIONS, Tenant, type TenantSettings } from './tenant.ts';
import { CONSUMER_TENANT_ID } from './well-known.ts';

const INVALID = 'ERR_IDENTITY_DIRECTORY_INVALID';

type ParsedTenant = Static<typeof TenantSchema>;

/** A user and the tenant that stores the password. */
export interface Located {
  readonly tenant: Tenant;
  readonly user: User;
}

/**
 * All tenants of the mock Entra ID, editable at run time.
 *
 * @example
 * ```ts
 * idp.directory.tenant('contoso.com').users.update('alice@contoso.com', { locked: true });
 * ```
 */
export class Directory {
  readonly #tenants = new Map<string, Tenant>();

  /**
   * @param input the contents. Default: {@link defaultDirectory}, which needs no validation
   * @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID`, `ERR_IDENTITY_EXISTS`
   */
  constructor(input?: DirectoryInput) {
    const { tenants } =
      input === undefined
        ? withDefaults<{ tenants: ParsedTenant[] }>(DirectorySchema, defaultDirectory())
        : check<{ tenants: ParsedTenant[] }>(DirectorySchema, input, { what: 'directory', code: INVALID });
    for (const [i, tenant] of tenants.entries()) this.#add(tenant, ['tenants', i]);
  }

  get tenants(): readonly Tenant[] {
    return [...this.#tenants.values()];
  }

  /** The first tenant: the meaning of `common` unless something else determines the tenant. */
  get defaultTenant(): Tenant {
    return this.#tenants.values().next().value!;
  }

  /** Finds a tenant by GUID or verified domain, ignoring case. */
  findTenant(name: string): Tenant | undefined {
    const key = name.toLowerCase();
    const byId = this.#tenants.get(key);
    if (byId) return byId;
    for (const tenant of this.#tenants.values()) {
      if (tenant.settings.domains.some((domain) => domain.toLowerCase() === key)) return tenant;
    }
    return undefined;
  }

  /** @throws TunneliteError `ERR_IDENTITY_NOT_FOUND` */
  tenant(name: string): Tenant {
    const tenant = this.findTenant(name);
    if (!tenant) throw new TunneliteError('ERR_IDENTITY_NOT_FOUND', `There is no tenant '${name}'.`);
    return tenant;
  }

  /** @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID`, `ERR_IDENTITY_EXISTS` */
  addTenant(input: unknown): Tenant {
    return this.#add(check<ParsedTenant>(TenantSchema, input, { what: 'tenant', code: INVALID }));
  }

  /** Changes settings of a tenant; its collections have their own methods. */
  updateTenant(name: string, changes: object): Tenant {
    const tenant = this.tenant(name);
    const parsed = check<ParsedTenant>(
      TenantSchema,
      { id: tenant.id, ...tenant.settings, ...changes },
      { what: 'tenant', code: INVALID },
    );
    const collection = TENANT_COLLECTIONS.find((key) => key in changes);
    if (collection) {
      throw new TunneliteError(INVALID, `The ${collection} of a tenant cannot be replaced as a whole.`, {
        hint: `Add, change and remove them one by one under /${collection}.`,
      });
    }
    if (parsed.id.toLowerCase() !== tenant.id) {
      throw new TunneliteError(INVALID, 'The id of a tenant cannot be changed.');
    }
    this.#refuseTaken(parsed, tenant);
    tenant.configure(settingsOf(parsed));
    return tenant;
  }

  removeTenant(name: string): void {
    const tenant = this.tenant(name);
    if (this.#tenants.size === 1) {
      throw new TunneliteError(INVALID, 'The last tenant cannot be removed.', {
        hint: 'Add another tenant first.',
      });
    }
    this.#tenants.delete(tenant.id);
  }

  /**
   * Finds a member by name in any tenant; checks the tenant of the name's domain first. Guests are not members: find them
   * with {@link Directory.guestOf}.
   */
  findMember(userPrincipalName: string): Located | undefined {
    const domain = userPrincipalName.slice(userPrincipalName.indexOf('@') + 1);
    const own = this.findTenant(domain);
    for (const tenant of own ? [own, ...this.#tenants.values()] : this.#tenants.values()) {
      const user = tenant.users.find(userPrincipalName);
      if (user && user.type === 'member') return { tenant, user };
    }
    return undefined;
  }

  /** The guest entry in this tenant for a member of another tenant. */
  guestOf(tenant: Tenant, home: Located): User | undefined {
    const user = tenant.users.find(home.user.userPrincipalName);
    return user?.type === 'guest' ? user : undefined;
  }

  /** The app registration, in its own tenant or, if it is multi-tenant, in any. */
  findApplication(clientId: string, tenant: Tenant | undefined): Application | undefined {
    const own = tenant?.applications.find(clientId);
    if (own) return own;
    for (const { applications } of this.#tenants.values()) {
      const app = applications.find(clientId);
      if (app && (!tenant || app.signInAudience === 'AzureADMultipleOrgs')) return app;
    }
    return undefined;
  }

  /** Plain data that {@link Directory} accepts as input; includes passwords and secrets. */
  export(): DirectoryInput {
    return { tenants: this.tenants.map((tenant) => tenant.export()) };
  }

  /** Replaces the contents; changes nothing if the input is invalid. */
  load(input: DirectoryInput): void {
    const fresh = new Directory(input);
    this.#tenants.clear();
    for (const tenant of fresh.tenants) this.#tenants.set(tenant.id, tenant);
  }

  /** Saves the current state; call the returned function to restore it. Only copies the lists. */
  snapshot(): () => void {
    const tenants = this.tenants.map((tenant) => ({ tenant, restore: tenant.snapshot() }));
    return () => {
      this.#tenants.clear();
      for (const { tenant, restore } of tenants) {
        restore();
        this.#tenants.set(tenant.id, tenant);
      }
    };
  }

  #add(parsed: ParsedTenant, at: Path = []): Tenant {
    placed(at, () => this.#refuseTaken(parsed, undefined));
    const tenant = new Tenant(parsed.id, settingsOf(parsed));
    for (const name of TENANT_COLLECTIONS) {
      for (const [i, item] of parsed[name].entries()) placed([...at, name, i], () => tenant[name].adopt(item as never));
    }
    this.#tenants.set(tenant.id, tenant);
    return tenant;
  }

  #refuseTaken(parsed: ParsedTenant, self: Tenant | undefined): void {
    if (parsed.id.toLowerCase() === CONSUMER_TENANT_ID) {
      throw new TunneliteError(INVALID, 'The tenant of personal Microsoft accounts cannot be simulated.', {
        hint: 'Choose another tenant id.',
      });
    }
    for (const name of [parsed.id, ...parsed.domains]) {
      const holder = this.findTenant(name);
      if (holder && holder !== self) {
        throw new TunneliteError('ERR_IDENTITY_EXISTS', `There is already a tenant '${name}'.`);
      }
    }
    const stray = parsed.federatedDomains.find(
      (domain) => !parsed.domains.some((own) => own.toLowerCase() === domain.toLowerCase()),
    );
    if (stray !== undefined) {
      throw new TunneliteError(
        INVALID,
        `The federated domain '${stray}' is not among the domains of tenant ${parsed.id}.`,
        { hint: 'Also list it under domains.' },
      );
    }
  }
}

/** Adds the position in the input to an error. */
function placed<T>(path: Path, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isTunneliteError(error) || path.length === 0) throw error;
    const { code, message, hint, details } = error;
    const options = { hint, details: { ...details, path }, cause: error };
    throw new TunneliteError(code, `${pathText(path)}: ${message}`, options);
  }
}

function settingsOf(parsed: ParsedTenant): TenantSettings {
  return {
    displayName: parsed.displayName ?? parsed.domains[0]!,
    domains: parsed.domains,
    region: parsed.region,
    federatedDomains: parsed.federatedDomains,
    securityDefaults: parsed.securityDefaults,
  };
}
