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

/** Names of the collections of a tenant, as in configuration and REST. */
export const TENANT_COLLECTIONS = [
  'users',
  'devices',
  'applications',
  'servicePrincipals',
  'consents',
  'policies',
] as const;

export type TenantCollection = (typeof TENANT_COLLECTIONS)[number];

/** What of a tenant is not a collection. */
export interface TenantSettings {
  readonly displayName: string;
  /** The first one is the primary domain. */
  readonly domains: readonly string[];
  readonly region: string;
  readonly federatedDomains: readonly string[];
  readonly securityDefaults: boolean;
}

/** The key of a consent: one for each client, resource and user (or the whole tenant). */
export function consentKey(consent: Pick<Consent, 'client' | 'resource' | 'user'>): string {
  return `${consent.client}:${consent.resource}:${consent.user ?? 'tenant'}`;
}

/** One tenant with everything in it. */
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

  /** Takes other settings; that they fit is the directory's business. */
  configure(settings: TenantSettings): void {
    this.#settings = settings;
  }

  /** True when users of this name sign in at the organization's own STS. */
  isFederated(userPrincipalName: string): boolean {
    const domain = userPrincipalName.slice(userPrincipalName.indexOf('@') + 1).toLowerCase();
    return this.settings.federatedDomains.some((federated) => federated.toLowerCase() === domain);
  }

  /** Object id of the service principal of an application in this tenant. */
  servicePrincipalId(appId: string): string {
    return derivedId('service-principal', this.id, appId);
  }

  /** Keeps settings and collections; the returned function puts them back. */
  snapshot(): () => void {
    const { settings } = this;
    const restores = TENANT_COLLECTIONS.map((name) => this[name].snapshot());
    return () => {
      this.#settings = settings;
      for (const restore of restores) restore();
    };
  }

  /** Settings and collections as plain data, passwords and secrets included. */
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
