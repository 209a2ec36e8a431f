import { createHmac, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { TokenRefusalReason } from '../../bearer/types.ts';
import { TunneliteError } from '../../lib/errors.ts';
import type { SigningKey } from './signing-keys.ts';
import type { AccessTokenRequest, Claims } from './token-claims.ts';
import { type TokenIssuer, tokenHeader } from './token-issuer.ts';

/** The expected verdict of a policy on a token. */
export type ExpectedVerdict = TokenRefusalReason | 'accepted';

/** One deliberately wrong token. */
export interface WrongToken {
  /** The defect in words, for help texts. */
  readonly summary: string;
  readonly gateway: ExpectedVerdict;
  readonly strict: ExpectedVerdict;
  make(tools: Tools): string | Promise<string>;
}

/** Input for wrong tokens: a request for a valid token, its claims and header, and two keys. */
interface Tools {
  readonly claims: Readonly<Claims>;
  readonly header: Readonly<Claims>;
  readonly key: SigningKey;
  /** Seconds since the Unix epoch. */
  readonly now: number;
  /** The same token with these claims and a valid signature. `undefined` removes a claim. */
  claim(changes: Readonly<Claims>): string;
  /** The same token with these header members and a valid signature. */
  head(changes: Readonly<Claims>): string;
  /** Any strings as header and payload, with a valid signature. */
  raw(header: string, payload: string): string;
  /** A private key that does not belong to the issuer. */
  foreign(): Promise<KeyObject>;
}

const FOREIGN_TENANT = '0badbad0-0bad-4bad-8bad-0badbad0bad0';
const ELSEWHERE = 'https://attacker.invalid/keys';

const json = JSON.stringify;
const b64 = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** RS256 over any two strings, for tokens that no library would create. */
function signed(header: string, payload: string, key: KeyObject): string {
  const input = `${b64(header)}.${b64(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
}

const foreignKeyPair = promisify(generateKeyPair);
let foreignKey: Promise<KeyObject> | undefined;

function foreign(): Promise<KeyObject> {
  foreignKey ??= foreignKeyPair('rsa', { modulusLength: 2048 }).then((pair) => pair.privateKey);
  return foreignKey;
}

function inTenant(iss: unknown, from: unknown, to: string): string {
  return String(iss).replace(String(from), to);
}

/** The issuer of the other token version: `https://host/{tid}/v2.0` and `https://host/{tid}/`. */
function otherVersion(iss: unknown): string {
  const text = String(iss);
  return text.endsWith('/v2.0') ? text.slice(0, -'v2.0'.length) : `${text}v2.0`;
}

/**
 * All deliberately wrong tokens by name, with each policy's verdict: the table behind
 * `tunnelite token --wrong`, `docs/reference/tokens.md` and the tests.
 */
export const WRONG_TOKENS = {
  aud: {
    summary: 'for another API (Microsoft Graph)',
    gateway: 'audience',
    strict: 'audience',
    make: ({ claim }) => claim({ aud: '00000003-0000-0000-c000-000000000000' }),
  },
  'aud-array': {
    summary: 'the correct audience, but as a list with one entry',
    gateway: 'audience',
    strict: 'audience',
    make: ({ claim, claims }) => claim({ aud: [claims.aud] }),
  },
  iss: {
    summary: 'from another issuer, with a valid signature',
    gateway: 'issuer',
    strict: 'issuer',
    make: ({ claim, claims }) => claim({ iss: `https://issuer.invalid/${String(claims.tid)}/v2.0` }),
  },
  tid: {
    summary: 'from another tenant (tid and iss agree), signed with the correct key',
    gateway: 'tenant',
    strict: 'tenant',
    make: ({ claim, claims }) => claim({ tid: FOREIGN_TENANT, iss: inTenant(claims.iss, claims.tid, FOREIGN_TENANT) }),
  },
  'v1-v2': {
    summary: 'one version, with the issuer of the other',
    gateway: 'accepted',
    strict: 'issuer',
    make: ({ claim, claims }) => claim({ iss: otherVersion(claims.iss) }),
  },
  sig: {
    summary: 'one bit of the signature changed',
    gateway: 'signature',
    strict: 'signature',
    make: ({ claim }) => {
      const [header, payload, signature] = claim({}).split('.') as [string, string, string];
      const bytes = Buffer.from(signature, 'base64url');
      bytes[7] = bytes[7]! ^ 1;
      return `${header}.${payload}.${bytes.toString('base64url')}`;
    },
  },
  'foreign-key': {
    summary: 'signed with a foreign key, under the correct kid',
    gateway: 'signature',
    strict: 'signature',
    make: async ({ header, claims, foreign }) => signed(json(header), json(claims), await foreign()),
  },
  'alg-none': {
    summary: 'alg "none", no signature',
    gateway: 'algorithm',
    strict: 'algorithm',
    make: ({ header, claims }) => `${b64(json({ ...header, alg: 'none' }))}.${b64(json(claims))}.`,
  },
  hs256: {
    summary: 'alg HS256, with the public key as the shared secret',
    gateway: 'algorithm',
    strict: 'algorithm',
    make: ({ header, claims, key }) => {
      const input = `${b64(json({ ...header, alg: 'HS256' }))}.${b64(json(claims))}`;
      const secret = key.publicKey.export({ format: 'pem', type: 'spki' });
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
  },
  kid: {
    summary: 'a kid that no key set has',
    gateway: 'unknown-key',
    strict: 'unknown-key',
    make: ({ head }) => head({ kid: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA' }),
  },
  'no-kid': {
    summary: 'no kid in the header',
    gateway: 'no-key-id',
    strict: 'no-key-id',
    make: ({ head }) => head({ kid: undefined }),
  },
  typ: {
    summary: 'typ "at+jwt" instead of "JWT"',
    gateway: 'type',
    strict: 'type',
    make: ({ head }) => head({ typ: 'at+jwt' }),
  },
  expired: {
    summary: 'expired ten minutes ago',
    gateway: 'expired',
    strict: 'expired',
    make: ({ claim, now }) => claim({ iat: now - 4200, nbf: now - 4200, exp: now - 600 }),
  },
  'just-expired': {
    summary: 'expired two seconds ago: the gateway allows no clock skew',
    gateway: 'expired',
    strict: 'accepted',
    make: ({ claim, now }) => claim({ iat: now - 3602, nbf: now - 3602, exp: now - 2 }),
  },
  'not-yet': {
    summary: 'valid from ten minutes from now',
    gateway: 'not-yet-valid',
    strict: 'not-yet-valid',
    make: ({ claim, now }) => claim({ iat: now + 600, nbf: now + 600, exp: now + 4200 }),
  },
  'no-exp': {
    summary: 'without exp',
    gateway: 'claim',
    strict: 'claim',
    make: ({ claim }) => claim({ exp: undefined }),
  },
  'fraction-time': {
    summary: 'nbf with half a second',
    gateway: 'claim',
    strict: 'claim',
    make: ({ claim, now }) => claim({ nbf: now - 0.5 }),
  },
  'no-scp': {
    summary: 'for a user, without any permission (scp)',
    gateway: 'accepted',
    strict: 'scope',
    make: ({ claim }) => claim({ scp: undefined }),
  },
  scp: {
    summary: 'with another permission than Tunnel_Allow',
    gateway: 'accepted',
    strict: 'scope',
    make: ({ claim }) => claim({ scp: 'User.Read' }),
  },
  'app-only': {
    summary: 'for an application without a user (client credentials)',
    gateway: 'accepted',
    strict: 'app-only',
    make: ({ claims, claim }) => {
      const id = claims.azp ?? claims.appid;
      const user = {
        name: undefined,
        preferred_username: undefined,
        upn: undefined,
        unique_name: undefined,
        amr: undefined,
      };
      return claim({ ...user, scp: undefined, acct: undefined, idtyp: 'app', oid: id, sub: id });
    },
  },
  guest: {
    summary: 'for a guest of the tenant (acct 1)',
    gateway: 'accepted',
    strict: 'guest',
    make: ({ claim }) => claim({ acct: 1, idp: `https://sts.windows.net/${FOREIGN_TENANT}/` }),
  },
  'no-oid': {
    summary: 'without oid, the claim that becomes the user name',
    gateway: 'claim',
    strict: 'claim',
    make: ({ claim }) => claim({ oid: undefined }),
  },
  jwk: {
    summary: 'signed with a foreign key that the header embeds (jwk)',
    gateway: 'signature',
    strict: 'signature',
    make: async ({ header, claims, foreign }) => {
      const key = await foreign();
      const { n, e } = key.export({ format: 'jwk' });
      return signed(json({ ...header, jwk: { kty: 'RSA', n, e } }), json(claims), key);
    },
  },
  jku: {
    summary: 'signed with a foreign key, jku pointing to its key set',
    gateway: 'signature',
    strict: 'signature',
    make: async ({ header, claims, foreign }) =>
      signed(json({ ...header, jku: ELSEWHERE }), json(claims), await foreign()),
  },
  x5u: {
    summary: 'signed with a foreign key, x5u pointing to its certificate',
    gateway: 'signature',
    strict: 'signature',
    make: async ({ header, claims, foreign }) =>
      signed(json({ ...header, x5u: ELSEWHERE }), json(claims), await foreign()),
  },
  crit: {
    summary: 'valid signature, with an unknown critical header extension',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ head }) => head({ crit: ['urn:example:extension'], 'urn:example:extension': true }),
  },
  b64: {
    summary: 'with an unencoded payload (RFC 7797)',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ head }) => head({ crit: ['b64'], b64: false }),
  },
  'duplicate-claim': {
    summary: 'valid signature, with two aud claims, the second one correct',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ raw, header, claims }) =>
      raw(json(header), json(claims).replace('{', '{"aud":"00000003-0000-0000-c000-000000000000",')),
  },
  nested: {
    summary: 'valid signature, with another token as its payload',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ raw, header, claim }) => raw(json({ ...header, cty: 'JWT' }), claim({})),
  },
  'not-json': {
    summary: 'valid signature, with a payload that is not JSON',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ raw, header }) => raw(json(header), 'aud=everything'),
  },
  encrypted: {
    summary: 'five parts, as an encrypted token has',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ claim }) => `${claim({})}.AAAA.AAAA`,
  },
  segments: {
    summary: 'two parts: the signature is missing',
    gateway: 'malformed',
    strict: 'malformed',
    make: ({ claim }) => claim({}).split('.').slice(0, 2).join('.'),
  },
  garbage: {
    summary: 'no token at all, but three parts of text',
    gateway: 'malformed',
    strict: 'malformed',
    make: () => 'this.is.not-a-token',
  },
  '8kb': {
    summary: 'valid, but longer than 8 KiB, as with many groups or roles',
    gateway: 'accepted',
    strict: 'accepted',
    make: ({ claim }) => claim({ roles: Array.from({ length: 130 }, (_, i) => `Role.${i}.${'x'.repeat(40)}`) }),
  },
  '1mb': {
    summary: 'valid signature, one mebibyte long',
    gateway: 'too-large',
    strict: 'too-large',
    make: ({ claim }) => claim({ padding: 'x'.repeat(786_432) }),
  },
} as const satisfies Readonly<Record<string, WrongToken>>;

export type WrongTokenName = keyof typeof WRONG_TOKENS;

/** Names for help texts and for checking arguments. */
export const WRONG_TOKEN_NAMES = Object.keys(WRONG_TOKENS) as readonly WrongTokenName[];

/**
 * Creates a token with exactly one defect.
 *
 * @param request for a valid token; its `ver` and issuer are kept unless they are the defect
 * @throws TunneliteError `ERR_IDENTITY_WRONG_TOKEN` for an unknown name
 * @example
 * ```ts
 * const token = await makeWrongToken('expired', issuer, request);
 * ```
 */
export async function makeWrongToken(name: string, issuer: TokenIssuer, request: AccessTokenRequest): Promise<string> {
  if (!Object.hasOwn(WRONG_TOKENS, name)) {
    throw new TunneliteError('ERR_IDENTITY_WRONG_TOKEN', `There is no deliberately wrong token "${name}".`, {
      hint: `Use one of: ${WRONG_TOKEN_NAMES.join(', ')}.`,
    });
  }
  const wrong: WrongToken = WRONG_TOKENS[name as WrongTokenName];
  const { claims } = await issuer.accessToken(request);
  const key = issuer.keys.current;
  const header = tokenHeader(request.version, key.kid, request.header);
  const raw = (head: string, payload: string): string => signed(head, payload, key.privateKey);
  return wrong.make({
    claims,
    header,
    key,
    now: issuer.now(),
    raw,
    foreign,
    claim: (changes) => raw(json(header), json({ ...claims, ...changes })),
    head: (changes) => raw(json({ ...header, ...changes }), json(claims)),
  });
}
