import { checkPlan, type LoadPlan, type LoadResult } from '../../src/load/index.ts';
import { conclude } from '../../src/load/result/conclude.ts';
import { TimeHistogram } from '../../src/load/result/histogram.ts';
import { Tally } from '../../src/load/result/tally.ts';

/** What a result is made up from. */
export interface MadeUp {
  readonly name?: string;
  readonly plan?: Partial<LoadPlan>;
  readonly worker?: { readonly index: number; readonly of: number };
  readonly startedAt?: string;
  readonly thresholds?: readonly string[];
  readonly phaseThresholds?: readonly string[];
  /** Milliseconds of each client's fall back. */
  readonly fallbacks?: readonly number[];
  readonly lost?: number;
  readonly late?: boolean;
  readonly interrupted?: boolean;
  readonly refusals?: readonly string[];
  readonly gateway?: { readonly cpu: number; readonly rss: number };
}

const POINTS = 5;

/** The result of a run that nobody has run, with two phases: a login storm, and a blackout. */
export function loadResult(made: MadeUp = {}): LoadResult {
  const { name = 'test', worker, fallbacks = [1000, 2000, 4000], refusals = [], gateway } = made;
  const { plan } = checkPlan(
    {
      name,
      clients: 6,
      server: 'gateway.example:8443',
      token: { file: 'token' },
      phases: [
        { phase: 'login storm', for: '2s' },
        { phase: 'udp blackout', for: '3s', thresholds: made.phaseThresholds ?? [] },
      ],
      thresholds: made.thresholds ?? [],
      ...made.plan,
    },
    worker,
  );
  const [storm, blackout, total] = [new Tally(), new Tally(), new Tally()];
  for (const tally of [storm, blackout]) tally.record('lag', made.late ? 500 : 1);
  for (const ms of fallbacks) {
    for (const counter of ['login.planned', 'login.done', 'dtls.done'] as const) storm.count(counter);
    storm.record('login', ms / 100);
    storm.record('roundtrip.dtls', 5);
    for (const counter of ['fallback.cut', 'fallback.done'] as const) blackout.count(counter);
    blackout.record('fallback', ms);
    blackout.record('roundtrip.dtls', 6);
  }
  for (const [tally, lost] of [
    [storm, 0],
    [blackout, made.lost ?? 0],
  ] as const) {
    tally.count('requests.scheduled', 100);
    tally.count('requests.answered', 100 - lost);
    tally.count('requests.lost', lost);
  }
  for (const cause of refusals) storm.refused(cause);
  total.add(storm);
  total.add(blackout);
  const interval = new TimeHistogram();
  for (const ms of fallbacks) interval.record(ms / 1000);
  const column = <T>(value: T): T[] => Array.from({ length: POINTS }, () => value);
  const usage = { cpu: column(0.5), rss: column(100 * 2 ** 20), loopDelay: column(3) };
  const phase = (i: number, tally: Tally, from: number, to: number) => ({
    name: plan.phases[i]!.name ?? plan.phases[i]!.phase,
    phase: plan.phases[i]!.phase,
    from,
    to,
    planned: to - from,
    warmup: 0,
    leftOut: 0,
    arrivals: 'at once' as const,
    dropped: {},
    measures: tally.result(),
  });
  return JSON.parse(
    JSON.stringify(
      conclude({
        meta: {
          name,
          tunnelite: '0.1.0',
          startedAt: made.startedAt ?? '2030-01-31T12:00:00.000Z',
          duration: 5000,
          seed: 1,
          model: 'Open loop.',
          plan,
          ...(worker && { worker }),
          server: { url: 'https://gateway.example:8443/', kind: 'bearer', dpd: 5, dtlsDpd: 5 },
          client: {
            dtls: 'auto',
            unanswered: 3500,
            dtlsRetry: { first: 10_000, most: 60_000, handshake: 12_000 },
            reconnect: 300_000,
            timeout: 30_000,
          },
          resolution: 1000,
          machine: { cpus: 2, cpu: 'Test', memory: 2 ** 33, node: 'v24.0.0', platform: 'linux x64' },
        },
        phases: [phase(0, storm, 0, 2000), phase(1, blackout, 2000, 5000)],
        totals: total.result(),
        reasons: made.late ? ['In the phase “login storm” the generator was 500 ms late at the 99th percentile.'] : [],
        lagBound: 100,
        interrupted: made.interrupted ?? false,
        ...(gateway && {
          gateway: {
            source: 'pid' as const,
            cpu: gateway.cpu,
            rss: { first: gateway.rss / 2, last: gateway.rss, max: gateway.rss },
          },
        }),
        series: {
          every: 1000,
          t: Array.from({ length: POINTS }, (_, i) => (i + 1) * 1000),
          clients: { dtls: column(fallbacks.length), tls: column(0), none: column(1) },
          requests: { scheduled: column(20), answered: column(19) },
          roundtrip: {
            p50: column(interval.at(50)),
            p99: column(interval.at(99)),
            max: column(interval.at(100)),
            hdr: column(interval.encode()),
          },
          lag: { p99: column(1000), max: column(1000), hdr: column(interval.encode()) },
          generator: usage,
          ...(gateway && { gateway: usage }),
        },
      }),
    ),
  ) as LoadResult;
}
