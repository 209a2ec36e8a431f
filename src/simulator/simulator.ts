import {
  type AdminServer,
  type HealthCheck,
  type HealthResult,
  type MintedToken,
  probes,
  startAdmin,
  type TokenRequest,
} from '../admin/index.ts';
import { type CertificateStore, loadCertificates } from '../certs/index.ts';
import { type Config, type ConfigInput, IN_PROCESS_DEFAULTS, resolveConfig, tunnelSettings } from '../config/index.ts';
import { directoryAdmin, type IdentityProvider } from '../entra/index.ts';
import { type FaultPorts, noFaults } from '../faults/ports.ts';
import { createGateway, type Gateway, type SessionStore } from '../gateway/index.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Closable, CloseStack } from '../lib/dispose.ts';
import { TunneliteError } from '../lib/errors.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import { type Emit, type EventListener, type EventLogger, type Journal, Telemetry } from '../telemetry/index.ts';
import { type Authorities, createAuthorities } from './authorities.ts';
import { openKeylogFile } from './keylog.ts';
import { tokenMinter } from './mint.ts';
import { leafCertificates, permittedNames, urlHost } from './names.ts';
import { createInnerNetwork, type InnerNetwork } from './network.ts';

/** What a program may put in place of the machine's own. */
export interface SimulatorRuntime {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** A pino logger, or anything with its level methods. */
  readonly logger?: EventLogger;
  readonly faults?: FaultPorts;
  /** Where sessions live between connections; memory when left out. */
  readonly store?: SessionStore;
  /** NSS key-log lines of TLS and DTLS. */
  readonly keylog?: (line: string) => void;
  /** Told of every event, synchronously, from the first one on. */
  readonly onEvent?: EventListener;
}

/** Where a running simulator is reached. */
export interface SimulatorUrls {
  /** `https://localhost:8443`: what a Tunnel client connects to. */
  readonly gateway: string;
  /** `https://localhost:8444/<tenant id>`: the authority that issues the tokens. */
  readonly authority: string;
  /** `http://127.0.0.1:8445`: health probes and administration. */
  readonly admin: string;
}

/**
 * Starts a whole simulator in this process: Entra ID, gateway and mock network, on free ports, with certificates in memory.
 *
 * @example
 * ```ts
 * await using sim = await startSimulator({ gateway: { dpd: 5 } });
 * const token = await sim.token({ user: 'alice@contoso.com' });
 * await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
 * await sim.journal.waitFor({ name: 'session.connect' });
 * ```
 * @param input what differs from the defaults; see docs/configuration.md
 * @throws TunneliteError `ERR_CONFIG_INVALID`, `ERR_GATEWAY_PORT_IN_USE` and those of certificates and identity
 */
export async function startSimulator(input: ConfigInput = {}, runtime: SimulatorRuntime = {}): Promise<Simulator> {
  return runSimulator(resolveConfig(input, IN_PROCESS_DEFAULTS), runtime);
}

/** Starts a simulator from a whole configuration, as the command line does. */
export async function runSimulator(config: Config, runtime: SimulatorRuntime = {}): Promise<Simulator> {
  const clock = runtime.clock ?? systemClock;
  const random = runtime.random ?? systemRandom;
  const begin = clock.monotonic();
  const telemetry = new Telemetry({
    clock,
    journalCapacity: config.journal.capacity,
    journalLevel: config.journal.level,
    logger: runtime.logger,
  });
  if (runtime.onEvent) telemetry.subscribe(runtime.onEvent);
  const { emit } = telemetry;
  const faults = runtime.faults ?? noFaults;
  const closing = new CloseStack();
  try {
    const certificates = await loadCertificates({
      directory: config.certs.directory ?? undefined,
      clock,
      random,
      emit,
      permitted: permittedNames(config),
    });
    const leaves = await leafCertificates(certificates, config);
    const keylog = keylogOf(config, runtime, closing);
    const network = await createInnerNetwork({ config, clock, random, emit, faults, tls: leaves.services });
    closing.defer(() => network.close());
    const authorities = await createAuthorities({ config, certificates, clock, random, emit, tls: leaves.identity });
    closing.defer(() => authorities.close());
    const gateway = await createGateway({
      host: config.gateway.host,
      port: config.gateway.port,
      tls: {
        ...leaves.gateway,
        ca: certificates.ca.certPem,
        minVersion: config.gateway.tls.minVersion,
        maxVersion: config.gateway.tls.maxVersion,
        ...(keylog ? { keylog } : {}),
      },
      settings: tunnelSettings(config),
      verifier: authorities.verifier,
      emit,
      clock,
      random,
      faults,
      ...(runtime.store ? { store: runtime.store } : {}),
      accelerate: config.acceleration,
      bearerPrefix: config.gateway.bearerPrefix,
      ...(config.gateway.bans.maxScore > 0 ? { bans: config.gateway.bans } : {}),
    });
    closing.use(gateway);
    network.attach(gateway);
    const ownCertificate = config.gateway.tls.certFile === null ? undefined : leaves.gateway.cert;
    const sim = new Simulator({
      config,
      telemetry,
      certificates,
      network,
      authorities,
      gateway,
      closing,
      ownCertificate,
    });
    const admin = closing.use(
      await startAdmin({
        host: config.admin.host,
        port: config.admin.port,
        random,
        check: () => sim.check(),
        mintToken: authorities.provider && ((request) => sim.mintToken(request)),
        routes: authorities.provider ? [{ prefix: '/api/identity', plugin: directoryAdmin(authorities.provider) }] : [],
      }),
    );
    sim.adopt(admin);
    await sim.assertReady();
    emit('simulator.ready', {
      gateway: sim.urls.gateway,
      identity: sim.urls.authority,
      milliseconds: clock.monotonic() - begin,
    });
    return sim;
  } catch (error) {
    await closing.close().catch(() => {});
    throw error;
  }
}

/** Where key-log lines go: to the program, to the configured file, or nowhere. */
function keylogOf(
  config: Config,
  runtime: SimulatorRuntime,
  closing: CloseStack,
): ((line: string) => void) | undefined {
  const { keylogFile } = config.gateway.tls;
  if (runtime.keylog || keylogFile === null) return runtime.keylog;
  const file = openKeylogFile(keylogFile);
  closing.defer(() => file.close());
  return file.write;
}

interface Parts {
  readonly config: Config;
  readonly telemetry: Telemetry;
  readonly certificates: CertificateStore;
  readonly network: InnerNetwork;
  readonly authorities: Authorities;
  readonly gateway: Gateway;
  readonly closing: CloseStack;
  /** The gateway's certificate, where it is not one of our CA. */
  readonly ownCertificate: string | undefined;
}

/** A running simulator: what to connect to, what happened, and how to end it. */
export class Simulator implements Closable {
  readonly config: Config;
  readonly journal: Journal;
  readonly certificates: CertificateStore;
  readonly gateway: Gateway;
  readonly network: InnerNetwork;
  readonly #parts: Parts;
  readonly #check: HealthCheck;
  #admin: AdminServer | undefined;

  /** @internal */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.config = parts.config;
    this.journal = parts.telemetry.journal;
    this.certificates = parts.certificates;
    this.gateway = parts.gateway;
    this.network = parts.network;
    const { authorities, config, gateway } = parts;
    this.#check = probes({
      gateway: `https://${urlHost(config.gateway.host)}:${gateway.port}`,
      identityMetadata: authorities.provider?.metadataUrl(authorities.provider.directory.defaultTenant.id),
      ca: parts.certificates.ca.certPem,
      gatewayCertificate: parts.ownCertificate,
    });
  }

  /** @internal */
  adopt(admin: AdminServer): void {
    this.#admin = admin;
  }

  /** The listener for health probes and administration. */
  get admin(): AdminServer {
    return this.#admin!;
  }

  get urls(): SimulatorUrls {
    const { authorities, config, gateway } = this.#parts;
    return {
      gateway: `https://${urlHost(config.gateway.host)}:${gateway.port}`,
      authority: authorities.authority,
      admin: this.admin.url,
    };
  }

  /** PEM of the CA that clients have to trust. */
  get ca(): string {
    return this.certificates.ca.certPem;
  }

  /** The built-in Entra ID; undefined when a real tenant's authority is configured. */
  get identity(): IdentityProvider | undefined {
    return this.#parts.authorities.provider;
  }

  /** Reports an event of a part that is built around the simulator, such as the administration listener. */
  get emit(): Emit {
    return this.#parts.telemetry.emit;
  }

  /** Follows events as they happen; the returned function ends that. */
  subscribe(listener: EventListener): () => void {
    return this.#parts.telemetry.subscribe(listener);
  }

  /**
   * An access token for the gateway, from the built-in Entra ID.
   * @throws TunneliteError `ERR_SIMULATOR_NO_PROVIDER` with a real tenant's authority
   */
  async token(request: TokenRequest = {}): Promise<string> {
    return (await this.mintToken(request)).accessToken;
  }

  /**
   * As `token`, with what the token says.
   * @throws TunneliteError `ERR_SIMULATOR_NO_PROVIDER` with a real tenant's authority
   */
  async mintToken(request: TokenRequest = {}): Promise<MintedToken> {
    if (!this.identity) throw new TunneliteError('ERR_SIMULATOR_NO_PROVIDER');
    return tokenMinter(this.identity)(request);
  }

  /** Tries everything out, as a client would: the gateway's probe page and the key set over TLS, and the keys that tokens are checked with. */
  async check(): Promise<readonly HealthResult[]> {
    const { keyIds } = this.#parts.authorities.verifier;
    const verifier: HealthResult = {
      name: 'token verification',
      ok: keyIds.length > 0,
      explanation:
        keyIds.length > 0
          ? `${keyIds.length} signing ${keyIds.length === 1 ? 'key is' : 'keys are'} loaded.`
          : 'No signing key is loaded.',
    };
    return [...(await this.#check()), verifier];
  }

  /** @throws TunneliteError `ERR_SIMULATOR_NOT_READY` naming what does not work */
  async assertReady(): Promise<void> {
    const failed = (await this.check()).find((one) => !one.ok);
    if (failed)
      throw new TunneliteError('ERR_SIMULATOR_NOT_READY', `Not ready (${failed.name}): ${failed.explanation}`);
  }

  /** Closes gateway, Entra ID and mock network, in this order. Twice is harmless. */
  async close(reason = 'asked to'): Promise<void> {
    const { telemetry, closing } = this.#parts;
    if (!closing.closed) telemetry.emit('simulator.closing', { reason });
    const first = !closing.closed;
    await closing.close();
    if (first) telemetry.emit('simulator.closed', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
