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

/** What the clock of an instance shows. */
export interface ClockReading {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** By how many milliseconds it is ahead of the machine's clock there. */
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
   * Ends a session as an administrator does; its cookie is invalid at once.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  async disconnect(id: string, options: { readonly reason?: string } = {}): Promise<void> {
    await this.#requests.json(`/api/sessions/${segment(id)}/disconnect`, { body: options });
  }

  /**
   * Ends a session as its time limit does.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  async expire(id: string): Promise<void> {
    await this.#requests.json(`/api/sessions/${segment(id)}/expire`, { body: {} });
  }

  /**
   * Has the client renew its tunnel, and with it all keys.
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

  /** Goes down and comes up again at the same port, as a service that is restarted. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.#requests.json('/api/gateway/restart', { body: options });
  }

  /** Closes the ports and every connection, until `start`. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.#requests.json('/api/gateway/stop', { body: options });
  }

  async start(): Promise<void> {
    await this.#requests.json('/api/gateway/start', { body: {} });
  }

  /**
   * Takes no new clients, and waits for those that are connected to leave; when the time is up they are ended.
   * @throws TunneliteError `ERR_GATEWAY_STATE`, `ERR_DURATION_INVALID`
   */
  drain(options: DrainOptions = {}): Promise<DrainResult> {
    return this.#requests.json('/api/gateway/drain', { body: options, timeout: DRAIN_TIMEOUT_MS });
  }
}

/** Draining may go on for as long as clients like to stay: a day of it is looked on as for ever. */
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
   * Moves time forward, such as by `3600s`, `90m` or `2d`; a number is in milliseconds. Resolves when all that the new time brings about has happened.
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

/** Clients are asked for a sign of life on the way, which takes seconds. */
const ADVANCE_TIMEOUT_MS = 120_000;

/** What is behind the gateway of an instance in another process. */
class RemoteResources {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Mock hosts and upstreams, with how often each was asked for. */
  list(): Promise<{
    readonly hosts: readonly MockHostAnswer[];
    readonly upstreams: readonly UpstreamAnswer[];
    readonly requests: RequestCountsAnswer;
    readonly dns: DnsCountsAnswer;
  }> {
    return this.#requests.json('/api/resources');
  }

  /** The last HTTP requests to the mock sites, and plain ones to upstreams, as a HAR 1.2, oldest first. */
  har(): Promise<{ readonly log: { readonly version: '1.2'; readonly entries: readonly object[] } }> {
    return this.#requests.json('/api/resources/requests.har');
  }

  /**
   * Adds an upstream, before all others, until it is removed or the instance is reset.
   * @param upstream as under `resources.upstreams` in a configuration
   * @throws TunneliteError `ERR_RESOURCE_RULE`, `ERR_REQUEST_INVALID`
   */
  add(upstream: UpstreamInput): Promise<UpstreamAnswer & { readonly warnings: readonly string[] }> {
    return this.#requests.json('/api/resources', { body: upstream });
  }

  /**
   * Takes an upstream out: connections to it are reset.
   * @throws TunneliteError `ERR_RESOURCE_UNKNOWN`
   */
  remove(id: string): Promise<{ readonly ended: number }> {
    return this.#requests.json(`/api/resources/${segment(id)}`, { method: 'DELETE' });
  }
}

/** Who may reach what in an instance in another process. */
class RemoteAccess {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The rules in their order. */
  list(): Promise<AccessAnswer> {
    return this.#requests.json('/api/access');
  }

  /**
   * Adds a rule, before all others, until it is removed, the rules are replaced or the instance is reset.
   * @param rule as under `resources.access.rules` in a configuration
   * @throws TunneliteError `ERR_ACCESS_RULE`, `ERR_REQUEST_INVALID`
   */
  add(rule: AccessRuleInput): Promise<AccessRuleAnswer & { readonly ended: number }> {
    return this.#requests.json('/api/access', { body: rule });
  }

  /**
   * Has these rules and no others, until the instance is reset.
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

/** Answers of one's own in the mock network of an instance in another process. */
class RemoteStubs {
  readonly #requests: Requests;
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** In the order in which they are tried. */
  async list(): Promise<readonly StubAnswer[]> {
    return (await this.#requests.json<{ stubs: StubAnswer[] }>('/api/stubs')).stubs;
  }

  /** @throws TunneliteError `ERR_STUB_UNKNOWN` */
  get(id: string): Promise<StubAnswer> {
    return this.#requests.json(`/api/stubs/${segment(id)}`);
  }

  /**
   * Adds a stub, before all others, until it is removed or the instance is reset.
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
 * A simulator that runs in another process: as `Simulator`, each answer a promise. Closing it ends nothing but what it follows.
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
  /** What goes wrong on purpose: rules that drop, delay, refuse. */
  readonly faults: RemoteFaults;
  readonly identity: RemoteIdentity;
  readonly resources: RemoteResources;
  readonly access: RemoteAccess;
  readonly stubs: RemoteStubs;
  /** Sites and policies as Graph has them, and what apps get of them. */
  readonly intune: RemoteIntune;
  /** Packets that are captured, for Wireshark. */
  readonly captures: RemoteCaptures;
  readonly urls: { readonly gateway: string; readonly authority: string; readonly admin: string };
  /** PEM of the CA that clients have to trust. */
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

  /** Writes a report on the run, without secrets, to `to`, and ends that. */
  report(to: Writable): Promise<void> {
    return this.#requests.pipe('/api/report', new URLSearchParams(), to);
  }

  status(): Promise<InstanceStatus> {
    return this.#requests.json('/api/status');
  }

  /**
   * What a client did, what was decided and why, and what to do next.
   * @param who the short id of a session, an address with or without a port, or `last`, which is who came last
   * @throws TunneliteError `ERR_EXPLAIN_SUBJECT`, `ERR_EXPLAIN_UNKNOWN`
   */
  async explain(who: string = 'last'): Promise<Explanation> {
    const subject = parseSubject(who);
    const query = new URLSearchParams();
    if (subject.kind === 'session') query.set('session', subject.session);
    if (subject.kind === 'address') query.set('address', who);
    return this.#requests.json('/api/explain', { query });
  }

  /** The configuration in force. */
  config(): Promise<Readonly<Record<string, unknown>>> {
    return this.#requests.json('/api/config');
  }

  /**
   * Has the instance read its configuration again, and take over what needs no restart.
   * @throws TunneliteError `ERR_CONFIG_INVALID` and others of the configuration, `ERR_CONFIG_RELOAD`
   */
  reload(): Promise<ReloadAnswer> {
    return this.#requests.json('/api/config/reload', { body: {} });
  }

  /** An access token for the gateway, from the built-in Entra ID. */
  async token(request: TokenRequest = {}): Promise<string> {
    return (await this.mintToken(request)).accessToken;
  }

  /** As `token`, with what the token says. */
  mintToken(request: TokenRequest = {}): Promise<MintedToken> {
    return this.#requests.json('/api/tokens', { body: request });
  }

  /** What is right and wrong about a token, by the gateway's own checks. */
  inspectToken(token: string): Promise<TokenInspection> {
    return this.#requests.json('/api/tokens/check', { body: { token } });
  }

  /** A link that opens the dashboard: good once, and for `expiresIn` seconds. */
  dashboardLink(): Promise<{ readonly url: string; readonly expiresIn: number }> {
    return this.#requests.json('/api/dashboard/links', { body: {} });
  }

  /** Ends the instance; resolves when it has agreed. */
  async shutDown(): Promise<void> {
    await this.#requests.json('/api/stop', { body: {} });
  }

  /** Back to how the instance started, but for its ports, certificates and journal. */
  reset(): Promise<ResetAnswer> {
    return this.#requests.json('/api/reset', { body: {} });
  }

  /** Follows events as they happen; the returned function ends that. */
  subscribe(listener: EventListener): () => void {
    const end = this.journal.follow(listener, () => this.#following.delete(stop));
    const stop = (): void => {
      this.#following.delete(stop);
      end();
    };
    this.#following.add(stop);
    return stop;
  }

  /** Ends what this object follows; the instance goes on. */
  async close(): Promise<void> {
    for (const stop of [...this.#following]) stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Connects to a simulator in another process, by its administration listener.
 * @param url `admin` of the readiness line, such as `http://127.0.0.1:8445`
 * @throws TunneliteError `ERR_REMOTE_UNREACHABLE`, `ERR_ADMIN_SECRET`
 */
export async function connectSimulator(url: string, { secret }: { readonly secret: string }): Promise<RemoteSimulator> {
  const requests = new Requests(url, secret);
  return new RemoteSimulator(requests, await requests.json<InstanceStatus>('/api/status'));
}
