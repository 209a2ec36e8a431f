import { type TSchema, Type } from '../../lib/schema/index.ts';

const closed = { additionalProperties: false } as const;
const Text = () => Type.Optional(Type.String({ minLength: 1, maxLength: 2048 }));
const Names = () => Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 2048 }), { maxItems: 10_000 }));
const Claims = () => Type.Optional(Type.Record(Type.String(), Type.Unknown()));
const Seconds = () => Type.Optional(Type.Integer({ minimum: -315_360_000, maximum: 315_360_000 }));
const OneOf = <const T extends string>(words: readonly T[]) => Type.Optional(Type.Enum<T[]>([...words]));
const Members = <T extends Record<string, TSchema>>(members: T) => Type.Object(members, closed);

/** The user of a token: `TokenUser` of the issuer. */
const TokenUserSchema = Members({
  objectId: Type.String({ minLength: 1, maxLength: 2048 }),
  userPrincipalName: Type.String({ minLength: 1, maxLength: 2048 }),
  displayName: Type.String({ minLength: 1, maxLength: 2048 }),
  givenName: Text(),
  familyName: Text(),
  email: Text(),
  guest: Type.Optional(Type.Boolean()),
  identityProvider: Text(),
});

/** Request for a test token: `TestTokenRequest` with the issuer's overrides. */
export const TestTokenSchema = Members({
  tenant: Text(),
  user: Text(),
  client: Text(),
  scope: Text(),
  overrides: Type.Optional(
    Members({
      version: OneOf(['1.0', '2.0']),
      issuer: Text(),
      tenantId: Text(),
      clientId: Text(),
      audience: Text(),
      authMethods: Names(),
      ipAddress: Type.Optional(Type.String({ format: 'ip' })),
      authTime: Type.Optional(Type.Integer({ minimum: 0, maximum: 253_402_300_799 })),
      sessionId: Text(),
      optionalClaims: Names(),
      extraClaims: Claims(),
      lifetime: Seconds(),
      clockOffset: Seconds(),
      claims: Claims(),
      header: Claims(),
      user: Type.Optional(TokenUserSchema),
      scopes: Names(),
      roles: Names(),
      groups: Names(),
      directoryRoles: Names(),
      authContexts: Names(),
      capabilities: Names(),
      clientProof: OneOf(['none', 'secret', 'certificate']),
      servicePrincipalId: Text(),
    }),
  ),
});
