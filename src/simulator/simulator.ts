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

/** What came of a reset. */
export interface ResetResult {
  /** How many sessions were ended. */
  readonly sessions: number;
  readonly milliseconds: number;
  /** Where the journal was when all was done: `since: mark` in a query means what came after. */
  readonly mark: JournalMark;
}

interface Parts {
  readonly config: Config;
  readonly clock: SimulatorClock;
  readonly machine: Clock;
  /** How the listeners are reached by probes. */
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
  /** Has the log begin at another level. */
  readonly onLogLevel: ((level: Config['log']['level']) => void) | undefined;
  /** The gateway's certificate, where it is not one of our CA. */
  readonly ownCertificate: string | undefined;
}

/** A running simulator: what to connect to, what happened, and how to end it. */
export class Simulator implements Closable {
  #config: Config;
  /** The configuration as it was read last: what it is without changes over Graph. */
  #read: Config;
  /** The time that tokens, sessions, cookies and all other limits of the configuration go by. */
  readonly clock: SimulatorClock;
  readonly journal: Journal;
  readonly certificates: CertificateStore;
  readonly gateway: Gateway;
  /** The gateway's sessions, and what an operator can do to one. */
  readonly sessions: SessionControls;
  readonly network: InnerNetwork;
  /** What clients find behind the gateway; upstreams can be added and removed. */
  readonly resources: ResourceControls;
  /** Who may reach what; rules can be added, removed and replaced. */
  readonly access: AccessControls;
  /** Answers of one's own in the mock network; stubs can be added and removed. */
  readonly stubs: StubControls;
  /** What goes wrong on purpose: rules that drop, delay, refuse. */
  readonly faults: FaultEngine;
  /** Packets that are captured, for Wireshark. */
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

  /** PEM of the CA that clients have to trust. */
  get ca(): string {
    return this.certificates.ca.certPem;
  }

  /**
   * The built-in Entra ID: its directory, keys, ordered failures and outages.
   * @throws TunneliteError `ERR_SIMULATOR_NO_PROVIDER` with a real tenant's authority
   */
  get identity(): IdentityProvider {
    const { provider } = this.#parts.authorities;
    if (!provider) throw new TunneliteError('ERR_SIMULATOR_NO_PROVIDER');
    return provider;
  }

  /** False with a real tenant's authority: then there is no built-in Entra ID. */
  get issuesTokens(): boolean {
    return this.#parts.authorities.provider !== undefined;
  }

  /** Reports an event of a part that is built around the simulator, such as the administration listener. */
  get emit(): Emit {
    return this.#parts.telemetry.emit;
  }

  /**
   * What a client did, what was decided and why, and what to do next, from the journal.
   * @param who the short id of a session, an address with or without a port, or `last`, which is who came last
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
    return tokenMinter(this.identity)(request);
  }

  /**
   * Captures packets for Wireshark, with the keys to decrypt them, until it is stopped or disposed of. The file begins with what comes from
   * now on; without `file` the newest part is kept in memory, and `bytes()` is that.
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
   * A report on this run to attach to an issue: journal, configuration, what REST answers, metrics, and the headers of captured packets, without
   * secrets: a tar archive, compressed by gzip. `tunnelite open` shows it.
   */
  async report(): Promise<Buffer> {
    const { captures, config, journal } = this;
    const { reportOf } = await import('./report.ts');
    return reportOf({ admin: this.admin, captures, config, journal, metrics: () => this.metrics(), secrets: [] });
  }

  /** The metrics as `GET /metrics` of the administration listener shows them, in the text format of Prometheus: docs/reference/metrics.md. */
  async metrics(): Promise<string> {
    return (await this.#parts.metrics.read()).text;
  }

  /** What is right and wrong about a token, by the gateway's own checks. Nobody is logged in by it. */
  inspectToken(token: string): Promise<TokenInspection> {
    return this.#parts.authorities.verifier.inspect(token);
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

  /**
   * Puts everything back to how it was at the start, so that one simulator serves a whole suite of tests: faults, clock, directory, sign-ins,
   * grants, ordered failures and outages, keys, bans and sessions. Clients of sessions get a disconnect packet, and end. Tokens stay good,
   * unless they were made after the keys were changed or while the clock was ahead. The journal goes on; `mark` is where the new part begins.
   * Resets that are asked for while one is under way are one more together.
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
   * Has something of the program's own be reset with the simulator: before its sessions are ended. The returned function ends that. The
   * reset waits for what the hook returns, so a hook must not wait for a reset.
   * @param name what it is called where it fails
   */
  onReset(name: string, hook: ResetHook): () => void {
    return this.#parts.resets.add(name, hook);
  }

  async #reset(): Promise<ResetResult> {
    const { clock, closing, gateway, network, resets, telemetry } = this.#parts;
    if (closing.closed) throw new TunneliteError('ERR_CLOSED', 'A closed simulator cannot be reset.');
    const begin = clock.machine.monotonic();
    let sessions = 0;
    // Last, whatever was added meanwhile: what a client does from then on meets a simulator that is as new.
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

  /** @internal Where `reload` finds the configuration. */
  readConfigFrom(source: ConfigSource): void {
    this.#source = source;
  }

  /**
   * Reads the configuration again, and takes over what can be without a restart: users and policies, routes and DNS for new sessions, limits,
   * upstreams, log levels. The result names what was taken over, and what is still as it was. One that is not valid changes nothing. A
   * reset goes back to what was read last.
   * @param input as for `startSimulator`; left out: the file, variables and flags that `tunnelite start` has read
   * @throws TunneliteError `ERR_CONFIG_INVALID` and others of the configuration, `ERR_CONFIG_RELOAD`, `ERR_CLOSED`
   */
  async reload(input?: ConfigInput): Promise<ReloadResult> {
    if (this.#parts.closing.closed) throw new TunneliteError('ERR_CLOSED', 'A closed simulator reads nothing.');
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
   * Sites, server configurations and policies as Microsoft Graph has them, which is served at the origin of Entra ID under `/beta` and `/v1.0`.
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

  /** @internal Has new sessions go by a server configuration of Graph's. */
  applyServerConfiguration(object: Readonly<Record<string, unknown>>) {
    const { gateway } = this.#parts;
    const plan = planServerConfiguration(this.#config, this.#read, object, gateway.port);
    this.#config = plan.config;
    gateway.configure(tunnelSettings(plan.config));
    return plan;
  }

  /** @internal What is in force now is what a reset goes back to. */
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
   * Called instead of `close` when somebody asks over REST for the end (`POST /api/stop`): for a program that has more to end than the
   * simulator.
   */
  onStopRequest(handler: () => void): void {
    this.#onStopRequest = handler;
  }

  /** @internal Somebody asks over REST for the end. */
  requestStop(): void {
    if (this.#onStopRequest) this.#onStopRequest();
    else void this.close('asked to over REST').catch(() => {});
  }

  /** Closes gateway, Entra ID and mock network, in this order. Calling it twice is harmless. */
  async close(reason = 'asked to'): Promise<void> {
    const { telemetry, closing } = this.#parts;
    if (!closing.closed) telemetry.emit('simulator.closing', { reason });
    await closing.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
