import {
  type AccessPort,
  type AdminRoutes,
  accessRoutes,
  type CapturesPort,
  captureRoutes,
  clockRoutes,
  configRoutes,
  explainRoutes,
  type FaultsPort,
  faultRoutes,
  gatewayRoutes,
  intuneRoutes,
  journalRoutes,
  type MintedToken,
  type ProfilePort,
  processRoutes,
  profileRoutes,
  type ReloadAnswer,
  type ResetAnswer,
  type ResourcesPort,
  reportRoutes,
  resetRoutes,
  resourceRoutes,
  type SessionsPort,
  type StubsPort,
  sessionRoutes,
  statusRoutes,
  stopRoutes,
  stubRoutes,
  type TokenInspector,
  type TokenRequest,
  tokenCheckRoutes,
  tokenRoutes,
} from '../admin/index.ts';
import type { Config } from '../config/index.ts';
import { directoryAdmin, type IdentityProvider } from '../entra/index.ts';
import type { Explanation, Subject } from '../explain/index.ts';
import type { Gateway } from '../gateway/index.ts';
import type { Intune } from '../intune/index.ts';
import type { SimulatorClock } from '../lib/simulator-clock.ts';
import { version } from '../lib/version.ts';
import type { EventListener, Journal } from '../telemetry/index.ts';
import { processUsage } from './process-usage.ts';

/** What the interface shows and changes: the simulator. */
export interface AdminSubject {
  readonly urls: { readonly gateway: string; readonly authority: string; readonly admin: string };
  readonly ca: string;
  readonly config: Config;
  readonly clock: SimulatorClock;
  readonly gateway: Gateway;
  readonly sessions: SessionsPort;
  readonly resources: ResourcesPort;
  readonly access: AccessPort;
  readonly stubs: StubsPort;
  readonly faults: FaultsPort & ProfilePort;
  readonly journal: Journal;
  explain(who?: string | Subject): Explanation;
  readonly captures: CapturesPort;
  readonly issuesTokens: boolean;
  readonly identity: IdentityProvider;
  intune(): Promise<Intune>;
  reset(): Promise<ResetAnswer>;
  reload(): Promise<ReloadAnswer>;
  requestStop(): void;
  report(): Promise<Buffer>;
  subscribe(listener: EventListener): () => void;
  mintToken(request: TokenRequest): Promise<MintedToken>;
  inspectToken: TokenInspector;
}

/** The nouns of the administration interface, for one simulator. */
export function adminRoutes(sim: AdminSubject, startedAt: number, facts: () => object): AdminRoutes[] {
  const { gateway, clock, journal } = sim;
  const status = () => {
    const sessions = gateway.sessions();
    const connected = sessions.filter((one) => one.state === 'connected').length;
    const where = { ...sim.urls, ca: sim.ca, issuesTokens: sim.issuesTokens };
    return {
      version,
      pid: process.pid,
      node: process.version,
      startedAt,
      ...where,
      sessions: { connected, all: sessions.length },
      mark: journal.mark(),
      counters: gateway.stats(),
    };
  };
  return [
    { prefix: '/api/status', plugin: statusRoutes(status) },
    { prefix: '/api/process', plugin: processRoutes(processUsage()) },
    { prefix: '/api/sessions', plugin: sessionRoutes(sim.sessions) },
    { prefix: '/api/journal', plugin: journalRoutes({ journal, subscribe: (listener) => sim.subscribe(listener) }) },
    { prefix: '/api/explain', plugin: explainRoutes((subject) => sim.explain(subject)) },
    { prefix: '/api/faults', plugin: faultRoutes(sim.faults) },
    { prefix: '/api/profiles', plugin: profileRoutes(sim.faults) },
    { prefix: '/api/gateway', plugin: gatewayRoutes(gateway) },
    { prefix: '/api/report', plugin: reportRoutes(() => sim.report()) },
    { prefix: '/api/reset', plugin: resetRoutes(() => sim.reset()) },
    { prefix: '/api/stop', plugin: stopRoutes(() => sim.requestStop()) },
    { prefix: '/api/clock', plugin: clockRoutes(clock) },
    { prefix: '/api/resources', plugin: resourceRoutes(sim.resources) },
    { prefix: '/api/access', plugin: accessRoutes(sim.access) },
    { prefix: '/api/stubs', plugin: stubRoutes(sim.stubs) },
    { prefix: '/api/capture', plugin: captureRoutes(sim.captures) },
    { prefix: '/api/config', plugin: configRoutes(sim) },
    { prefix: '/api/tokens/check', plugin: tokenCheckRoutes((token) => sim.inspectToken(token)) },
    ...(sim.issuesTokens
      ? [
          { prefix: '/api/tokens', plugin: tokenRoutes((request) => sim.mintToken(request)) },
          { prefix: '/api', plugin: directoryAdmin(sim.identity) },
          { prefix: '/api/intune', plugin: intuneRoutes(() => sim.intune(), facts) },
        ]
      : []),
  ];
}
