import { X509Certificate } from 'node:crypto';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import * as errors from 'jose/errors';
import { decodeJwt } from 'jose/jwt/decode';
import { jwtVerify } from 'jose/jwt/verify';
import { ownString } from '../../lib/own-string.ts';
import type { Authority } from '../context/authority.ts';
import type { IdentityContext, RequestContext } from '../context/context.ts';
import { Grants } from '../context/grants.ts';
import type { Application } from '../directory/schema.ts';
import { CONSUMER_TENANT_NAME } from '../directory/well-known.ts';
import type { AadstsCode } from '../errors/aadsts.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { equalText } from './users.ts';

/** A known client and its authentication method. */
export interface Client {
  readonly app: Application;
  readonly proof: 'none' | 'secret' | 'certificate';
}

/**
 * Finds the app registration of a client ID at an authority.
 *
 * @throws AadstsError 700016 unknown, 70001 disabled, 50194 single-tenant at an alias
 */
export function findClient(context: IdentityContext, authority: Authority, clientId: string): Omit<Client, 'proof'> {
  const app = context.directory.findApplication(clientId, authority.tenant);
  if (!app) {
    const tenant = authority.tenant?.settings.displayName ?? CONSUMER_TENANT_NAME;
    throw new AadstsError(700016, { client: clientId, tenant });
  }
  if (!app.enabled) throw new AadstsError(70001, { client: app.appId });
  if (!authority.tenant && app.signInAudience === 'AzureADMyOrg') {
    throw new AadstsError(50194, { client: app.appId, name: app.displayName });
  }
  return { app };
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const MAX_ASSERTION_SECONDS = 86_400;

/**
 * Finds the client of a token request and checks its credential: `client_secret` in body or Basic header, or a signed
 * `client_assertion`. A client is public if its registration allows it and this request could come from a public client (a single-page
 * app counts too).
 *
 * @param publicAllowed whether a public client can use this grant without a credential
 */
export async function authenticateClient(
  context: IdentityContext,
  request: RequestContext,
  publicAllowed: boolean,
): Promise<Client> {
  const { parameters } = request;
  const basic = basicCredentials(request.authorization);
  const assertion = parameters.get('client_assertion');
  const clientId = parameters.get('client_id') ?? basic?.id ?? assertionSubject(assertion);
  if (clientId === undefined) throw new AadstsError(900144, { field: 'client_id' });
  const found = findClient(context, request.authority, clientId);
  const secret = parameters.get('client_secret') ?? basic?.secret;
  if (assertion !== undefined) {
    if (found.app.publicClient) throw new AadstsError(700025, {});
    await checkAssertion(context, request, found.app, assertion);
    return { ...found, proof: 'certificate' };
  }
  if (secret !== undefined) {
    if (found.app.publicClient) throw new AadstsError(700025, {});
    checkSecret(context, found.app, secret);
    return { ...found, proof: 'secret' };
  }
  if (!publicAllowed || !found.app.publicClient) throw new AadstsError(7000218);
  return { ...found, proof: 'none' };
}

/** `client_secret_basic`: both parts are form-encoded before they are joined (RFC 6749 §2.3.1). */
function basicCredentials(header: string | undefined): { id: string; secret: string } | undefined {
  const match = /^Basic ([A-Za-z0-9+/=]{1,8192})$/i.exec(header ?? '');
  if (!match) return undefined;
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  try {
    const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '));
    return { id: ownString(decode(text.slice(0, colon))), secret: decode(text.slice(colon + 1)) };
  } catch {
    throw new AadstsError(9002313);
  }
}

function assertionSubject(assertion: string | undefined): string | undefined {
  if (assertion === undefined) return undefined;
  try {
    return decodeJwt(assertion).sub;
  } catch {
    throw new AadstsError(50027);
  }
}

function checkSecret(context: IdentityContext, app: Application, secret: string): void {
  const match = app.secrets.find((known) => equalText(known.value, secret));
  if (!match) throw new AadstsError(7000215, { client: app.appId });
  if (match.expires !== undefined && Date.parse(match.expires) <= context.clock.now()) {
    throw new AadstsError(7000222, { client: app.appId });
  }
}

/**
 * Checks a client assertion: certificate of the registration, audience, subject, times, and, if configured, that it was
 * not used before (RFC 7523 §3).
 */
async function checkAssertion(
  context: IdentityContext,
  request: RequestContext,
  app: Application,
  assertion: string,
): Promise<void> {
  if (request.parameters.get('client_assertion_type') !== ASSERTION_TYPE) {
    throw new AadstsError(900144, { field: 'client_assertion_type' });
  }
  const now = context.clock.now();
  let lifetimeLeft: number;
  try {
    const { payload } = await jwtVerify(assertion, certificateKey(app, assertion), {
      algorithms: ['RS256', 'PS256', 'ES256'],
      issuer: app.appId,
      subject: app.appId,
      audience: assertionAudiences(context, request),
      requiredClaims: ['exp'],
      currentDate: new Date(now),
      clockTolerance: 300,
    });
    lifetimeLeft = Math.max(0, payload.exp! - now / 1000) + 300;
    if (lifetimeLeft > MAX_ASSERTION_SECONDS) throw new AadstsError(700024);
  } catch (error) {
    throw assertionError(error);
  }
  if (context.behaviour.assertionReplay === 'allow') return;
  // Hashes the signed part, not the whole string: a signature has several spellings (padding, unused bits), and an ECDSA signature
  // can even be converted into another valid one.
  const key = Grants.key(assertion.slice(0, assertion.lastIndexOf('.')));
  if (context.grants.assertions.get(key)) throw new AadstsError(70049);
  context.grants.assertions.set(key, true, lifetimeLeft);
}

/** The problem with an assertion, by the claim that does not match. */
const CLAIM_ERRORS: Readonly<Record<string, AadstsCode>> = {
  iss: 700021,
  sub: 700021,
  aud: 700023,
  nbf: 700024,
  exp: 700024,
  iat: 700024,
};

function assertionError(error: unknown): AadstsError {
  if (error instanceof AadstsError) return error;
  if (error instanceof errors.JWTExpired) return new AadstsError(700024);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new AadstsError(CLAIM_ERRORS[error.claim] ?? 50027);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed) {
    return new AadstsError(700027);
  }
  return new AadstsError(50027);
}

function certificateKey(app: Application, assertion: string): ReturnType<typeof publicKeyOf> {
  const header = decodeProtectedHeader(assertion);
  const certificates = app.certificates.map((pem) => new X509Certificate(pem));
  const named = namedThumbprints(header);
  const match = certificates.find((certificate) =>
    thumbprints(certificate).some((print) => named.some((bytes) => bytes.equals(print))),
  );
  if (!match) throw new AadstsError(700027);
  return publicKeyOf(match);
}

function publicKeyOf(certificate: X509Certificate): X509Certificate['publicKey'] {
  return certificate.publicKey;
}

/** SHA-1 and SHA-256 thumbprints of a certificate. */
function thumbprints(certificate: X509Certificate): Buffer[] {
  return [certificate.fingerprint, certificate.fingerprint256].map((print) =>
    Buffer.from(print.replaceAll(':', ''), 'hex'),
  );
}

const HEXADECIMAL = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * Decodes `x5t`, `x5t#S256` and `kid`. Libraries write them as base64 in either alphabet, padded or not (RFC 7515
 * §4.1.7 requires URL-safe without padding), and as hexadecimal digits.
 */
function namedThumbprints(header: Readonly<Record<string, unknown>>): Buffer[] {
  return ['x5t', 'x5t#S256', 'kid'].flatMap((name) => {
    const value = header[name];
    if (typeof value !== 'string') return [];
    if (HEXADECIMAL.test(value)) return [Buffer.from(value, 'hex')];
    return BASE64.test(value) ? [Buffer.from(value, 'base64')] : [];
  });
}

/** Accepted audiences of an assertion: the token endpoints and issuers of the tenant, by GUID or name. */
function assertionAudiences(context: IdentityContext, { authority }: RequestContext): string[] {
  const names = [
    authority.name,
    ...(authority.tenant ? [authority.tenant.id, ...authority.tenant.settings.domains] : []),
  ];
  const origin = context.origin();
  return names.flatMap((name) => [
    `${origin}/${name}/oauth2/v2.0/token`,
    `${origin}/${name}/oauth2/token`,
    `${origin}/${name}/v2.0`,
    `${origin}/${name}/`,
  ]);
}
