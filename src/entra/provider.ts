import type { FastifyPluginAsync } from 'fastify';
import type { FaultPorts } from '../faults/ports.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import { type Closable, CloseStack } from '../lib/dispose.ts';
import { endpointText, hostText } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { listenHint } from '../lib/listen-hint.ts';
import { directly, type Offload } from '../lib/offload.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import { type Network, systemNetwork } from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import type { HTTP_TIMEOUTS, Lifetimes } from './context/constants.ts';
import { type Behaviour, forCaller, nowSeconds, type SharedContext } from './context/context.ts';
import { Grants } from './context/grants.ts';
import { Lockout } from './context/lockout.ts';
import { Outages } from './context/outages.ts';
import { Overrides } from './context/overrides.ts';
import { OwnOrigins } from './context/own-origins.ts';
import { Directory } from './directory/directory.ts';
import type { DirectoryInput } from './directory/input-types.ts';
import { apiRoutes } from './oauth/api-routes.ts';
import { openToBrowsers, prepareInstance } from './oauth/http.ts';
import { accessTokenFor, type TestTokenRequest, testTokenRequest } from './oauth/test-token.ts';
import { userInfoRoutes } from './oauth/user-info.ts';
import type { IdentityControls } from './rest/identity-controls.ts';
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
  /** Tenants, users, apps. Default: `defaultDirectory()`. */
  readonly directory?: Directory | DirectoryInput;
  /** Certificate and key (PEM) of the HTTPS listener. Without them, only {@link IdentityProvider.plugin} works. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Host name or address by which this machine reaches the listener. Default `localhost`. */
  readonly hostname?: string;
  /**
   * Host names and addresses by which clients can reach the listener, at any port. Metadata, endpoints and issuers in a
   * response use the one from the request. Default: loopback and `hostname`; for a plugin on another server, none.
   */
  readonly names?: readonly string[];
  /**
   * Full origin for requests by other names, and for tokens that are not requested over the network. Default: that of
   * the listener. Need not be reachable from this machine.
   */
  readonly publicOrigin?: string;
  /** Signing keys. Default: new ones. */
  readonly keys?: SigningKeys;
  readonly clock?: Clock;
  /** Clock for delays of responses, which also runs while `clock` is stopped. Default: `clock`. */
  readonly machine?: Clock;
  /** Faults to inject into requests. */
  readonly faults?: Pick<FaultPorts, 'http'>;
  readonly random?: RandomSource;
  /** Queue for WebCrypto operations. Default: none; operations run directly. */
  readonly offload?: Offload;
  /** Source of connections. Default: sockets of this machine. */
  readonly network?: Network;
  /** Additional routes at the same origin, without the headers and errors of Entra ID. */
  readonly apis?: (base: ApiBase) => FastifyPluginAsync;
  readonly emit?: Emit;
  readonly lifetimes?: Partial<Lifetimes>;
  readonly behaviour?: Partial<Omit<Behaviour, 'lifetimes'>>;
  /** Milliseconds; defaults in `constants.ts`. */
  readonly timeouts?: Partial<Record<keyof typeof HTTP_TIMEOUTS, number>>;
}

/** The provider's interface for other APIs at its origin. */
export interface ApiBase {
  readonly directory: Directory;
  readonly keys: SigningKeys;
  /** `https://host:port` of the provider for a request with this Host header. */
  readonly origin: (host: string | undefined) => string;
}

/** The mock Entra ID. */
export interface IdentityProvider extends IdentityControls, Closable {
  /**
   * Starts listening and returns the origin.
   * @throws TunneliteError `ERR_IDENTITY_LISTEN`
   */
  listen(): Promise<string>;
  /** `https://host:port`, without trailing slash: `publicOrigin`, or the listener's origin. */
  readonly origin: string;
  /** The origin by which this machine reaches the provider. */
  readonly localOrigin: string;
  /** Converts an issuer of this provider, under any of its names, to `localOrigin`; returns any other string unchanged. */
  localIssuer(issuer: string): string;
  readonly issuer: TokenIssuer;
  /** Changes the behavior from now on; codes and tokens already issued keep their lifetimes. */
  configure(changed: Pick<IdentityProviderOptions, 'lifetimes' | 'behaviour'>): void;
  /** Serves another certificate from now on; open connections keep theirs. */
  useCertificate(tls: { readonly cert: string; readonly key: string }): void;
  /** All routes as a fastify plugin, to mount at the root of another server. Requires `publicOrigin`. */
  readonly plugin: FastifyPluginAsync;
  /** `iss` of the tokens of a tenant (GUID or domain), without placeholder. Default version 2. */
  issuerFor(tenant: string, version?: 1 | 2): string;
  /** URL of the OpenID metadata of a tenant. */
  metadataUrl(tenant: string, version?: 1 | 2): string;
  /** The issuer's request for such a token: the starting point of a deliberately wrong one. */
  tokenRequest(request?: TestTokenRequest): AccessTokenRequest;
}

const silent: Emit = () => undefined;

/**
 * Creates a mock Entra ID: directory, endpoints, sign-in pages, tokens.
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
  const { network = systemNetwork, offload = directly } = options;
  const lifetimes = { ...DEFAULTS.identity.lifetimes, ...options.lifetimes };
  const keys = options.keys ?? (await SigningKeys.create({ clock, random, offload }));
  const close = new CloseStack();
  const hostname = options.hostname ?? 'localhost';
  const names = options.names ?? (options.tls ? ['localhost', '127.0.0.1', '::1', hostname] : []);
  const origins = new OwnOrigins(names, options.publicOrigin);
  const behaviour = { ...DEFAULTS.identity.behaviour, ...options.behaviour, lifetimes };
  const context: SharedContext = {
    directory: options.directory instanceof Directory ? options.directory : new Directory(options.directory),
    clock,
    random,
    issuer: new TokenIssuer({ keys, clock, random, offload, lifetime: lifetimes.accessToken }),
    emit: options.emit ?? silent,
    behaviour,
    grants: new Grants(clock),
    overrides: new Overrides(),
    outages: new Outages(options.machine ?? clock, options.faults),
    lockout: new Lockout(clock),
    origins,
  };
  /** For callers that do not use the network. */
  const own = forCaller(context, undefined);
  const signIns = new SignIns(context);
  const apis = options.apis?.({ directory: context.directory, keys, origin: (host) => origins.originFor(host) });
  const plugin: FastifyPluginAsync = async (app) => {
    // Before Entra ID's hooks are registered: later plugins would inherit them.
    if (apis) await app.register(apis);
    prepareInstance(context, app);
    await app.register(async (api) => {
      openToBrowsers(api);
      apiRoutes(context, api);
      userInfoRoutes(context, api);
      deviceCodeRoutes(context, api);
    });
    await app.register(async (pages) => signInRoutes(context, signIns, pages));
    await app.register(async (pages) => federationRoutes(context, signIns, pages));
    await app.register(async (pages) => devicePageRoutes(context, signIns, pages));
    await app.register(async (pages) => sessionRoutes(context, signIns, pages));
  };
  const server =
    options.tls &&
    (await createServer({ tls: options.tls, timeouts: options.timeouts, clock, emit: context.emit, network }, plugin));
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
      return origins.public;
    },
    get localOrigin() {
      return origins.local;
    },
    localIssuer: (issuer) => origins.localIssuer(issuer),
    async listen() {
      if (!server) {
        throw new TunneliteError('ERR_IDENTITY_NOT_LISTENING', 'An identity provider without a TLS key cannot listen.');
      }
      const host = options.host ?? DEFAULTS.host;
      await server.listen({ host, port: options.port ?? 0 }).catch((cause: unknown) => {
        throw new TunneliteError(
          'ERR_IDENTITY_LISTEN',
          `The built-in Entra ID cannot use port ${options.port ?? 0} of ${host}: ${errorText(cause)}`,
          { ...listenHint(cause), cause, details: { host, port: options.port ?? 0 } },
        );
      });
      const address = server.server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      origins.listensAt(`https://${port === 443 ? hostText(hostname) : endpointText(hostname, port)}`);
      return origins.public;
    },
    useCertificate: (tls) => server?.useCertificate(tls),
    configure(changed) {
      Object.assign(behaviour, changed.behaviour);
      Object.assign(lifetimes, changed.lifetimes);
      context.issuer.useLifetime(lifetimes.accessToken);
    },
    issuerFor: (tenant, version = 2) => own.issuerFor(context.directory.tenant(tenant).id, version),
    metadataUrl: (tenant, version = 2) =>
      `${origins.public}/${tenant}${version === 1 ? '' : '/v2.0'}/.well-known/openid-configuration`,
    failNext: (request) => context.overrides.add(request),
    disturb: (endpoint, outage) => context.outages.set(endpoint, outage),
    revokeSessions: (user, tenant) => {
      const { users } = tenant === undefined ? tenantOf(context, user) : context.directory.tenant(tenant);
      context.grants.revokeUser(users.get(user).id, nowSeconds(context));
    },
    accessToken: (request) => accessTokenFor(own, request ?? {}),
    tokenRequest: (request) => testTokenRequest(own, request ?? {}),
    reset: () => {
      context.grants.clear();
      signIns.clear();
      context.overrides.clear();
      context.outages.clear();
      context.lockout.clear();
    },
    close: () => close.close(),
    [Symbol.asyncDispose]: () => close.close(),
  };
}

function tenantOf({ directory }: SharedContext, user: string) {
  return directory.tenants.find((tenant) => tenant.users.find(user)) ?? directory.defaultTenant;
}
