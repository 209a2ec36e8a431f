import type { FastifyPluginAsync } from 'fastify';
import type { TokenInspection } from '../../bearer/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** Checks a token as a login would: the gateway's own verifier. */
export type TokenInspector = (token: string) => Promise<TokenInspection>;

const Body = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 60_000, description: 'The access token alone, without `Bearer`.' }),
  },
  { additionalProperties: false },
);
const Refusal = Type.Object({
  reason: Type.String({ description: 'Stable id; docs/reference/tokens.md lists all.' }),
  explanation: Type.String({ description: 'The expected value, the actual value, and what to do.' }),
  details: Type.Record(Type.String(), Type.Unknown()),
});
const Check = Type.Object({
  name: Type.String(),
  claims: Type.Array(Type.String(), { description: 'Members of the header, or claims, that it checks.' }),
  wants: Type.String({ description: 'The expected value, as a sentence.' }),
  found: Type.Record(Type.String(), Type.String(), { description: 'The actual values by claim, shortened.' }),
  outcome: Type.Enum(['passed', 'failed', 'not reached']),
  explanation: Type.Optional(Type.String({ description: 'Why it failed.' })),
  reason: Type.Optional(Type.String()),
});
const Answer = Type.Object({
  ok: Type.Boolean({ description: 'Whether the gateway would accept the token.' }),
  policy: Type.Enum(['gateway', 'strict']),
  refusal: Type.Optional(Refusal),
  signed: Type.Boolean({ description: 'False: no known key signed it, so anyone may have written its claims.' }),
  header: Type.Record(Type.String(), Type.Unknown()),
  claims: Type.Record(Type.String(), Type.Unknown()),
  checks: Type.Array(Check, {
    description: 'In the order of a login. Checks after a failure run too, where possible.',
  }),
});

/** `POST /api/tokens/check`: all check results of a token. The token is not stored, and no response contains it. */
export function tokenCheckRoutes(inspect: TokenInspector): FastifyPluginAsync {
  const parts = {
    body: Body,
    answer: Answer,
    description: 'It uses the checks of the gateway itself. It logs no one in, and downloads no keys.',
  };
  return async (app) => {
    app.post('/', route('tokens', 'Check a token, with each claim and each check', parts), async ({ body }) =>
      inspect((body as Static<typeof Body>).token),
    );
  };
}
