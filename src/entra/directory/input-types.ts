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
 * The input form of directory objects: members with a default are optional. These are only types;
 * schema.ts has the run-time validation.
 */

/** Optional where a schema has a default. */
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

/** A directory in a configuration file or a test: members with a default are optional. */
export interface DirectoryInput {
  tenants: TenantInput[];
}
