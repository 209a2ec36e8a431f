import { createJsonFetcher } from '../bearer/fetch-json.ts';
import { createTokenVerifier, type EntraTokenVerifier, type TokenVerifierOptions } from '../bearer/token-verifier.ts';
import type { CertificateStore } from '../certs/index.ts';
import type { Config } from '../config/index.ts';
import { Directory, type DirectoryInput, defaultDirectory } from '../entra/directory/index.ts';
import { createIdentityProvider, type IdentityProvider } from '../entra/index.ts';
import { SigningKeys } from '../entra/tokens/signing-keys.ts';
import type { Clock } from '../lib/clock.ts';
import { CloseStack } from '../lib/dispose.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import { urlHost } from './names.ts';

/** Name of the private document that holds the signing keys. */
const KEYS_STATE = 'signing-keys';

export interface AuthoritiesOptions {
  readonly config: Config;
  readonly certificates: CertificateStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  /** PEM chain and key of the built-in Entra ID. */
  readonly tls: { readonly cert: string; readonly key: string };
}

/** Who issues tokens and who checks them. */
export interface Authorities {
  /** The built-in Entra ID; undefined with a real tenant's authority. */
  readonly provider: IdentityProvider | undefined;
  /** `https://host/tenant` whose tokens are accepted. */
  readonly authority: string;
  readonly verifier: EntraTokenVerifier;
  close(): Promise<void>;
}

/** Starts the built-in Entra ID, unless a real tenant is configured, and loads the keys that tokens are checked with. */
export async function createAuthorities(options: AuthoritiesOptions): Promise<Authorities> {
  const { config, certificates, clock, emit } = options;
  const closing = new CloseStack();
  try {
    const provider = config.identity.authority === null ? closing.use(await startProvider(options)) : undefined;
    const authority = config.identity.authority ?? `${provider!.origin}/${provider!.directory.defaultTenant.id}`;
    const fetcher = createJsonFetcher(provider ? { ca: certificates.ca.certPem } : {});
    closing.defer(() => fetcher.close());
    const { identity } = config;
    const verifier = createTokenVerifier({
      policy: identity.policy,
      authority,
      audiences: [identity.audience],
      requiredClaims: identity.requiredClaims,
      ...(identity.userNameClaim === null ? {} : { userNameClaim: identity.userNameClaim }),
      ...(identity.clockSkew === null ? {} : { clockSkew: identity.clockSkew }),
      ...(identity.keyRefreshInterval === null ? {} : { minimumRefresh: identity.keyRefreshInterval }),
      ...(identity.policy === 'strict' ? strictOptions(identity.strict) : {}),
      fetchJson: fetcher.fetchJson,
      clock,
      emit,
    });
    await verifier.load();
    return { provider, authority, verifier, close: () => closing.close() };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

/** What only the strict policy looks at. Tenant ids in tokens are of lower case. */
function strictOptions(strict: Config['identity']['strict']): Partial<TokenVerifierOptions> {
  const { scope, guests, clients, tenants, lastKnownGood } = strict;
  return {
    scope,
    guests,
    lastKnownGood,
    ...(clients.length > 0 ? { clients } : {}),
    ...(tenants.length > 0 ? { tenants: tenants.map((id) => id.toLowerCase()) } : {}),
  };
}

async function startProvider({
  config,
  certificates,
  clock,
  random,
  emit,
  tls,
}: AuthoritiesOptions): Promise<IdentityProvider> {
  const keys = await signingKeys(certificates, clock, random, emit);
  const { directory } = config.identity;
  if (typeof directory === 'string') {
    throw new TunneliteError('ERR_INTERNAL', 'A directory file has to be read before the configuration gets here.');
  }
  const provider = await createIdentityProvider({
    directory: new Directory((directory as DirectoryInput | null) ?? defaultDirectory()),
    keys,
    clock,
    random,
    emit,
    tls,
    host: config.identity.host,
    port: config.identity.port,
    lifetimes: config.identity.lifetimes,
    behaviour: config.identity.behaviour,
    hostname: urlHost(config.identity.host),
    ...(config.identity.publicOrigin === null ? {} : { publicOrigin: new URL(config.identity.publicOrigin).origin }),
  });
  await provider.listen();
  return provider;
}

/** The keys of the last start, or new ones; each change is written back, one after the other. */
async function signingKeys(
  certificates: CertificateStore,
  clock: Clock,
  random: RandomSource,
  emit: Emit,
): Promise<SigningKeys> {
  let writing = Promise.resolve();
  const save = (): void => {
    writing = writing.then(() => certificates.writeState(KEYS_STATE, JSON.parse(keys.serialize()))).catch(() => {});
  };
  const settings = {
    clock,
    random,
    onChange: ({ change, kid }: { change: string; kid: string }): void => {
      if (change === 'rotated' || change === 'emergency')
        emit('identity.keys.rotated', { kid, emergency: change === 'emergency' });
      save();
    },
  };
  const stored = await certificates.readState(KEYS_STATE);
  const keys =
    stored === undefined ? await SigningKeys.create(settings) : SigningKeys.load(JSON.stringify(stored), settings);
  if (stored === undefined) await certificates.writeState(KEYS_STATE, JSON.parse(keys.serialize()));
  return keys;
}
