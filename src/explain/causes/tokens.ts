import { type Cause, cause } from '../visit/cause.ts';

/** What to do about each failed token check. */
interface Check {
  readonly title: string;
  readonly why: string;
  readonly next: readonly string[];
  readonly docs?: readonly string[];
}

const FRESH = '`tunnelite token` prints a valid one, to compare claim by claim.';
const SCOPE = 'The scope for the tunnel is 3678c9e9-9681-447a-974d-d19f668fcd88/.default.';

/** By the reason of `auth.refused`. */
const CHECKS: Readonly<Record<string, Check>> = {
  missing: {
    title: 'The token is empty',
    why: 'The header was present but empty.',
    next: ['Check whether the client got a token: its sign-in may have failed silently.'],
  },
  malformed: {
    title: 'The value sent is not a token',
    why: 'A token has three parts of base64url, separated by dots. This one was truncated, wrapped, quoted or re-encoded, or is something else, such as a refresh token.',
    next: [
      'Send the access token as returned by the token endpoint, without quotes and line ends.',
      'With openconnect: --token-secret=@FILE.',
    ],
  },
  'too-large': {
    title: 'The token is too long',
    why: 'Tokens grow with groups and roles.',
    next: ['Reduce the groups in the token, or include only those assigned to the app.'],
    docs: ['docs/explanation/security.md'],
  },
  algorithm: {
    title: 'The token is not signed as required',
    why: 'Only signatures with the issuer’s key pair are accepted. Anyone could create tokens without a signature, or with a shared secret.',
    next: ['Get the token from Entra ID; do not create it yourself.'],
  },
  type: {
    title: 'The token has another type',
    why: 'Tokens of Entra ID have the type "JWT"; those of other issuers may have another one.',
    next: ['Sign in at the authority that the gateway is configured with.'],
  },
  'no-key-id': {
    title: 'The token does not name its key',
    why: 'Without kid the key is unknown. Tokens of Entra ID always have it.',
    next: ['Get the token from Entra ID.'],
  },
  'unknown-key': {
    title: 'The key of the token is unknown',
    why: 'The token is from another tenant or instance, or keys were rolled over and the gateway has not downloaded the new ones yet.',
    next: [
      'Sign in again, and try twice: after a rollover, the first login fails, as with the real gateway.',
      'Do not use tokens from another instance: each has its own keys.',
    ],
  },
  'keys-unavailable': {
    title: 'The gateway has no keys to check tokens',
    why: 'The keys of the authority could not be downloaded.',
    next: [
      'Check identity.keys.failed in the journal: `tunnelite journal identity.keys.*`.',
      'Check identity.authority, and that this machine can reach it.',
    ],
  },
  signature: {
    title: 'The signature of the token is wrong',
    why: 'The token was modified after it was signed, or signed with another key under this key id.',
    next: ['Send the token unchanged. To test wrong tokens, use `tunnelite token --wrong`.'],
  },
  issuer: {
    title: 'The token is from another issuer',
    why: 'The client signed in elsewhere than the gateway expects: at another tenant, another cloud, or the other version of the endpoint.',
    next: ['Compare the client’s authority with `tunnelite status`.'],
  },
  'key-issuer': {
    title: 'The key of the token belongs to another tenant',
    why: 'A key that is published for one tenant is not valid for another.',
    next: ['Sign in at the authority of the tenant itself.'],
  },
  audience: {
    title: 'The token is for another API',
    why: 'The client requested another scope, such as Microsoft Graph’s (User.Read).',
    next: [
      `Request the right scope. ${SCOPE}`,
      'With MSAL: send one token request per API; scopes of two APIs cannot be combined.',
    ],
  },
  tenant: {
    title: 'The token is from another tenant',
    why: 'The user signed in with an account of another tenant, often at /common or /organizations.',
    next: ['Sign in at the authority of the tenant itself.'],
  },
  scope: {
    title: 'The token lacks the permission for the tunnel',
    why: 'The app does not have Tunnel_Allow, there is no consent to it, or the token was requested without it.',
    next: [
      `Add the permission to the app registration, consent to it, and request .default. ${SCOPE}`,
      '`tunnelite app check` checks an app registration.',
    ],
    docs: ['docs/reference/identity.md'],
  },
  'not-yet-valid': {
    title: 'The token is not valid yet',
    why: 'The clock of the issuer is ahead of the gateway’s, which allows no skew.',
    next: ['Compare the clocks; `tunnelite clock` shows the simulator’s clock.'],
    docs: ['docs/how-to/testing.md'],
  },
  expired: {
    title: 'The token has expired',
    why: 'The client sent an old token, often from a cache. The gateway allows no clock skew.',
    next: [
      'Get a new token before each connection: with MSAL, acquireTokenSilent does so automatically.',
      'Compare the clocks; `tunnelite clock` shows whether the simulator’s was moved.',
    ],
  },
  claim: {
    title: 'A claim is missing or has the wrong value',
    why: 'The configuration requires this claim, or the user’s name comes from it.',
    next: [
      'Add it as an optional claim of the app registration, or change the required claims (identity.requiredClaims).',
    ],
    docs: ['docs/reference/identity.md'],
  },
  'app-only': {
    title: 'The token is for an app without a user',
    why: 'It was issued for client credentials. A tunnel belongs to a person.',
    next: ['Sign in a user: interactively, with a device code, or in tests with a password.'],
    docs: ['docs/reference/identity.md'],
  },
  guest: {
    title: 'The user is a guest of the tenant',
    why: 'The strict policy accepts only members.',
    next: ['Sign in with a member account of the tenant, or accept guests (identity.strict.guests).'],
    docs: ['docs/reference/identity.md'],
  },
  revoked: {
    title: 'The token was revoked',
    why: 'It is on the revocation list.',
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
      return `The gateway answered 401 without a reason, like the real one. ${explanation}${told.length > 0 ? ` (${told.join('; ')})` : ''}`;
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
    what: 'It was asked for a token (401 with WWW-Authenticate: Bearer) and sent none.',
    why: (_, { visit }) =>
      visit.client.kind === 'openconnect'
        ? 'openconnect sends one only with the right options.'
        : 'The client does not support the scheme Bearer, or its sign-in returned no token.',
    next: (_, { visit }) => [
      ...(visit.client.kind === 'openconnect'
        ? [
            'openconnect --protocol=anyconnect --http-auth=Bearer --token-mode=oidc --token-secret=@FILE, with the file that `tunnelite token --output FILE` writes.',
          ]
        : ['Check whether the client’s sign-in succeeded: `tunnelite journal identity.*`.']),
    ],
    docs: ['docs/reference/tokens.md', 'docs/reference/protocol.md'],
  }),
  cause({
    id: 'token-scheme',
    area: 'token',
    weight: 'fatal',
    title: 'The login does not use a Bearer token',
    on: 'auth.refused',
    when: ({ reason }) => reason === 'scheme',
    what: ({ explanation }) => explanation,
    why: 'The client sent a user name and a password, or a malformed header. The gateway accepts only tokens of Entra ID.',
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
    why: 'A connection logs in once; the next request must be CONNECT.',
    next: ['Open a new connection for another login.'],
    docs: ['docs/reference/protocol.md'],
  }),
  ...Object.entries(CHECKS).map(([reason, check]) => tokenCause(reason, check)),
];
