import { type Cause, cause } from '../visit/cause.ts';

/** What to do about each failed token check. */
interface Check {
  readonly title: string;
  readonly why: string;
  readonly next: readonly string[];
  readonly docs?: readonly string[];
}

const FRESH = '`tunnelite token` prints a good one, to compare both claim by claim.';
const SCOPE = 'The scope of the product is 3678c9e9-9681-447a-974d-d19f668fcd88/.default.';

/** By the reason of `auth.refused`. */
const CHECKS: Readonly<Record<string, Check>> = {
  missing: {
    title: 'The token is empty',
    why: 'The header was there, and nothing in it.',
    next: ['See whether the client got a token at all: its sign-in may have failed without a message.'],
  },
  malformed: {
    title: 'What was sent is no token',
    why: 'A token has three parts of base64url with dots between them. It was cut, wrapped, quoted or re-encoded on its way, or it is something else, such as a refresh token.',
    next: [
      'Send the access token as the token endpoint gave it, without quotes and line ends.',
      'With openconnect: --token-secret=@FILE.',
    ],
  },
  'too-large': {
    title: 'The token is too long',
    why: 'Tokens grow with groups and roles.',
    next: ['Have fewer groups in the token, or assign them to the app only.'],
    docs: ['docs/explanation/security.md'],
  },
  algorithm: {
    title: 'The token is not signed as it has to be',
    why: 'Only signatures by the issuer’s own key pair count. Tokens without one, or with a shared secret, could be made by anyone.',
    next: ['Get the token from Entra ID; do not make it yourself.'],
  },
  type: {
    title: 'The token is of another type',
    why: 'Entra ID writes "JWT" into the header; other issuers write other things there.',
    next: ['Sign in at the authority that the gateway is configured for.'],
  },
  'no-key-id': {
    title: 'The token does not name its key',
    why: 'Without kid no key can be chosen. Entra ID always names it.',
    next: ['Get the token from Entra ID.'],
  },
  'unknown-key': {
    title: 'The key of the token is not known',
    why: 'The token is of another tenant or another instance, or keys were rolled over and the gateway has not fetched the new ones yet.',
    next: [
      'Sign in again, and try twice: after a rollover the first login fails, as with the real gateway.',
      'Do not use tokens of another instance: each has keys of its own.',
    ],
  },
  'keys-unavailable': {
    title: 'The gateway has no keys to check tokens with',
    why: 'The keys of the authority could not be fetched.',
    next: [
      'Look at identity.keys.failed in the journal: `tunnelite journal identity.keys.*`.',
      'Check identity.authority, and that this machine reaches it.',
    ],
  },
  signature: {
    title: 'The signature of the token is wrong',
    why: 'The token was changed after it was signed, or somebody else signed it under the name of this key.',
    next: [
      'Send the token unchanged: no part of it may be edited, not even for a test. `tunnelite token --wrong` makes wrong ones.',
    ],
  },
  issuer: {
    title: 'The token is of another issuer',
    why: 'The client signed in somewhere else than the gateway expects: another tenant, another cloud, or the other version of the endpoint.',
    next: ['Compare the authority of the client with `tunnelite status`.'],
  },
  'key-issuer': {
    title: 'The key of the token belongs to another tenant',
    why: 'A key that is published for one tenant does not speak for another.',
    next: ['Sign in at the authority of the tenant itself, not at another one’s.'],
  },
  audience: {
    title: 'The token is for another API',
    why: 'The client asked for another scope, such as Microsoft Graph’s (User.Read).',
    next: [
      `Ask for the right scope. ${SCOPE}`,
      'With MSAL: one token request for each API; scopes of two APIs do not go together.',
    ],
  },
  tenant: {
    title: 'The token is of another tenant',
    why: 'The user signed in with an account of another tenant, often at /common or /organizations.',
    next: ['Sign in at the authority of the tenant itself.'],
  },
  scope: {
    title: 'The token lacks the permission for the tunnel',
    why: 'The app was not given Tunnel_Allow, nobody consented to it, or the token was asked for without it.',
    next: [
      `Add the permission to the app registration, consent to it, and ask for .default. ${SCOPE}`,
      '`tunnelite app check` looks at an app registration.',
    ],
    docs: ['docs/reference/identity.md'],
  },
  'not-yet-valid': {
    title: 'The token is not valid yet',
    why: 'The clock of the issuer is ahead of the gateway’s, which allows no skew.',
    next: ['Compare the clocks; `tunnelite clock` shows the simulator’s.'],
    docs: ['docs/how-to/testing.md'],
  },
  expired: {
    title: 'The token has expired',
    why: 'The client sent an old token, often one out of a cache. The gateway allows no clock skew.',
    next: [
      'Get a fresh token before each connect: with MSAL, acquireTokenSilent does so by itself.',
      'Compare the clocks; `tunnelite clock` shows whether the simulator’s was moved.',
    ],
  },
  claim: {
    title: 'A claim is missing, or is not what it has to be',
    why: 'The configuration asks for this claim, or the user’s name is taken from it.',
    next: [
      'Add it as an optional claim of the app registration, or change what is asked for (identity.requiredClaims).',
    ],
    docs: ['docs/reference/identity.md'],
  },
  'app-only': {
    title: 'The token is of an app without a user',
    why: 'It was got by client credentials. A tunnel belongs to a person.',
    next: ['Sign a user in: interactively, by device code, or in tests by password.'],
    docs: ['docs/reference/identity.md'],
  },
  guest: {
    title: 'The user is a guest of the tenant',
    why: 'The strict policy takes members only.',
    next: ['Sign in with an account of the tenant, or accept guests (identity.strict.guests).'],
    docs: ['docs/reference/identity.md'],
  },
  revoked: {
    title: 'The token was revoked',
    why: 'It is on the list of tokens that count no more.',
    next: ['Sign in again.'],
  },
};

function tokenCause(reason: string, { title, why, next, docs = [] }: Check): Cause {
  return cause({
    id: `token-${reason}`,
    area: 'token',
    weight: 'fatal',
    title,
    on: 'auth.refused',
    when: (fields) => fields.reason === reason,
    what: ({ explanation, claim, found, wanted }) => {
      const values = [claim && `checked: ${claim}`, found && `found: ${found}`, wanted && `wanted: ${wanted}`];
      const told = values.filter((one) => one !== undefined);
      return `The gateway answered 401 and did not say why, as the real one does. ${explanation}${told.length > 0 ? ` (${told.join('; ')})` : ''}`;
    },
    why,
    next: reason === 'missing' ? next : [...next, FRESH],
    docs: ['docs/reference/tokens.md', ...docs],
  });
}

export const TOKEN_CAUSES: readonly Cause[] = [
  cause({
    id: 'token-none',
    area: 'token',
    weight: 'fatal',
    title: 'The client has no token',
    on: 'auth.challenge',
    when: (_, { visit, event }) =>
      !visit.has('auth.accepted', { after: event.seq }) && !visit.has('auth.refused', { after: event.seq }),
    what: 'It was asked for a token (401 with WWW-Authenticate: Bearer), and sent none.',
    why: (_, { visit }) =>
      visit.client.kind === 'openconnect'
        ? 'openconnect sends one only if it is told to.'
        : 'The client does not know the scheme Bearer, or its sign-in did not bring a token.',
    next: (_, { visit }) => [
      ...(visit.client.kind === 'openconnect'
        ? [
            'openconnect --protocol=anyconnect --http-auth=Bearer --token-mode=oidc --token-secret=@FILE, with the file that `tunnelite token --output FILE` writes.',
          ]
        : ['See whether the sign-in of the client worked: `tunnelite journal identity.*`.']),
    ],
    docs: ['docs/reference/tokens.md', 'docs/reference/protocol.md'],
  }),
  cause({
    id: 'token-scheme',
    area: 'token',
    weight: 'fatal',
    title: 'The login is not by Bearer token',
    on: 'auth.refused',
    when: ({ reason }) => reason === 'scheme',
    what: ({ explanation }) => explanation,
    why: 'The client sent a user name and a password, or a header that was put together wrongly. The gateway takes tokens of Entra ID only.',
    next: ['Send Authorization: Bearer, one space, and the token.'],
    docs: ['docs/reference/protocol.md', 'docs/reference/tokens.md'],
  }),
  cause({
    id: 'token-repeated',
    area: 'token',
    weight: 'fatal',
    title: 'A second login on the same connection',
    on: 'auth.refused',
    when: ({ reason }) => reason === 'repeated',
    what: ({ explanation }) => explanation,
    why: 'A connection logs in once; after that comes CONNECT.',
    next: ['Open a new connection for another login.'],
    docs: ['docs/reference/protocol.md'],
  }),
  ...Object.entries(CHECKS).map(([reason, check]) => tokenCause(reason, check)),
];
