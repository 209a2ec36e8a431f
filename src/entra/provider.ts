import type { FastifyPluginAsync } from 'fastify';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Closable, CloseStack } from '../lib/dispose.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import { type Behaviour, DEFAULT_BEHAVIOUR, type IdentityContext, nowSeconds } from './context.ts';
import { defaultDirectory } from './directory/default-directory.ts';
import { Directory } from './directory/directory.ts';
import type { DirectoryInput } from './directory/input-types.ts';
import { apiRoutes } from './oauth/api-routes.ts';
import { DEFAULT_LIFETIMES, type HTTP_TIMEOUTS, type Lifetimes } from './oauth/constants.ts';
import { Grants } from './oauth/grants.ts';
import { prepareInstance } from './oauth/http.ts';
import { Lockout } from './oauth/lockout.ts';
import { type Endpoint, type Outage, Outages } from './oauth/outages.ts';
import { type FailNext, Overrides } from './oauth/overrides.ts';
import { accessTokenFor, type TestTokenRequest, testTokenRequest } from './oauth/test-token.ts';
import { createServer } from './server.ts';
import { deviceCodeRoutes, devicePageRoutes } from './sign-in/device-routes.ts';
import { federationRoutes } from './sign-in/federation-routes.ts';
import { SignIns } from './sign-in/flows.ts';
import { sessionRoutes } from './sign-in/session-routes.ts';
import { signInRoutes } from './sign-in/sign-in-routes.ts';
import { SigningKeys } from './tokens/signing-keys.ts';
import type { AccessTokenRequest } from './tokens/token-claims.ts';
import { TokenIssuer } from './tokens/token-issuer.ts';

export interface IdentityProviderOptions {
  /** Tenants, users, apps; {@link defaultDirectory} when left out. */
  readonly directory?: Directory | DirectoryInput;
  /** Certificate and key (PEM) of the HTTPS listener. Without them only {@link IdentityProvider.plugin} can be used. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Host name that clients use, and that tokens name as issuer. Default `localhost`. */
  readonly hostname?: string;
  /** Full origin that clients use, where it differs from what is listened on (a container, a proxy). */
  readonly publicOrigin?: string;
  /** Signing keys; new ones when left out. */
  readonly keys?: SigningKeys;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly emit?: Emit;
  readonly lifetimes?: Partial<Lifetimes>;
  readonly behaviour?: Partial<Omit<Behaviour, 'lifetimes'>>;
  /** Milliseconds; defaults in `constants.ts`. */
  readonly timeouts?: Partial<Record<keyof typeof HTTP_TIMEOUTS, number>>;
}

/** The mock Entra ID. */
export interface IdentityProvider extends Closable {
  /**
   * Starts to listen and returns the origin.
   * @throws TunneliteError `ERR_IDENTITY_LISTEN`
   */
  listen(): Promise<string>;
  /** `https://host:port`, without trailing slash. */
  readonly origin: string;
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly issuer: TokenIssuer;
  /** All routes as a fastify plugin, to be mounted at the root of another server. Set `publicOrigin` then. */
  readonly plugin: FastifyPluginAsync;
  /** `iss` of the tokens of a tenant (GUID or domain), without placeholder. Version 2 when left out. */
  issuerFor(tenant: string, version?: 1 | 2): string;
  /** Address of the OpenID metadata of a tenant. */
  metadataUrl(tenant: string, version?: 1 | 2): string;
  /** Orders failures of requests to come; returns an id for {@link Overrides.remove}. */
  failNext(request: FailNext): number;
  readonly overrides: Overrides;
  /** Disturbs an endpoint until cleared. */
  disturb(endpoint: Endpoint, outage: Outage): void;
  readonly outages: Outages;
  /** Ends every sign-in of a user: refresh tokens fail with 50173, browsers have to sign in anew. */
  revokeSessions(user: string, tenant?: string): void;
  /** A token without any sign-in, for tests and `tunnelite token`. */
  accessToken(request?: TestTokenRequest): Promise<string>;
  /** What the issuer would be asked for such a token: the start of a deliberately wrong one. */
  tokenRequest(request?: TestTokenRequest): AccessTokenRequest;
  /** Forgets codes, refresh tokens, sessions, overrides and outages; the directory stays. */
  reset(): void;
}

const silent: Emit = () => undefined;

/**
 * Makes a mock Entra ID: directory, endpoints, sign-in pages, tokens.
 *
 * @example
 * ```ts
 * await using idp = await createIdentityProvider({ tls: { key, cert } });
 * await idp.listen();
 * idp.failNext({ user: 'alice@contoso.com', code: 50076 });
 * ```
 */
export async function createIdentityProvider(options: IdentityProviderOptions = {}): Promise<IdentityProvider> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes };
  const keys = options.keys ?? (await SigningKeys.create({ clock }));
  const close = new CloseStack();
  let origin = options.publicOrigin;
  const getOrigin = (): string => {
    if (origin === undefined) {
      throw new TunneliteError('ERR_IDENTITY_NOT_LISTENING');
    }
    return origin;
  };
  const context: IdentityContext = {
    directory:
      options.directory instanceof Directory
        ? options.directory
        : new Directory(options.directory ?? defaultDirectory()),
    clock,
    random,
    issuer: new TokenIssuer({ keys, clock, random, lifetime: lifetimes.accessToken }),
    emit: options.emit ?? silent,
    behaviour: { ...DEFAULT_BEHAVIOUR, ...options.behaviour, lifetimes },
    grants: new Grants(clock),
    overrides: new Overrides(),
    outages: new Outages(clock),
    lockout: new Lockout(clock),
    origin: getOrigin,
    issuerFor: (tenantId, version) => `${getOrigin()}/${tenantId}/${version === 1 ? '' : 'v2.0'}`,
  };
  const signIns = new SignIns(context);
  const plugin: FastifyPluginAsync = async (app) => {
    prepareInstance(context, app);
    await app.register(async (api) => {
      apiRoutes(context, api);
      deviceCodeRoutes(context, api);
    });
    await app.register(async (pages) => signInRoutes(context, signIns, pages));
    await app.register(async (pages) => federationRoutes(context, signIns, pages));
    await app.register(async (pages) => devicePageRoutes(context, signIns, pages));
    await app.register(async (pages) => sessionRoutes(context, signIns, pages));
  };
  const server = options.tls && (await createServer({ tls: options.tls, timeouts: options.timeouts }, plugin));
  if (server) close.defer(() => server.close());
  close.defer(() => context.outages.release());

  return {
    directory: context.directory,
    keys,
    issuer: context.issuer,
    overrides: context.overrides,
    outages: context.outages,
    plugin,
    get origin() {
      return getOrigin();
    },
    async listen() {
      if (!server) {
        throw new TunneliteError('ERR_IDENTITY_NOT_LISTENING', 'An identity provider without TLS key cannot listen.');
      }
      const host = options.host ?? '127.0.0.1';
      await server.listen({ host, port: options.port ?? 0 }).catch((cause: unknown) => {
        throw new TunneliteError(
          'ERR_IDENTITY_LISTEN',
          `The built-in Entra ID cannot use port ${options.port ?? 0} of ${host}: ${errorText(cause)}`,
          { cause, details: { host, port: options.port ?? 0 } },
        );
      });
      const address = server.server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      origin ??= `https://${options.hostname ?? 'localhost'}${port === 443 ? '' : `:${port}`}`;
      return origin;
    },
    issuerFor: (tenant, version = 2) => context.issuerFor(context.directory.tenant(tenant).id, version),
    metadataUrl: (tenant, version = 2) =>
      `${getOrigin()}/${tenant}${version === 1 ? '' : '/v2.0'}/.well-known/openid-configuration`,
    failNext: (request) => context.overrides.add(request),
    disturb: (endpoint, outage) => context.outages.set(endpoint, outage),
    revokeSessions: (user, tenant) => {
      const { users } = tenant === undefined ? tenantOf(context, user) : context.directory.tenant(tenant);
      context.grants.revokeUser(users.get(user).id, nowSeconds(context));
    },
    accessToken: (request) => accessTokenFor(context, request ?? {}),
    tokenRequest: (request) => testTokenRequest(context, request ?? {}),
    reset: () => {
      context.grants.clear();
      signIns.clear();
      context.overrides.clear();
      context.outages.clear();
    },
    close: () => close.close(),
    [Symbol.asyncDispose]: () => close.close(),
  };
}

function tenantOf({ directory }: IdentityContext, user: string) {
  return directory.tenants.find((tenant) => tenant.users.find(user)) ?? directory.defaultTenant;
}
