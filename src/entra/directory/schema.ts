import { type Static, Type } from '../../lib/schema/index.ts';

/*
 * The contents of a directory, as one schema for configuration files, REST and code. Every object rejects unknown
 * members, so that typing mistakes cause errors. `parseDirectory` fills in defaults.
 */

const closed = { additionalProperties: false } as const;

const Guid = (description: string) => Type.String({ format: 'guid', description });
const Text = (description: string, maxLength = 256) => Type.String({ minLength: 1, maxLength, description });
const Flag = (fallback: boolean, description: string) => Type.Boolean({ default: fallback, description });
const Names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { default: [], maxItems: 1000, description });
const User = (description: string) => Type.String({ format: 'user', description });
const Users = (description: string) =>
  Type.Array(Type.String({ format: 'user' }), { default: [], maxItems: 1000, description });
const Ids = (description: string) =>
  Type.Array(Type.String({ format: 'guid' }), { default: [], maxItems: 1000, description });
/** `all`, or a list. */
const AllOr = (format: 'user' | 'guid', description: string) =>
  Type.Array(Type.Union([Type.Literal('all'), Type.String({ format })]), {
    default: ['all'],
    maxItems: 1000,
    description,
  });
const TokenVersion = (options: { default?: 1 | 2; description: string }) => Type.Enum([1, 2], options);
const Seconds = (description: string) => Type.Integer({ minimum: 0, maximum: 315_360_000, description });

export const UserSchema = Type.Object(
  {
    id: Type.Optional(Guid('Object id (`oid`). Default: derived from tenant and name.')),
    userPrincipalName: Type.String({ format: 'user-name', description: 'Sign-in name.' }),
    displayName: Type.Optional(Text('Shown on pages, and the claim `name`.')),
    givenName: Type.Optional(Text('Claim `given_name`.')),
    surname: Type.Optional(Text('Claim `family_name`.')),
    mail: Type.Optional(Text('Claim `email`.')),
    password: Type.Optional(
      Text('Plain text: this is a test directory. A user without one cannot sign in with a password.'),
    ),
    type: Type.Enum(['member', 'guest'], {
      default: 'member',
      description: 'A guest has `acct` 1. If another tenant has a member with that name, the guest signs in there.',
    }),
    homeTenant: Type.Optional(Text('For a guest: id or domain of the tenant with the password.')),
    enabled: Flag(true, '`false`: 50057.'),
    locked: Flag(false, '`true`: 50053. Also set by ten wrong passwords in a row.'),
    passwordExpired: Flag(false, '`true`: 50055; the sign-in page asks for a new password.'),
    mfa: Type.Enum(['off', 'required'], {
      default: 'off',
      description: '`required`: 50074 without interaction, a prompt with it.',
    }),
    mfaRegistered: Flag(true, '`false`: 50072 or 50079 without interaction, a registration page with it.'),
    mfaCode: Type.String({
      format: 'mfa-code',
      default: '123456',
      description: 'The code the MFA prompt accepts.',
    }),
    risk: Type.Enum(['none', 'low', 'medium', 'high'], {
      default: 'none',
      description: '`high`: 53011. `medium` triggers policies on risk.',
    }),
    device: Type.Optional(Guid('Device that this user signs in from if the request names none.')),
    roles: Names('App roles: claim `roles`.'),
    groups: Names('Group ids: claim `groups`.'),
    directoryRoles: Names('Role template ids: claim `wids`.'),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "Claims in every token of this user, which override the issuer's own.",
      }),
    ),
  },
  closed,
);

export const DeviceSchema = Type.Object(
  {
    id: Guid('Device id: claim `deviceid`.'),
    displayName: Type.Optional(Text('Display name.')),
    owner: Type.Optional(User('User name or object id. A device of another user is not accepted.')),
    enabled: Flag(true, '`false`: 50187.'),
    joinType: Type.Enum(['registered', 'joined', 'hybrid', 'none'], {
      default: 'registered',
      description: '`none`: 50129. `hybrid` meets `domain-joined-device`.',
    }),
    managed: Flag(true, '`false`: 530003 if a compliant device is required.'),
    compliant: Flag(true, '`false`: 53000 if a compliant device is required.'),
  },
  closed,
);

export const ScopeSchema = Type.Object(
  {
    id: Type.Optional(Guid('Permission id.')),
    value: Type.String({ format: 'permission', description: 'Name, as in `scp`.' }),
    description: Type.Optional(Text('Text on the consent page.')),
    adminConsentRequired: Flag(false, '`true`: users cannot consent, 90094.'),
  },
  closed,
);

export const ApplicationSchema = Type.Object(
  {
    appId: Guid('Client id.'),
    displayName: Type.Optional(Text('Shown on the consent page.')),
    enabled: Flag(true, '`false`: 70001.'),
    signInAudience: Type.Enum(['AzureADMyOrg', 'AzureADMultipleOrgs'], {
      default: 'AzureADMyOrg',
      description: 'Single tenant or multi-tenant, as in the app manifest.',
    }),
    publicClient: Flag(true, '`true`: no secret, like all apps on phones; `false`: needs a secret or certificate.'),
    redirectUris: Names(
      'Of public and web clients. Compared exactly; `http://localhost` may have any port, a loopback address that of a public client.',
    ),
    spaRedirectUris: Names('Of single page apps: PKCE is required, and refresh tokens are valid for 24 hours.'),
    identifierUris: Names('App-ID URIs, if the app itself is a resource.'),
    accessTokenVersion: TokenVersion({
      default: 2,
      description: '`requestedAccessTokenVersion` of the manifest, if the app is a resource.',
    }),
    scopes: Type.Array(ScopeSchema, { default: [], maxItems: 200, description: 'Delegated permissions it publishes.' }),
    appRoles: Names('Application permissions it publishes.'),
    permissions: Type.Array(
      Type.Object(
        {
          resource: Text('App id of the API.'),
          scopes: Names('Delegated permissions, by name.'),
          roles: Names('Application permissions, by name.'),
        },
        closed,
      ),
      { default: [], maxItems: 100, description: '`requiredResourceAccess` of the manifest.' },
    ),
    optionalClaims: Names('Optional claims on access tokens, such as `acct`.'),
    implicitIdToken: Flag(false, '`response_type=id_token` is allowed.'),
    implicitAccessToken: Flag(false, '`response_type=token` is allowed.'),
    secrets: Type.Array(
      Type.Object(
        {
          value: Text('Plain text.'),
          expires: Type.Optional(Type.String({ format: 'date-time', description: 'ISO 8601 date and time.' })),
        },
        closed,
      ),
      { default: [], maxItems: 20, description: 'Client secrets.' },
    ),
    certificates: Type.Array(Type.String({ format: 'certificate', maxLength: 20_000 }), {
      default: [],
      maxItems: 20,
      description: 'Certificates (PEM) that may sign client assertions.',
    }),
    approvedClientApp: Flag(false, 'Meets the policy control `approved-client-app`.'),
    appProtection: Flag(false, 'Meets the policy control `app-protection`.'),
    logoutUris: Names('Where `/logout` may return to, in addition to the redirect URIs.'),
  },
  closed,
);

export const ServicePrincipalSchema = Type.Object(
  {
    appId: Guid('App id of the resource or client.'),
    enabled: Flag(true, '`false`: 50001 as a resource.'),
    assignmentRequired: Flag(false, '`true`: 50105 for users that are not assigned.'),
    assigned: Users('User names or object ids.'),
    accessTokenVersion: Type.Optional(TokenVersion({ description: "Overrides the resource's own token version." })),
    optionalClaims: Names('Optional claims on access tokens for this resource.'),
  },
  closed,
);

export const ConsentSchema = Type.Object(
  {
    client: Guid('Client id.'),
    resource: Guid('App id of the API.'),
    scopes: Names('Names of delegated permissions.'),
    roles: Names('Names of application permissions.'),
    user: Type.Optional(Text('Object id of the consenting user. Default: consent for the whole tenant.')),
  },
  closed,
);

/** Controls of a Conditional Access policy; each fails with its own code, see docs/reference/aadsts-codes.md. */
const POLICY_CONTROLS = [
  'block',
  'mfa',
  'compliant-device',
  'domain-joined-device',
  'approved-client-app',
  'app-protection',
  'broker',
  'password-change',
  'external-challenge',
] as const;

export type PolicyControl = (typeof POLICY_CONTROLS)[number];

export const PolicySchema = Type.Object(
  {
    id: Type.Optional(Guid('`capolids` in `claims`. Default: derived from the name.')),
    displayName: Text('Display name.'),
    enabled: Flag(true, 'A disabled policy is kept and ignored.'),
    users: AllOr('user', '`all`, user names or object ids.'),
    excludeUsers: Users('User names or object ids.'),
    resources: AllOr('guid', '`all` or app ids of resources.'),
    excludeResources: Ids('App ids of resources.'),
    clients: AllOr('guid', '`all` or client ids.'),
    excludeClients: Ids('Client ids: an allow-list, with control `block`.'),
    authenticationContexts: Type.Array(Type.String({ format: 'auth-context' }), {
      default: [],
      maxItems: 99,
      description: '`c1` to `c99`: the policy applies only if the client requests that context.',
    }),
    risk: Type.Optional(
      Type.Array(Type.Enum(['low', 'medium', 'high'], {}), { description: 'Only users with such a risk.' }),
    ),
    controls: Type.Array(Type.Enum(POLICY_CONTROLS, {}), {
      default: [],
      description: 'Required controls.',
    }),
    operator: Type.Enum(['and', 'or'], {
      default: 'and',
      description: 'All controls, or one of them.',
    }),
    mfaFrequencySeconds: Type.Optional(Seconds('MFA older than this does not count: 50078.')),
    signInFrequencySeconds: Type.Optional(Seconds('Sign-ins older than this do not count: 70043 on refresh.')),
  },
  closed,
);

export const TenantSchema = Type.Object(
  {
    id: Guid('Tenant id (`tid`).'),
    displayName: Type.Optional(Text('Organization.')),
    domains: Type.Array(Type.String({ format: 'tenant-domain' }), {
      minItems: 1,
      maxItems: 100,
      description: 'Verified domains, the primary one first.',
    }),
    region: Type.String({ default: 'EU', maxLength: 8, description: '`tenant_region_scope` of the metadata.' }),
    federatedDomains: Type.Array(Type.String({ format: 'tenant-domain' }), {
      default: [],
      description: 'Domains whose users sign in at the organization’s mock STS.',
    }),
    securityDefaults: Flag(false, '`true`: the password grant fails with 530035.'),
    users: Type.Array(UserSchema, { default: [], maxItems: 100_000 }),
    devices: Type.Array(DeviceSchema, { default: [], maxItems: 100_000 }),
    applications: Type.Array(ApplicationSchema, { default: [], maxItems: 10_000 }),
    servicePrincipals: Type.Array(ServicePrincipalSchema, { default: [], maxItems: 10_000 }),
    consents: Type.Array(ConsentSchema, { default: [], maxItems: 100_000 }),
    policies: Type.Array(PolicySchema, { default: [], maxItems: 1000 }),
  },
  closed,
);

export const DirectorySchema = Type.Object(
  { tenants: Type.Array(TenantSchema, { minItems: 1, maxItems: 1000 }) },
  closed,
);

/** A delegated permission of an API for consent: from an app registration, or from Microsoft's own APIs. */
export interface PublishedScope {
  readonly value: string;
  readonly description?: string | undefined;
  readonly adminConsentRequired?: boolean | undefined;
}

export type User = Static<typeof UserSchema> & { readonly id: string; readonly displayName: string };
export type Device = Static<typeof DeviceSchema>;
export type Application = Static<typeof ApplicationSchema> & { readonly displayName: string };
export type ServicePrincipal = Static<typeof ServicePrincipalSchema>;
export type Consent = Static<typeof ConsentSchema>;
export type Policy = Static<typeof PolicySchema> & { readonly id: string };
