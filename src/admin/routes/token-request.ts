import { WRONG_TOKEN_NAMES } from '../../entra/tokens/wrong-token.ts';
import { Type } from '../../lib/schema/index.ts';

const Name = () => Type.Optional(Type.String({ minLength: 1, maxLength: 2048 }));

/** The body of `POST /tokens`: `TokenRequest` as JSON. */
export const TokenRequestSchema = Type.Object(
  {
    user: Name(),
    tenant: Name(),
    client: Name(),
    version: Type.Optional(Type.Enum(['1.0', '2.0'], { noun: 'token version' })),
    audience: Name(),
    scopes: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 2048 }), { maxItems: 1000 })),
    wrong: Type.Optional(Type.Enum([...WRONG_TOKEN_NAMES], { noun: 'deliberately wrong token' })),
    claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    expiresIn: Type.Optional(Type.Integer({ minimum: -315_360_000, maximum: 315_360_000 })),
  },
  { additionalProperties: false },
);
