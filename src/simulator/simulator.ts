import {
  type AdminServer,
  type HealthCheck,
  type HealthResult,
  type MintedToken,
  probes,
  type TokenRequest,
} from '../admin/index.ts';
import { metadataUrl, parseAuthority } from '../bearer/authority.ts';
import type { TokenInspection } from '../bearer/index.ts';
import type { CaptureHub } from '../capture/index.ts';
import type { CertificateStore } from '../certs/index.ts';
import {
  type Config,
  type ConfigChange,
  type ConfigInput,
  IN_PROCESS_DEFAULTS,
  loadInput,
  tunnelSettings,
} from '../config/index.ts';
import type { IdentityProvider } from '../entra/index.ts';
import { type Explanation, explain, parseSubject, type Subject } from '../explain/index.ts';
import type { FaultEngine } from '../faults/index.ts';
import type { Gateway } from '../gateway/index.ts';
import type { Intune } from '../intune/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closable, CloseStack } from '../lib/dispose.ts';
import { connectHost, endpointText } from '../lib/endpoint.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { Dial } from '../lib/http-exchange.ts';
import type { SimulatorClock } from '../lib/simulator-clock.ts';
import { shared } from '../lib/turns.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Emit, EventListener, Journal, JournalMark, Telemetry } from '../telemetry/index.ts';
import type { AccessControls } from './access.ts';
import type { Authorities } from './authorities.ts';
import type { IntunePart } from './intune.ts';
import { tokenMinter } from './mint.ts';
import type { InnerNetwork } from './network.ts';
import { OwnCapture, type OwnCaptureOptions } from './own-capture.ts';
import { type ConfigSource, type ReloadResult, reloadConfig } from './reload.ts';
import type { ResetHook, Resets } from './resets.ts';
import type { ResourceControls } from './resources.ts';
import { planServerConfiguration } from './server-configuration.ts';
import { SessionControls } from './sessions.ts';
import type { StubControls } from './stubs.ts';

/** The addresses of a running simulator. */
export interface SimulatorUrls {
  /** `https://localhost:8443`: what a Tunnel client connects to. */
  readonly gateway: string;
  /** `https://localhost:8444/<tenant id>`: the authority that issues the tokens. */
  readonly authority: string;
  /** `http://127.0.0.1:8445`: health probes and administration. */
  readonly admin: string;
}

/** Result of a reset. */
export interface ResetResult {
  /** How many sessions were ended. */
  readonly sessions: number;
  readonly milliseconds: number;
  /** The position of the journal after the reset: `since: mark` in a query selects later events. */
  readonly mark: JournalMark;
}

interface Parts {
  readonly config: Config;
  readonly clock: SimulatorClock;
  readonly machine: Clock;
  /** How probes reach the listeners. */
  readonly dial: Dial | undefined;
  readonly telemetry: Telemetry;
  readonly certificates: CertificateStore;
  readonly network: InnerNetwork;
  readonly authorities: Authorities;
  readonly gateway: Gateway;
  readonly faults: FaultEngine;
  readonly resets: Resets;
  readonly metrics: Metrics;
  readonly intune: IntunePart;
  readonly captures: CaptureHub;
  readonly closing: CloseStack;
  /** Changes the level of the log. */
  readonly onLogLevel: ((level: Config['log']['level']) => void) | undefined;
  /** The gateway's certificate, if it is not from our CA. */
  readonly ownCertificate: string | undefined;
}

/** A running simulator: its addresses, its events, and methods to control and close it. */
export class Simulator implements Closable {
  #config: Config;
  /** The configuration as last read: without changes through Graph. */
  #read: Config;
  /** The clock for tokens, sessions, cookies and all other time limits of the configuration. */
  readonly clock: SimulatorClock;
  readonly journal: Journal;
  readonly certificates: CertificateStore;
  readonly gateway: Gateway;
  /** The gateway's sessions, and an operator's actions on them. */
  readonly sessions: SessionControls;
  readonly network: InnerNetwork;
  /** The resources behind the gateway; upstreams can be added and removed. */
  readonly resources: ResourceControls;
  /** Who may reach what; rules can be added, removed and replaced. */
  readonly access: AccessControls;
  /** Stubs: your own answers in the mock network; they can be added and removed. */
  readonly stubs: StubControls;
  /** Injected faults: rules that drop, delay, refuse. */
  readonly faults: FaultEngine;
  /** Packet captures for Wireshark. */
  readonly captures: CaptureHub;
  readonly #parts: Parts;
  readonly #check: HealthCheck;
  readonly #resetShared = shared(() => this.#reset());
  #admin: AdminServer | undefined;

  /** @internal */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#read = parts.config;
    this.clock = parts.clock;
    this.journal = parts.telemetry.journal;
    this.certificates = parts.certificates;
    this.gateway = parts.gateway;
    this.sessions = new SessionControls(parts.gateway);
    this.network = parts.network;
    this.resources = parts.network.resources;
    this.access = parts.network.access;
    this.stubs = parts.network.stubs;
    this.faults = parts.faults;
    this.captures = parts.captures;
    const { authorities, config, gateway } = parts;
    this.#check = probes({
      gateway: `https://${endpointText(connectHost(config.gateway.host), gateway.port)}`,
      identityMetadata: authorities.provider && metadataUrl(parseAuthority(authorities.reached), 2),
      ca: parts.certificates.ca.certPem,
      dial: parts.dial,
      clock: parts.machine,
      gatewayCertificate: parts.ownCertificate,
      unavailable: () => gateway.unavailable,
    });
  }

  /** @internal */
  adopt(admin: AdminServer): void {
    this.#admin = admin;
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** The listener for health probes and administration. */
  get admin(): AdminServer {
    return this.#admin!;
  }

  get urls(): SimulatorUrls {
    const { authorities, config, gateway } = this.#parts;
    return {
      gateway: `https://${endpointText(connectHost(config.gateway.host), gateway.port)}`,
      authority: authorities.authority,
      admin: this.admin.url,
    };
  }

  /** PEM of the CA that clients must trust. */
  get ca(): string {
    return this.certificates.ca.certPem;
  }

  /**
   * The built-in Entra ID: its directory, keys, scheduled failures and outages.
   * @throws TunneliteError `ERR_SIMULATOR_NO_PROVIDER` with a real tenant's authority
   */
  get identity(): IdentityProvider {
    const { provider } = this.#parts.authorities;
    if (!provider) throw new TunneliteError('ERR_SIMULATOR_NO_PROVIDER');
    return provider;
  }

  /** False with a real tenant's authority: there is no built-in Entra ID then. */
  get issuesTokens(): boolean {
    return this.#parts.authorities.provider !== undefined;
  }

  /** Reports an event of a part that is built around the simulator, such as the administration listener. */
  get emit(): Emit {
    return this.#parts.telemetry.emit;
  }

  /**
   * Explains from the journal what a client did, what was decided and why, and what to do next.
   * @param who the short id of a session, an address with or without a port, or `last` for the most recent client
   * @throws TunneliteError `ERR_EXPLAIN_SUBJECT`, `ERR_EXPLAIN_UNKNOWN`
   * @example
   * ```ts
   * const { summary, findings } = sim.explain();
   * console.log(summary, findings[0]?.next);
   * ```
   */
  explain(who: string | Subject = 'last'): Explanation {
    const { journal } = this;
    return explain(journal.query(), typeof who === 'string' ? parseSubject(who) : who, journal.lost);
  }

  /** Calls a function for each new event; the returned function stops that. */
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
   * Like `token`, with the decoded claims.
   * @throws TunneliteError `ERR_SIMULATOR_NO_PROVIDER` with a real tenant's authority
   */
  async mintToken(request: TokenRequest = {}): Promise<MintedToken> {
    return tokenMinter(this.identity)(request);
  }

  /**
   * Captures packets for Wireshark, with the keys to decrypt them, until the capture is stopped or disposed of. It starts with the next
   * packet; without `file` it keeps the newest packets in memory, which `bytes()` returns.
   *
   * @example
   * ```ts
   * await using capture = await sim.capture({ file: 'tunnel.pcapng' });
   * ```
   * @throws TunneliteError `ERR_CAPTURE_FILE`, `ERR_CAPTURE_LIMIT`, `ERR_CAPTURE_OPTIONS`, `ERR_DURATION_INVALID`
   */
  async capture(options: OwnCaptureOptions = {}): Promise<OwnCapture> {
    return OwnCapture.start(this.captures, options);
  }

  /**
   * Creates a report on this run to attach to an issue: journal, configuration, REST responses, metrics, and the headers of captured packets, without
   * secrets; a tar archive, compressed with gzip. `tunnelite open` shows it.
   */
  async report(): Promise<Buffer> {
    const { captures, config, journal } = this;
    const { reportOf } = await import('./report.ts');
    return reportOf({ admin: this.admin, captures, config, journal, metrics: () => this.metrics(), secrets: [] });
  }

  /** The metrics as returned by `GET /metrics` of the administration listener, in the text format of Prometheus: docs/reference/metrics.md. */
  async metrics(): Promise<string> {
    return (await this.#parts.metrics.read()).text;
  }

  /** Checks a token with the gateway's own checks and reports what is right and wrong. Does not log anyone in. */
  inspectToken(token: string): Promise<TokenInspection> {
    return this.#parts.authorities.verifier.inspect(token);
  }

  /** Tests everything as a client would: the gateway's probe page and the key set over TLS, and the keys for checking tokens. */
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

  /**
   * Restores the initial state, so that one simulator can serve a whole test suite: faults, clock, directory, sign-ins,
   * grants, scheduled failures and outages, keys, bans and sessions. Clients of sessions get a disconnect packet, and end. Tokens stay valid,
   * unless they were issued after a change of keys or while the clock was ahead. The journal continues; `mark` is where the new part begins.
   * Concurrent calls during a reset share one further reset.
   * @throws TunneliteError `ERR_SIMULATOR_RESET`, `ERR_CLOSED`
   * @example
   * ```ts
   * const { mark } = await sim.reset();
   * sim.journal.expectNoProblems({ since: mark });
   * ```
   */
  reset(): Promise<ResetResult> {
    return this.#resetShared();
  }

  /**
   * Registers a hook that resets something of the program's own with the simulator: it runs before sessions are ended. The returned function
   * removes it. The reset waits for the hook's promise, so a hook must not wait for a reset.
   * @param name the hook's name in error messages
   */
  onReset(name: string, hook: ResetHook): () => void {
    return this.#parts.resets.add(name, hook);
  }

  async #reset(): Promise<ResetResult> {
    const { clock, closing, gateway, network, resets, telemetry } = this.#parts;
    if (closing.closed) throw new TunneliteError('ERR_CLOSED', 'A closed simulator cannot be reset.');
    const begin = clock.machine.monotonic();
    let sessions = 0;
    // Last, after everything added meanwhile: whatever a client does from then on meets a simulator in its initial state.
    const remove = resets.add('gateway', async () => {
      sessions = await gateway.reset();
      await network.reset();
    });
    await resets.run().finally(remove);
    const milliseconds = clock.machine.monotonic() - begin;
    telemetry.emit('simulator.reset', { sessions, milliseconds });
    return { sessions, milliseconds, mark: telemetry.journal.mark() };
  }

  #source: ConfigSource | undefined;

  /** @internal Where `reload` reads the configuration. */
  readConfigFrom(source: ConfigSource): void {
    this.#source = source;
  }

  /**
   * Reads the configuration again, and applies the changes that do not need a restart: users and policies, routes and DNS for new sessions, limits,
   * upstreams, log levels. The result lists what was applied and what still has its old value. An invalid configuration changes nothing. A
   * later reset returns to the configuration read last.
   * @param input as for `startSimulator`; if omitted: the file, variables and flags that `tunnelite start` has read
   * @throws TunneliteError `ERR_CONFIG_INVALID` and others of the configuration, `ERR_CONFIG_RELOAD`, `ERR_CLOSED`
   */
  async reload(input?: ConfigInput): Promise<ReloadResult> {
    if (this.#parts.closing.closed)
      throw new TunneliteError('ERR_CLOSED', 'A closed simulator cannot reload its configuration.');
    const given: ConfigSource | undefined = input && (() => loadInput(input, IN_PROCESS_DEFAULTS));
    return reloadConfig(given ?? this.#source, {
      emit: this.emit,
      current: () => this.#config,
      defaultTenant: () => this.#parts.authorities.tenant,
      assertPossible: ({ faults }) => this.faults.assertConfigurable(faults),
      apply: (config, change) => this.#apply(config, change),
    });
  }

  #apply(config: Config, { applied }: ConfigChange): void {
    const { authorities, faults, gateway, network, onLogLevel, telemetry } = this.#parts;
    const changed = new Set(applied.map(({ member }) => member));
    this.#config = config;
    this.#read = config;
    gateway.configure(tunnelSettings(config));
    network.configure(config);
    faults.configure(config.faults);
    authorities.configure(config, changed.has('identity.directory'));
    telemetry.useJournalLevel(config.journal.level);
    if (changed.has('log.level')) onLogLevel?.(config.log.level);
  }

  /**
   * Sites, server configurations and policies in Microsoft Graph's form. Graph is served at the origin of Entra ID under `/beta` and `/v1.0`.
   * @throws TunneliteError `ERR_SIMULATOR_NO_PROVIDER` with a real tenant's authority
   * @example
   * ```ts fragment
   * const intune = await sim.intune();
   * intune.deliver({ user: 'alice@contoso.com', app: 'com.contoso.lob', platform: 'ios' }).settings;
   * ```
   */
  async intune(): Promise<Intune> {
    if (!this.issuesTokens) throw new TunneliteError('ERR_SIMULATOR_NO_PROVIDER');
    return this.#parts.intune.load();
  }

  /** @internal Applies a server configuration of Graph to new sessions. */
  applyServerConfiguration(object: Readonly<Record<string, unknown>>) {
    const { gateway } = this.#parts;
    const plan = planServerConfiguration(this.#config, this.#read, object, gateway.port);
    this.#config = plan.config;
    gateway.configure(tunnelSettings(plan.config));
    return plan;
  }

  /** @internal Makes the current state the one that a reset restores. */
  keepServerConfiguration(): void {
    this.#read = this.#config;
  }

  /** @internal */
  restoreServerConfiguration(): void {
    if (this.#config === this.#read) return;
    this.#config = this.#read;
    this.#parts.gateway.configure(tunnelSettings(this.#read));
  }

  #onStopRequest: (() => void) | undefined;

  /**
   * Called instead of `close` when a client requests the end over REST (`POST /api/stop`): for a program that has more to close than the
   * simulator.
   */
  onStopRequest(handler: () => void): void {
    this.#onStopRequest = handler;
  }

  /** @internal A client requests the end over REST. */
  requestStop(): void {
    if (this.#onStopRequest) this.#onStopRequest();
    else void this.close('requested over REST').catch(() => {});
  }

  /** Closes gateway, Entra ID and mock network, in this order. Calling it twice is harmless. */
  async close(reason = 'requested'): Promise<void> {
    const { telemetry, closing } = this.#parts;
    if (!closing.closed) telemetry.emit('simulator.closing', { reason });
    await closing.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
