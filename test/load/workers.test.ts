import t from 'tap';
import { ClientTimer, networkCarrier, trust } from '../../src/client/core/index.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { planPhases } from '../../src/load/engine/course.ts';
import { checkPlan, type LoadPlan, mergeResults, ownCount, runLoad, TokenStore } from '../../src/load/index.ts';
import { ownNumber } from '../../src/load/plan/worker.ts';
import { createWorld } from '../../src/world/index.ts';

/* A plan that several workers share: together they do what one does alone. */

t.setTimeout(120_000);

const PLAN: LoadPlan = {
  seed: 5,
  clients: 11,
  traffic: { every: '250ms' },
  flows: { to: 'tcpecho.contoso.internal:7', share: 0.5 },
  phases: [
    { phase: 'login storm', for: '4s', until: 'done', arrivals: { poisson: 6 } },
    { phase: 'udp blackout', for: '8s', share: 0.6, arrivals: { ramp: [1, 5] } },
    { phase: 'return', for: '5s', thresholds: ['return.never <= 100%'] },
  ],
};

t.test('every arrival of the plan is of exactly one worker, at its time and for its client', async (t) => {
  for (const count of [2, 3, 11]) {
    const whole = planPhases(checkPlan({ ...PLAN, clients: 11 }));
    const parts = Array.from({ length: count }, (_, i) => {
      const worker = { index: i + 1, of: count };
      return { worker, phases: planPhases(checkPlan(PLAN, worker)) };
    });
    for (const [i, { phase, times, order }] of whole.entries()) {
      const all = parts.flatMap(({ worker, phases }) => {
        const part = phases[i]!;
        t.ok(part.times.length <= part.order.length);
        return part.times.map((at, n) => [at, ownNumber(part.order[n]!, worker)] as const);
      });
      const byTime = all.toSorted((a, b) => a[0] - b[0]);
      t.strictSame(
        byTime.map(([at]) => at),
        times,
        `${phase.phase} on ${count}`,
      );
      // Who logs in is the next one that has no tunnel; for the others it is known before.
      const clients = all.map(([, client]) => client).toSorted((a, b) => a - b);
      if (i === 0) t.equal(new Set(clients).size, clients.length);
      else
        t.strictSame(
          clients,
          order.slice(0, times.length).toSorted((a, b) => a - b),
        );
    }
  }
});

t.test('each client is of exactly one worker', async (t) => {
  for (const [all, of] of [
    [11, 2],
    [3, 3],
    [1000, 7],
  ] as const) {
    const numbers = Array.from({ length: of }, (_, i) => {
      const worker = { index: i + 1, of };
      return Array.from({ length: ownCount(all, worker) }, (_one, place) => ownNumber(place, worker));
    }).flat();
    t.strictSame(
      numbers.toSorted((a, b) => a - b),
      Array.from({ length: all }, (_, n) => n),
    );
  }
});

t.test('three workers and one alone come to the same counts, and all begin when they are told to', async (t) => {
  const run = async (workers: number) => {
    const world = await createWorld({ seed: 3, clients: 0, config: { gateway: { dpd: 5 } } });
    t.teardown(() => world.close());
    const { clock, network, sim } = world;
    const startAt = clock.now() + 20_000;
    let lines = 0;
    const seen = new Set<number>();
    const parts = Array.from({ length: workers }, (_, i) => {
      const worker = workers === 1 ? undefined : { index: i + 1, of: workers };
      return runLoad(checkPlan({ ...PLAN, phases: PLAN.phases.map(({ until: _until, ...phase }) => phase) }, worker), {
        url: new URL(sim.urls.gateway),
        serverKind: 'tunnelite',
        secureContext: trust(sim.ca),
        clock,
        startAt,
        random: seededRandom(9 + i),
        timer: new ClientTimer(clock),
        carrier: (client) => {
          seen.add(client);
          return networkCarrier(network.line({ address: `198.51.100.${++lines}` }));
        },
        login: { tokens: (fetched) => new TokenStore([() => sim.token()], clock, fetched) },
      });
    });
    const results = await world.until(Promise.all(parts));
    t.strictSame(
      [...seen].toSorted((a, b) => a - b),
      Array.from({ length: PLAN.clients }, (_, n) => n),
    );
    for (const { meta } of results) t.equal(meta.startedAt, new Date(startAt).toISOString());
    if (workers === 1) return results[0]!;
    for (const { thresholds, outcome } of results) t.strictSame([thresholds, outcome], [[], 'passed']);
    return mergeResults(results.map((result, i) => ({ file: `${i}.json`, result })));
  };
  const [alone, together] = [await run(1), await run(3)];
  t.equal(together.outcome, 'passed', JSON.stringify([together.validity, together.thresholds]));
  // What chance and the network decide may differ by a packet; what the plan decides may not.
  for (const name of ['login.planned', 'login.done', 'arrivals.planned', 'flows.opened'] as const) {
    t.equal(together.totals.counters[name], alone.totals.counters[name], name);
  }
  t.equal(together.phases[1]!.measures.counters['fallback.cut'], alone.phases[1]!.measures.counters['fallback.cut']);
  t.equal(together.phases[2]!.measures.counters['requests.scheduled'], 11 * 4 * 5);
  t.equal(together.series.clients.none[0]! + together.series.clients.dtls[0]! + together.series.clients.tls[0]!, 11);
});

t.test('workers stay in step: no phase of theirs ends before its time', async (t) => {
  const { phases, plan, worker } = checkPlan(PLAN, { index: 2, of: 3 });
  t.strictSame([phases[0]!.until, plan.phases[0]!.until], [undefined, undefined]);
  t.strictSame(worker, { index: 2, of: 3 });
});

t.test('what is too much for one process is not for several, and each has a client', async (t) => {
  const big = { ...PLAN, clients: 250_000, traffic: { every: '2s' }, flows: undefined } as unknown as LoadPlan;
  delete (big as { flows?: unknown }).flows;
  t.throws(() => checkPlan(big), {
    code: 'ERR_LOAD_PLAN',
    message: /too many for one process[\s\S]*3 workers or more/,
  });
  t.throws(() => checkPlan(big, { index: 1, of: 2 }), { message: /too many for 2 workers/ });
  t.equal(checkPlan(big, { index: 1, of: 3 }).plan.clients, 250_000);
  t.throws(() => checkPlan(PLAN, { index: 1, of: 12 }), { message: /some of 12 workers would have no client/ });
});
