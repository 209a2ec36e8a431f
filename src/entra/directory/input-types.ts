import type { Static } from '../../lib/schema/index.ts';
import type {
  ApplicationSchema,
  Consent,
  DeviceSchema,
  PolicySchema,
  ScopeSchema,
  ServicePrincipalSchema,
  TenantSchema,
  UserSchema,
} from './schema.ts';

/*
 * The objects of a directory as people write them: whatever has a default may be left out. They are types only; what is
 * checked at run time is in schema.ts.
 */

/** What may be left out where a schema has a default. */
type Defaulted =
  | 'type'
  | 'enabled'
  | 'locked'
  | 'passwordExpired'
  | 'mfa'
  | 'mfaRegistered'
  | 'mfaCode'
  | 'risk'
  | 'roles'
  | 'groups'
  | 'directoryRoles'
  | 'joinType'
  | 'managed'
  | 'compliant'
  | 'signInAudience'
  | 'publicClient'
  | 'redirectUris'
  | 'spaRedirectUris'
  | 'identifierUris'
  | 'accessTokenVersion'
  | 'appRoles'
  | 'optionalClaims'
  | 'implicitIdToken'
  | 'implicitAccessToken'
  | 'secrets'
  | 'certificates'
  | 'approvedClientApp'
  | 'appProtection'
  | 'logoutUris'
  | 'assignmentRequired'
  | 'assigned'
  | 'users'
  | 'excludeUsers'
  | 'resources'
  | 'excludeResources'
  | 'clients'
  | 'excludeClients'
  | 'authenticationContexts'
  | 'controls'
  | 'operator'
  | 'region'
  | 'federatedDomains'
  | 'securityDefaults'
  | 'adminConsentRequired';

type Loose<T> = Omit<T, Extract<keyof T, Defaulted>> & Partial<Pick<T, Extract<keyof T, Defaulted>>>;

export type UserInput = Loose<Static<typeof UserSchema>>;
export type DeviceInput = Loose<Static<typeof DeviceSchema>>;
export type PolicyInput = Loose<Static<typeof PolicySchema>>;
export type ServicePrincipalInput = Loose<Static<typeof ServicePrincipalSchema>>;
export type ConsentInput = Omit<Consent, 'scopes' | 'roles'> & Partial<Pick<Consent, 'scopes' | 'roles'>>;
export type ScopeInput = Loose<Static<typeof ScopeSchema>>;
export type PermissionInput = { resource: string; scopes?: string[]; roles?: string[] };
export type ApplicationInput = Omit<Loose<Static<typeof ApplicationSchema>>, 'scopes' | 'permissions'> & {
  scopes?: ScopeInput[];
  permissions?: PermissionInput[];
};
export type TenantInput = Omit<
  Loose<Static<typeof TenantSchema>>,
  'users' | 'devices' | 'applications' | 'servicePrincipals' | 'consents' | 'policies'
> & {
  users?: UserInput[];
  devices?: DeviceInput[];
  applications?: ApplicationInput[];
  servicePrincipals?: ServicePrincipalInput[];
  consents?: ConsentInput[];
  policies?: PolicyInput[];
};

/** A directory as a configuration file or a test writes it: whatever has a default may be left out. */
export interface DirectoryInput {
  tenants: TenantInput[];
}
