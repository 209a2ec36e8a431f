import { Collection } from './collection.ts';
import { derivedId } from './derived-id.ts';
import type { TenantInput } from './input-types.ts';
import {
  type Application,
  ApplicationSchema,
  type Consent,
  ConsentSchema,
  type Device,
  DeviceSchema,
  type Policy,
  PolicySchema,
  type ServicePrincipal,
  ServicePrincipalSchema,
  type User,
  UserSchema,
} from './schema.ts';

/** Names of a tenant's collections in configuration and REST. */
export const TENANT_COLLECTIONS = [
  'users',
  'devices',
  'applications',
  'servicePrincipals',
  'consents',
  'policies',
] as const;

export type TenantCollection = (typeof TENANT_COLLECTIONS)[number];

/** The tenant's own members, without its collections. */
export interface TenantSettings {
  readonly displayName: string;
  /** The first domain is the primary one. */
  readonly domains: readonly string[];
  readonly region: string;
  readonly federatedDomains: readonly string[];
  readonly securityDefaults: boolean;
}

/** The key of a consent: one per client, resource and user (or the whole tenant). */
export function consentKey(consent: Pick<Consent, 'client' | 'resource' | 'user'>): string {
  return `${consent.client}:${consent.resource}:${consent.user ?? 'tenant'}`;
}

/** One tenant with its collections. */
export class Tenant {
  readonly id: string;
  #settings: TenantSettings;
  readonly users: Collection<User>;
  readonly devices: Collection<Device>;
  readonly applications: Collection<Application>;
  readonly servicePrincipals: Collection<ServicePrincipal>;
  readonly consents: Collection<Consent>;
  readonly policies: Collection<Policy>;

  constructor(id: string, settings: TenantSettings) {
    this.id = id.toLowerCase();
    this.#settings = settings;
    this.users = new Collection<User>({
      noun: 'user',
      schema: UserSchema,
      complete: (user) => ({
        ...user,
        id: (user.id ?? derivedId('user', this.id, user.userPrincipalName)).toLowerCase(),
        displayName: user.displayName ?? user.userPrincipalName.split('@')[0]!,
      }),
      key: (user) => user.id,
      alias: (user) => user.userPrincipalName,
      limit: 100_000,
    });
    this.devices = new Collection<Device>({
      noun: 'device',
      schema: DeviceSchema,
      key: (device) => device.id,
      limit: 100_000,
    });
    this.applications = new Collection<Application>({
      noun: 'application',
      schema: ApplicationSchema,
      complete: (app) => ({ ...app, displayName: app.displayName ?? app.appId }),
      key: (app) => app.appId,
      limit: 10_000,
    });
    this.servicePrincipals = new Collection<ServicePrincipal>({
      noun: 'service principal',
      schema: ServicePrincipalSchema,
      key: (principal) => principal.appId,
      limit: 10_000,
    });
    this.consents = new Collection<Consent>({
      noun: 'consent',
      schema: ConsentSchema,
      key: consentKey,
      limit: 100_000,
    });
    this.policies = new Collection<Policy>({
      noun: 'policy',
      schema: PolicySchema,
      complete: (policy) => ({ ...policy, id: policy.id ?? derivedId('policy', this.id, policy.displayName) }),
      key: (policy) => policy.id,
      alias: (policy) => policy.displayName,
      limit: 1000,
    });
  }

  get settings(): TenantSettings {
    return this.#settings;
  }

  /** Replaces the settings; the directory validates them. */
  configure(settings: TenantSettings): void {
    this.#settings = settings;
  }

  /** True if users with this name sign in at the organization's own STS. */
  isFederated(userPrincipalName: string): boolean {
    const domain = userPrincipalName.slice(userPrincipalName.indexOf('@') + 1).toLowerCase();
    return this.settings.federatedDomains.some((federated) => federated.toLowerCase() === domain);
  }

  /** Object ID of the service principal of an application in this tenant. */
  servicePrincipalId(appId: string): string {
    return derivedId('service-principal', this.id, appId);
  }

  /** Saves settings and collections; call the returned function to restore them. */
  snapshot(): () => void {
    const { settings } = this;
    const restores = TENANT_COLLECTIONS.map((name) => this[name].snapshot());
    return () => {
      this.#settings = settings;
      for (const restore of restores) restore();
    };
  }

  /** Settings and collections as plain data; includes passwords and secrets. */
  export(): TenantInput {
    const { displayName, region, securityDefaults } = this.settings;
    return {
      id: this.id,
      displayName,
      domains: [...this.settings.domains],
      region,
      federatedDomains: [...this.settings.federatedDomains],
      securityDefaults,
      users: [...this.users],
      devices: [...this.devices],
      applications: [...this.applications],
      servicePrincipals: [...this.servicePrincipals],
      consents: [...this.consents],
      policies: [...this.policies],
    };
  }
}
