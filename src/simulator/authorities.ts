import { join } from 'node:path';
import { createJsonFetcher } from '../bearer/fetch-json.ts';
import { createTokenVerifier, type EntraTokenVerifier, type TokenVerifierOptions } from '../bearer/token-verifier.ts';
import type { CertificateStore } from '../certs/index.ts';
import type { Config } from '../config/index.ts';
import { Directory, type DirectoryInput, defaultDirectory } from '../entra/directory/index.ts';
import { createIdentityProvider, type IdentityProvider, type IdentityProviderOptions } from '../entra/index.ts';
import { SigningKeys } from '../entra/tokens/signing-keys.ts';
import type { FaultPorts } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { CloseStack } from '../lib/dispose.ts';
import { connectHost } from '../lib/endpoint.ts';
import { errorText, isTunneliteError, TunneliteError } from '../lib/errors.ts';
import type { Dial } from '../lib/http-exchange.ts';
import { directly, type Offload } from '../lib/offload.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Network } from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import { identityServerNames } from './names.ts';

/** Name of the private document that holds the signing keys. */
export const KEYS_STATE = 'signing-keys';

interface AuthoritiesOptions {
  readonly config: Config;
  /** Built from the configuration if omitted. */
  readonly directory: Directory | undefined;
  readonly certificates: CertificateStore;
  /** The signing keys of the built-in Entra ID; undefined: a real tenant issues the tokens. */
  readonly keys: SigningKeys | undefined;
  readonly clock: Clock;
  readonly machine: Clock;
  readonly faults: Pick<FaultPorts, 'http'>;
  readonly network: Network;
  readonly offload: Offload;
  /** How to reach the built-in Entra ID from here; through the machine's sockets if omitted. */
  readonly dial: Dial | undefined;
  readonly random: RandomSource;
  readonly emit: Emit;
  /** PEM chain and key of the built-in Entra ID. */
  readonly tls: { readonly cert: string; readonly key: string };
  readonly isRevoked: TokenVerifierOptions['isRevoked'];
  /** Other routes served at the origin of the built-in Entra ID. */
  readonly apis: NonNullable<IdentityProviderOptions['apis']>;
}

/** The token issuer and the token checks. */
export interface Authorities {
  /** The built-in Entra ID; undefined with a real tenant's authority. */
  readonly provider: IdentityProvider | undefined;
  /** `https://host/tenant` whose tokens are accepted, as clients reach it. */
  readonly authority: string;
  /** The same, as this machine reaches it. */
  readonly reached: string;
  /** The tenant in the URLs; undefined with a real tenant's authority. */
  readonly tenant: string | undefined;
  readonly verifier: EntraTokenVerifier;
  /** Applies another configuration as far as possible; a reset returns to its directory. */
  configure(config: Config, otherDirectory: boolean): void;
  /** Restores the initial directory and keys, and empties the stores. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the built-in Entra ID, if there are keys for it, and loads the keys for checking tokens. */
export async function createAuthorities(options: AuthoritiesOptions): Promise<Authorities> {
  const { config, certificates, keys, clock, emit } = options;
  const closing = new CloseStack();
  try {
    const provider = keys && closing.use(await startProvider({ ...options, keys }));
    const tenant = provider?.directory.defaultTenant.id;
    const authority = config.identity.authority ?? `${provider!.origin}/${tenant}`;
    // Keys are loaded from an address that is reachable from here: clients may use an address for the provider that works only from outside.
    const reached = provider ? `${provider.localOrigin}/${tenant}` : authority;
    const fetcher = createJsonFetcher({
      ...(provider ? { ca: certificates.ca.certPem } : {}),
      dial: options.dial,
      clock: options.machine,
    });
    closing.defer(() => fetcher.close());
    const { identity } = config;
    const verifier = createTokenVerifier({
      policy: identity.policy,
      authority: reached,
      ...(provider ? { canonicalIssuer: provider.localIssuer } : {}),
      audiences: [identity.audience],
      requiredClaims: identity.requiredClaims,
      ...(identity.userNameClaim === null ? {} : { userNameClaim: identity.userNameClaim }),
      ...(identity.clockSkew === null ? {} : { clockSkew: identity.clockSkew }),
      ...(identity.keyRefreshInterval === null ? {} : { minimumRefresh: identity.keyRefreshInterval }),
      ...(identity.policy === 'strict' ? strictOptions(identity.strict) : {}),
      ...(options.isRevoked ? { isRevoked: options.isRevoked } : {}),
      fetchJson: fetcher.fetchJson,
      offload: options.offload,
      clock,
      emit,
    });
    await verifier.load();
    const first = provider?.keys.all ?? [];
    let reset = provider ? resetOf(provider, verifier, first) : async () => verifier.renew();
    return {
      provider,
      authority,
      reached,
      tenant,
      verifier,
      configure(changed, otherDirectory) {
        provider?.configure(changed.identity);
        if (!otherDirectory || !provider) return;
        provider.directory.load((changed.identity.directory as DirectoryInput | null) ?? defaultDirectory());
        reset = resetOf(provider, verifier, first);
      },
      reset: () => reset(),
      close: () => closing.close(),
    };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

/** Saves the current state of the built-in Entra ID; the returned function restores it, and the keys for checking tokens. */
function resetOf(
  provider: IdentityProvider,
  verifier: EntraTokenVerifier,
  first: IdentityProvider['keys']['all'],
): () => Promise<void> {
  const { keys } = provider;
  const restoreDirectory = provider.directory.snapshot();
  return async () => {
    provider.reset();
    restoreDirectory();
    await keys.restore(first);
    const held = new Set(verifier.keyIds);
    const changed = held.size !== first.length || first.some(({ kid }) => !held.has(kid));
    if (changed) await verifier.load();
    verifier.renew();
  };
}

/** Inputs that only the strict policy uses. Tenant ids in tokens are lower case. */
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
  keys,
  directory = directoryOf(config),
  clock,
  machine,
  faults,
  network,
  offload,
  random,
  emit,
  tls,
  apis,
}: AuthoritiesOptions & { readonly keys: SigningKeys }): Promise<IdentityProvider> {
  const provider = await createIdentityProvider({
    directory,
    keys,
    clock,
    machine,
    faults,
    network,
    offload,
    random,
    emit,
    tls,
    apis,
    host: config.identity.host,
    port: config.identity.port,
    lifetimes: config.identity.lifetimes,
    behaviour: config.identity.behaviour,
    hostname: connectHost(config.identity.host),
    names: Object.values(identityServerNames(config)).flat(),
    ...(config.identity.publicOrigin === null ? {} : { publicOrigin: new URL(config.identity.publicOrigin).origin }),
  });
  await provider.listen();
  return provider;
}

function directoryOf({ identity: { directory } }: Config): Directory {
  if (typeof directory === 'string') {
    throw new TunneliteError('ERR_INTERNAL', 'A directory file must be read before the configuration is passed on.');
  }
  return new Directory((directory as DirectoryInput | null) ?? undefined);
}

interface SigningKeysOptions {
  readonly certificates: CertificateStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  readonly offload?: Offload;
  /** Waits for changes that are being written. */
  readonly closing: CloseStack;
}

/** The keys of the last start, or new ones; changes are written back one after the other. */
export async function signingKeys({
  certificates,
  clock,
  random,
  emit,
  offload = directly,
  closing,
}: SigningKeysOptions): Promise<SigningKeys> {
  let writing = Promise.resolve();
  closing.defer(() => writing);
  const save = (): void => {
    const state = JSON.parse(keys.serialize()) as unknown;
    writing = writing
      .then(() => certificates.writeState(KEYS_STATE, state))
      .catch((error: unknown) =>
        emit('identity.keys.unsaved', {
          path: keysFile(certificates.directory ?? 'memory'),
          reason: errorText(error),
          explanation: 'The next start uses the former keys, which do not verify tokens signed since.',
        }),
      );
  };
  const settings = {
    clock,
    random,
    offload,
    onChange: ({ change, kid }: { change: string; kid: string }): void => {
      if (change === 'rotated' || change === 'emergency')
        emit('identity.keys.rotated', { kid, emergency: change === 'emergency' });
      save();
    },
  };
  const stored = await certificates.readState(KEYS_STATE);
  const keys =
    stored === undefined ? await SigningKeys.create(settings) : loadKeys(stored, settings, certificates.directory);
  if (stored === undefined) await certificates.writeState(KEYS_STATE, JSON.parse(keys.serialize()));
  return keys;
}

const keysFile = (directory: string): string => join(directory, `${KEYS_STATE}.json`);

/** Keys stored in the certificate directory; errors in them name the file. */
function loadKeys(
  stored: unknown,
  settings: Parameters<typeof SigningKeys.load>[1],
  directory: string | undefined,
): SigningKeys {
  try {
    return SigningKeys.load(JSON.stringify(stored), settings);
  } catch (error) {
    if (directory === undefined || !isTunneliteError(error, 'ERR_IDENTITY_KEYS_INVALID')) throw error;
    const file = keysFile(directory);
    throw new TunneliteError(error.code, `${file} cannot be read: ${errorText(error.cause)}`, { cause: error });
  }
}
