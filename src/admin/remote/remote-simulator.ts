import type { Writable } from 'node:stream';
import type { TokenInspection } from '../../bearer/index.ts';
import type { AccessInput, AccessRuleInput, StubInput, UpstreamInput } from '../../config/index.ts';
import { type Explanation, parseSubject } from '../../explain/index.ts';
import type { DrainOptions, DrainResult, GatewayState, SessionInfo, StopOptions } from '../../gateway/index.ts';
import type { Closable } from '../../lib/dispose.ts';
import type { EventListener } from '../../telemetry/index.ts';
import type { AccessAnswer, AccessRuleAnswer } from '../routes/access-routes.ts';
import type { ReloadAnswer } from '../routes/config-routes.ts';
import type { ResetAnswer } from '../routes/reset-routes.ts';
import type {
  DnsCountsAnswer,
  MockHostAnswer,
  RequestCountsAnswer,
  UpstreamAnswer,
} from '../routes/resource-routes.ts';
import type { InstanceStatus } from '../routes/status-routes.ts';
import type { StubAnswer } from '../routes/stub-routes.ts';
import type { MintedToken, TokenRequest } from '../routes/tokens.ts';
import { RemoteCaptures } from './remote-captures.ts';
import { RemoteFaults } from './remote-faults.ts';
import { RemoteIdentity } from './remote-identity.ts';
import { RemoteIntune } from './remote-intune.ts';
import { RemoteJournal } from './remote-journal.ts';
import { Requests } from './requests.ts';

/** The state of an instance's clock. */
export interface ClockReading {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** How many milliseconds it is ahead of that machine's clock. */
  readonly offset: number;
  readonly mode: 'real' | 'manual';
}

const segment = encodeURIComponent;

/** Sessions of an instance in another process. */
class RemoteSessions {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async list(): Promise<readonly SessionInfo[]> {
    return (await this.#requests.json<{ sessions: SessionInfo[] }>('/api/sessions')).sessions;
  }

  /** @throws TunneliteError `ERR_SESSION_UNKNOWN` */
  async get(id: string): Promise<SessionInfo> {
    return this.#requests.json(`/api/sessions/${segment(id)}`);
  }

  /**
   * Ends a session as an administrator; its cookie becomes invalid at once.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  async disconnect(id: string, options: { readonly reason?: string } = {}): Promise<void> {
    await this.#requests.json(`/api/sessions/${segment(id)}/disconnect`, { body: options });
  }

  /**
   * Ends a session as if its time limit had passed.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  async expire(id: string): Promise<void> {
    await this.#requests.json(`/api/sessions/${segment(id)}/expire`, { body: {} });
  }

  /**
   * Makes the client renew its tunnel with new keys.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`, `ERR_SESSION_NOT_CONNECTED`
   */
  async rekey(id: string): Promise<void> {
    await this.#requests.json(`/api/sessions/${segment(id)}/rekey`, { body: {} });
  }
}

/** The gateway of an instance in another process. */
class RemoteGateway {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async state(): Promise<GatewayState> {
    return (await this.#requests.json<{ state: GatewayState }>('/api/gateway')).state;
  }

  async stats(): Promise<Readonly<Record<string, number>>> {
    return (await this.#requests.json<{ counters: Record<string, number> }>('/api/gateway')).counters;
  }

  /** Restarts the gateway on the same port, like a service restart. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.#requests.json('/api/gateway/restart', { body: options });
  }

  /** Closes the port and all connections until `start`. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.#requests.json('/api/gateway/stop', { body: options });
  }

  async start(): Promise<void> {
    await this.#requests.json('/api/gateway/start', { body: {} });
  }

  /**
   * Accepts no new clients and waits for the connected ones to leave; ends the remaining ones at the timeout.
   * @throws TunneliteError `ERR_GATEWAY_STATE`, `ERR_DURATION_INVALID`
   */
  drain(options: DrainOptions = {}): Promise<DrainResult> {
    return this.#requests.json('/api/gateway/drain', { body: options, timeout: DRAIN_TIMEOUT_MS });
  }
}

/** Draining can take as long as clients stay: a day counts as no limit. */
const DRAIN_TIMEOUT_MS = 86_400_000;

/** The clock of an instance in another process. */
class RemoteClock {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  read(): Promise<ClockReading> {
    return this.#requests.json('/api/clock');
  }

  async now(): Promise<number> {
    return (await this.read()).now;
  }

  /**
   * Moves time forward, for example by `3600s`, `90m` or `2d`; a number is in milliseconds. Resolves after all resulting actions are complete.
   * @throws TunneliteError `ERR_DURATION_INVALID`, `ERR_CLOCK_RANGE`
   */
  advance(duration: string | number): Promise<ClockReading> {
    return this.#requests.json('/api/clock/advance', { body: { by: duration }, timeout: ADVANCE_TIMEOUT_MS });
  }

  set(mode: ClockReading['mode']): Promise<ClockReading> {
    return this.#requests.json('/api/clock/mode', { method: 'PUT', body: { mode } });
  }

  freeze(): Promise<ClockReading> {
    return this.set('manual');
  }

  resume(): Promise<ClockReading> {
    return this.set('real');
  }
}

/** Clients are probed (DPD) during the advance, which takes seconds. */
const ADVANCE_TIMEOUT_MS = 120_000;

/** The resources behind the gateway of an instance in another process. */
class RemoteResources {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Mock hosts and upstreams, with request counts. */
  list(): Promise<{
    readonly hosts: readonly MockHostAnswer[];
    readonly upstreams: readonly UpstreamAnswer[];
    readonly requests: RequestCountsAnswer;
    readonly dns: DnsCountsAnswer;
  }> {
    return this.#requests.json('/api/resources');
  }

  /** The latest HTTP requests to the mock sites, and plain HTTP requests to upstreams, as a HAR 1.2, oldest first. */
  har(): Promise<{ readonly log: { readonly version: '1.2'; readonly entries: readonly object[] } }> {
    return this.#requests.json('/api/resources/requests.har');
  }

  /**
   * Adds an upstream with top priority, until it is removed or the instance is reset.
   * @param upstream as under `resources.upstreams` in a configuration
   * @throws TunneliteError `ERR_RESOURCE_RULE`, `ERR_REQUEST_INVALID`
   */
  add(upstream: UpstreamInput): Promise<UpstreamAnswer & { readonly warnings: readonly string[] }> {
    return this.#requests.json('/api/resources', { body: upstream });
  }

  /**
   * Removes an upstream and resets its connections.
   * @throws TunneliteError `ERR_RESOURCE_UNKNOWN`
   */
  remove(id: string): Promise<{ readonly ended: number }> {
    return this.#requests.json(`/api/resources/${segment(id)}`, { method: 'DELETE' });
  }
}

/** Access rules of an instance in another process. */
class RemoteAccess {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The rules, in order. */
  list(): Promise<AccessAnswer> {
    return this.#requests.json('/api/access');
  }

  /**
   * Adds a rule with top priority, until it is removed, the rules are replaced or the instance is reset.
   * @param rule as under `resources.access.rules` in a configuration
   * @throws TunneliteError `ERR_ACCESS_RULE`, `ERR_REQUEST_INVALID`
   */
  add(rule: AccessRuleInput): Promise<AccessRuleAnswer & { readonly ended: number }> {
    return this.#requests.json('/api/access', { body: rule });
  }

  /**
   * Replaces all rules, until the instance is reset.
   * @param access as `resources.access` in a configuration
   * @throws TunneliteError `ERR_ACCESS_RULE`, `ERR_REQUEST_INVALID`
   */
  replace(access: AccessInput): Promise<AccessAnswer & { readonly ended: number }> {
    return this.#requests.json('/api/access', { method: 'PUT', body: access });
  }

  /** @throws TunneliteError `ERR_ACCESS_UNKNOWN` */
  remove(id: string): Promise<{ readonly ended: number }> {
    return this.#requests.json(`/api/access/${segment(id)}`, { method: 'DELETE' });
  }
}

/** Custom responses in the mock network of an instance in another process. */
class RemoteStubs {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** All stubs, in the order of evaluation. */
  async list(): Promise<readonly StubAnswer[]> {
    return (await this.#requests.json<{ stubs: StubAnswer[] }>('/api/stubs')).stubs;
  }

  /** @throws TunneliteError `ERR_STUB_UNKNOWN` */
  get(id: string): Promise<StubAnswer> {
    return this.#requests.json(`/api/stubs/${segment(id)}`);
  }

  /**
   * Adds a stub with top priority, until it is removed or the instance is reset.
   * @param stub as under `services.stubs` in a configuration
   * @throws TunneliteError `ERR_STUB_INVALID`, `ERR_REQUEST_INVALID`
   */
  add(stub: StubInput): Promise<StubAnswer> {
    return this.#requests.json('/api/stubs', { body: stub });
  }

  /** @throws TunneliteError `ERR_STUB_UNKNOWN` */
  remove(id: string): Promise<{ readonly hits: number }> {
    return this.#requests.json(`/api/stubs/${segment(id)}`, { method: 'DELETE' });
  }
}

/**
 * A simulator in another process: like `Simulator`, but every result is a promise. Closing it only ends its subscriptions.
 *
 * @example
 * ```ts
 * const sim = await connectSimulator('http://127.0.0.1:8445', { secret });
 * const mark = await sim.journal.mark();
 * await sim.clock.advance('1h');
 * await sim.journal.waitFor({ name: 'session.disconnect', since: mark });
 * ```
 */
export class RemoteSimulator implements Closable {
  readonly journal: RemoteJournal;
  readonly sessions: RemoteSessions;
  readonly gateway: RemoteGateway;
  readonly clock: RemoteClock;
  /** Fault injection: rules that drop, delay, refuse. */
  readonly faults: RemoteFaults;
  readonly identity: RemoteIdentity;
  readonly resources: RemoteResources;
  readonly access: RemoteAccess;
  readonly stubs: RemoteStubs;
  /** Sites and policies in Graph's format, and their delivery to apps. */
  readonly intune: RemoteIntune;
  /** Packet captures for Wireshark. */
  readonly captures: RemoteCaptures;
  readonly urls: { readonly gateway: string; readonly authority: string; readonly admin: string };
  /** PEM of the CA that clients must trust. */
  readonly ca: string;
  /** False with a real tenant's authority. */
  readonly issuesTokens: boolean;
  readonly #requests: Requests;
  readonly #following = new Set<() => void>();

  /** @internal */
  constructor(requests: Requests, { gateway, authority, ca, issuesTokens }: InstanceStatus) {
    this.#requests = requests;
    this.urls = { gateway, authority, admin: requests.url };
    this.ca = ca;
    this.issuesTokens = issuesTokens;
    this.journal = new RemoteJournal(requests);
    this.sessions = new RemoteSessions(requests);
    this.gateway = new RemoteGateway(requests);
    this.clock = new RemoteClock(requests);
    this.faults = new RemoteFaults(requests);
    this.identity = new RemoteIdentity(requests);
    this.resources = new RemoteResources(requests);
    this.access = new RemoteAccess(requests);
    this.stubs = new RemoteStubs(requests);
    this.intune = new RemoteIntune(requests);
    this.captures = new RemoteCaptures(requests);
  }

  /** Writes a report of the run, without secrets, to `to`, and ends that stream. */
  report(to: Writable): Promise<void> {
    return this.#requests.pipe('/api/report', new URLSearchParams(), to);
  }

  status(): Promise<InstanceStatus> {
    return this.#requests.json('/api/status');
  }

  /**
   * Explains what a client did, what the gateway decided and why, and what to do next.
   * @param who the short ID of a session, an address with or without a port, or `last` for the latest client
   * @throws TunneliteError `ERR_EXPLAIN_SUBJECT`, `ERR_EXPLAIN_UNKNOWN`
   */
  async explain(who: string = 'last'): Promise<Explanation> {
    const subject = parseSubject(who);
    const query = new URLSearchParams();
    if (subject.kind === 'session') query.set('session', subject.session);
    if (subject.kind === 'address') query.set('address', who);
    return this.#requests.json('/api/explain', { query });
  }

  /** The current configuration. */
  config(): Promise<Readonly<Record<string, unknown>>> {
    return this.#requests.json('/api/config');
  }

  /**
   * Reloads the instance's configuration, and applies everything that needs no restart.
   * @throws TunneliteError `ERR_CONFIG_INVALID` and other configuration errors, `ERR_CONFIG_RELOAD`
   */
  reload(): Promise<ReloadAnswer> {
    return this.#requests.json('/api/config/reload', { body: {} });
  }

  /** Issues an access token for the gateway, from the built-in Entra ID. */
  async token(request: TokenRequest = {}): Promise<string> {
    return (await this.mintToken(request)).accessToken;
  }

  /** Like `token`, with the token's contents. */
  mintToken(request: TokenRequest = {}): Promise<MintedToken> {
    return this.#requests.json('/api/tokens', { body: request });
  }

  /** Runs the gateway's own checks on a token and returns all results. */
  inspectToken(token: string): Promise<TokenInspection> {
    return this.#requests.json('/api/tokens/check', { body: { token } });
  }

  /** Creates a link that opens the dashboard: valid once, for `expiresIn` seconds. */
  dashboardLink(): Promise<{ readonly url: string; readonly expiresIn: number }> {
    return this.#requests.json('/api/dashboard/links', { body: {} });
  }

  /** Stops the instance; resolves when it accepts. */
  async shutDown(): Promise<void> {
    await this.#requests.json('/api/stop', { body: {} });
  }

  /** Restores the initial state, except for ports, certificates and the journal. */
  reset(): Promise<ResetAnswer> {
    return this.#requests.json('/api/reset', { body: {} });
  }

  /** Follows events as they happen; call the returned function to stop. */
  subscribe(listener: EventListener): () => void {
    const end = this.journal.follow(listener, () => this.#following.delete(stop));
    const stop = (): void => {
      this.#following.delete(stop);
      end();
    };
    this.#following.add(stop);
    return stop;
  }

  /** Ends this object's subscriptions; the instance keeps running. */
  async close(): Promise<void> {
    for (const stop of [...this.#following]) stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Connects to a simulator in another process, through its administration listener.
 * @param url `admin` of the readiness line, such as `http://127.0.0.1:8445`
 * @throws TunneliteError `ERR_REMOTE_UNREACHABLE`, `ERR_ADMIN_SECRET`
 */
export async function connectSimulator(url: string, { secret }: { readonly secret: string }): Promise<RemoteSimulator> {
  const requests = new Requests(url, secret);
  return new RemoteSimulator(requests, await requests.json<InstanceStatus>('/api/status'));
}
