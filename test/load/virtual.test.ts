import t, { type Test } from 'tap';
import { ClientTimer, networkCarrier, trust } from '../../src/client/core/index.ts';
import type { ConfigInput } from '../../src/index.ts';
import { seededRandom } from '../../src/lib/random.ts';
import {
  checkPlan,
  type LoadPlan,
  type LoadResult,
  runLoad,
  type TokenSource,
  TokenStore,
} from '../../src/load/index.ts';
import { createWorld } from '../../src/world/index.ts';

/* What is measured, on a network in memory and on virtual time: each figure can be worked out. */

t.setTimeout(120_000);

interface Options {
  readonly config?: ConfigInput;
  readonly token?: TokenSource;
  /** Ends the run at this time, in milliseconds. */
  readonly stopAt?: number;
  /** Shares of a processor that generator and gateway use all the time. */
  readonly usage?: readonly [generator: number, gateway: number];
}

async function run(t: Test, plan: LoadPlan, { config, token, stopAt, usage }: Options = {}): Promise<LoadResult> {
  const world = await createWorld({ seed: 3, clients: 0, config: { gateway: { dpd: 5, ...config?.gateway } } });
  t.teardown(() => world.close());
  const { clock, network, sim } = world;
  const stop = new AbortController();
  if (stopAt !== undefined) clock.setTimer(stopAt, () => stop.abort());
  let lines = 0;
  const running = runLoad(checkPlan(plan), {
    url: new URL(sim.urls.gateway),
    serverKind: 'tunnelite',
    secureContext: trust(sim.ca),
    clock,
    random: seededRandom(9),
    timer: new ClientTimer(clock),
    carrier: () => networkCarrier(network.line({ address: `198.51.100.${++lines}` })),
    login: { tokens: (fetched) => new TokenStore([token ?? (() => sim.token())], clock, fetched) },
    signal: stop.signal,
    ...(usage && {
      usage: () => ({ cpu: (clock.monotonic() / 1000) * usage[0], rss: 1 }),
      gateway: { source: 'pid', read: async () => ({ cpu: (clock.monotonic() / 1000) * usage[1], rss: 2 }) },
    }),
  });
  return await world.until(running);
}

const ms = (microseconds: number | undefined): number => (microseconds ?? Number.NaN) / 1000;
const PHASES = {
  login: { phase: 'login storm', for: '2s', arrivals: { constant: 10 } },
  steady: { phase: 'steady', for: '2s' },
  blackout: { phase: 'udp blackout', for: '8s' },
} as const;

t.test('the interruption is what the unanswered limit and the request period make of it', async (t) => {
  const { phases, totals, outcome, validity, thresholds, meta } = await run(t, {
    clients: 10,
    traffic: { every: '250ms' },
    flows: { to: 'tcpecho.contoso.internal:7', share: 0.5 },
    phases: [PHASES.login, PHASES.steady, PHASES.blackout],
    thresholds: ['fallback.p99 < 12s', 'flows.broken == 0', 'sessions.lost == 0'],
  });
  t.equal(outcome, 'passed', JSON.stringify([validity, thresholds]));
  t.equal(totals.times.lag!.max, 0, 'on virtual time nobody is late');
  const { times, counters } = phases[2]!.measures;
  t.match(counters, { 'fallback.cut': 10, 'fallback.done': 10, 'fallback.never': 0, 'fallback.seamless': 0 });
  t.equal(times.fallback!.count, 10);
  // The first unanswered request was sent up to a period after the cut, or just before it; 3.5 s after it data moves, with the next request.
  t.ok(
    ms(times.fallback!.min) >= 3_500 && ms(times.fallback!.max) <= 3_500 + 250 + 60,
    JSON.stringify([ms(times.fallback!.min), ms(times.fallback!.max)]),
  );
  t.ok(ms(times.decision!.min) >= 3_490 && ms(times.decision!.max) <= 3_500 + 250 + 60);
  // 3.5 s of requests, and what was on its way.
  t.ok(counters['requests.lost'] >= 10 * 14 && counters['requests.lost'] <= 10 * 16, String(counters['requests.lost']));
  t.equal(counters['requests.scheduled'], 10 * 8 * 4);
  t.equal(counters['requests.answered'] + counters['requests.lost'], counters['requests.scheduled']);
  t.match(totals.counters, {
    'login.done': 10,
    'dtls.done': 10,
    'flows.opened': 5,
    'flows.broken': 0,
    'flows.stalled': 0,
  });
  t.equal(phases[0]!.measures.times['roundtrip.flow'] === undefined, false);
  t.equal(meta.resolution, 250);
  t.match(meta.server, { dpd: 5, dtlsDpd: 5 });
});

t.test('by dead peer detection alone it takes two periods of it', async (t) => {
  const { totals } = await run(t, {
    clients: 5,
    client: { unanswered: '0s' },
    traffic: { every: '500ms' },
    phases: [PHASES.login, PHASES.steady, { phase: 'udp blackout', for: '15s' }],
  });
  const { fallback, decision } = totals.times;
  t.ok(
    ms(decision!.min) >= 9_500 && ms(decision!.max) <= 10_600,
    JSON.stringify([ms(decision!.min), ms(decision!.max)]),
  );
  t.ok(ms(fallback!.min) >= 9_500 && ms(fallback!.max) <= 11_200);
});

t.test('clients that never fall back are in the histogram, and shown apart', async (t) => {
  const { totals, thresholds, outcome } = await run(t, {
    clients: 5,
    client: { unanswered: '0s' },
    traffic: { every: '500ms' },
    phases: [PHASES.login, PHASES.steady, { phase: 'udp blackout', for: '4s', thresholds: ['fallback.never == 0'] }],
  });
  t.match(totals.counters, { 'fallback.cut': 5, 'fallback.done': 0, 'fallback.never': 5 });
  t.equal(totals.times.fallback!.count, 5);
  t.ok(ms(totals.times.fallback!.min) >= 3_400);
  t.equal(outcome, 'failed');
  t.match(thresholds[0], { phase: 'udp blackout', passed: false, actual: 5 });
});

t.test('UDP returns with the retry of the client, and clients without DTLS are told apart', async (t) => {
  const { phases } = await run(t, {
    clients: 8,
    client: { dtlsRetry: ['1s', '4s'] },
    traffic: { every: '500ms' },
    phases: [
      PHASES.login,
      PHASES.steady,
      PHASES.blackout,
      { phase: 'udp blackout', for: '1s', name: 'again' },
      { phase: 'return', for: '20s' },
    ],
  });
  t.strictSame(phases[3]!.dropped, { 'the client has no DTLS channel': 8 });
  t.match(phases[3]!.measures.counters, { 'fallback.cut': 0, 'arrivals.planned': 8, 'arrivals.dropped': 8 });
  const { counters, times } = phases[4]!.measures;
  t.match(counters, { 'return.restored': 8, 'return.done': 8, 'return.never': 0 });
  // What is left of a handshake's 12 s, or its next repetition, and the pause.
  t.ok(ms(times.return!.max) <= 12_000 + 4_000, String(ms(times.return!.max)));
});

t.test('partial loss loses that share, and nobody has to fall back', async (t) => {
  const { phases } = await run(t, {
    clients: 10,
    traffic: { every: '100ms' },
    phases: [PHASES.login, PHASES.steady, { phase: 'partial loss', for: '10s', loss: 0.2 }],
  });
  const { counters } = phases[2]!.measures;
  const share = counters['requests.lost'] / counters['requests.scheduled'];
  // Either way is lost: 1 − 0.8².
  t.ok(Math.abs(share - 0.36) < 0.05, String(share));
});

t.test('who loses its connection comes back with its cookie, or logs in anew where its node is gone', async (t) => {
  const { phases, totals } = await run(t, {
    clients: 6,
    traffic: { every: '250ms' },
    phases: [
      PHASES.login,
      PHASES.steady,
      { phase: 'thundering reconnect', for: '3s' },
      { phase: 'roam', for: '3s' },
      { phase: 'node loss', for: '20s' },
      { phase: 'node loss', for: '5s', how: 'reset', cookies: 'kept' },
    ],
  });
  for (const i of [2, 3, 4, 5]) {
    const { counters, times } = phases[i]!.measures;
    t.match(counters, { 'reconnect.struck': 6, 'reconnect.done': 6, 'reconnect.never': 0 }, phases[i]!.name);
    t.equal(times.interruption!.count, 6);
  }
  t.ok(ms(phases[2]!.measures.times.reconnect!.max) < 500);
  // Silence is found out by dead peer detection: after two periods of 5 s.
  const { reconnect } = phases[4]!.measures.times;
  t.ok(
    ms(reconnect!.min) >= 5_000 && ms(reconnect!.max) <= 13_000,
    JSON.stringify([ms(reconnect!.min), ms(reconnect!.max)]),
  );
  t.match(totals.counters, { 'login.planned': 6, 'login.done': 6, 'sessions.lost': 0 });
});

t.test('the same seed brings the same figures, another one others', async (t) => {
  const plan = (seed: number): LoadPlan => ({
    seed,
    clients: 5,
    traffic: { every: '300ms' },
    phases: [{ phase: 'login storm', for: '3s', arrivals: { poisson: 3 } }, PHASES.blackout],
  });
  const [one, again, other] = [await run(t, plan(1)), await run(t, plan(1)), await run(t, plan(2))];
  t.equal(JSON.stringify(one.totals), JSON.stringify(again.totals));
  t.equal(JSON.stringify(one.series.clients), JSON.stringify(again.series.clients));
  t.not(JSON.stringify(one.totals), JSON.stringify(other.totals));
});

t.test('a phase that is done ends before its time', async (t) => {
  const { phases, totals } = await run(t, {
    clients: 10,
    traffic: { every: '250ms' },
    phases: [
      { phase: 'login storm', for: '1m', until: 'done', arrivals: { constant: 10 } },
      { phase: 'udp blackout', for: '1m', until: 'done' },
    ],
  });
  t.ok(phases[0]!.to < 2_000 && phases[0]!.planned === 60_000);
  t.equal(phases[1]!.from, phases[0]!.to);
  t.ok(phases[1]!.to - phases[1]!.from < 5_000);
  t.match(totals.counters, { 'dtls.done': 10, 'fallback.cut': 10, 'fallback.done': 10, 'fallback.never': 0 });
});

t.test('a warm-up is left out, and said to be', async (t) => {
  const { phases, totals } = await run(t, {
    clients: 10,
    traffic: { every: '500ms' },
    phases: [{ phase: 'login storm', for: '2s', arrivals: { constant: 10 }, warmup: '500ms' }],
  });
  t.equal(totals.counters['login.planned'], 5);
  t.ok(phases[0]!.leftOut >= 5);
});

t.test('a gateway that refuses all is reported with its causes', async (t) => {
  const { totals, outcome, thresholds } = await run(
    t,
    { clients: 7, phases: [PHASES.login] },
    { token: async () => 'not.a.token' },
  );
  t.equal(outcome, 'failed');
  t.match(totals.counters, {
    'login.planned': 7,
    'login.done': 0,
    'login.failed': 7,
    refusals: 7,
    'requests.scheduled': 0,
  });
  t.match(Object.keys(totals.refusals), [/^ERR_CLIENT_TOKEN_REFUSED: .*401/]);
  t.match(thresholds[0], { threshold: 'login.done > 0', passed: false });
  t.ok(totals.counters['tokens.fetched'] <= 7);
});

t.test('without tokens nobody gets in, and the source of them is named', async (t) => {
  const { totals } = await run(
    t,
    { clients: 3, phases: [PHASES.login] },
    {
      token: async () => {
        throw new Error('the vault is closed');
      },
    },
  );
  t.match(Object.keys(totals.refusals), [/^ERR_LOAD_TOKEN: .*the vault is closed/]);
});

t.test('who interrupts it gets what was until then', async (t) => {
  const { outcome, phases, meta, totals, series } = await run(
    t,
    { clients: 10, traffic: { every: '250ms' }, phases: [PHASES.login, PHASES.steady, PHASES.blackout] },
    { stopAt: 3_000 },
  );
  t.equal(outcome, 'interrupted');
  t.strictSame(
    phases.map(({ name }) => name),
    ['login storm', 'steady'],
  );
  t.ok(phases[1]!.to - phases[1]!.from < phases[1]!.planned);
  t.ok(meta.duration >= 2_900 && meta.duration < 3_100);
  t.equal(totals.counters['login.done'], 10);
  t.ok(series.t.length >= 2);
});

t.test('what processes use is known from the first point of the series to the last', async (t) => {
  const plan: LoadPlan = { clients: 2, traffic: { settle: '1500ms' }, phases: [PHASES.login, PHASES.steady] };
  const { series, gateway } = await run(t, plan, { usage: [0.5, 0.25] });
  t.ok(series.t.length >= 5);
  t.ok(
    series.generator.cpu.every((share) => share === 0.5),
    JSON.stringify(series.generator.cpu),
  );
  t.ok(
    series.gateway!.cpu.every((share) => share === 0.25),
    JSON.stringify(series.gateway!.cpu),
  );
  t.equal(series.gateway!.rss.length, series.t.length);
  t.match(gateway, { source: 'pid', rss: { first: 2, last: 2, max: 2 } });
});

t.test('columns of the series have one length, and add up', async (t) => {
  const { series, totals } = await run(t, {
    clients: 4,
    traffic: { every: '250ms' },
    phases: [PHASES.login, PHASES.steady],
  });
  const { t: times, clients, requests, roundtrip, lag, generator } = series;
  for (const column of [
    clients.dtls,
    clients.tls,
    clients.none,
    requests.scheduled,
    requests.answered,
    roundtrip.p50,
    roundtrip.hdr,
    lag.p99,
    generator.cpu,
  ]) {
    t.equal(column.length, times.length);
  }
  t.ok(times.every((_at, i) => clients.dtls[i]! + clients.tls[i]! + clients.none[i]! === 4));
  const sum = (column: readonly (number | null)[]): number => column.reduce<number>((a, b) => a + (b ?? 0), 0);
  t.equal(sum(requests.scheduled), totals.counters['requests.scheduled']);
  t.equal(sum(requests.answered), totals.counters['requests.answered']);
  t.equal(series.gateway, undefined);
});
