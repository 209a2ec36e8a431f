import { parseDuration } from '../../lib/duration.ts';
import type { CheckedPlan } from '../plan/read.ts';
import { ALONE } from '../plan/worker.ts';
import type { LoadResult } from '../result/types.ts';
import { Books } from './books.ts';
import { buildResult } from './build-result.ts';
import { Course, planPhases } from './course.ts';
import { Fleet } from './fleet.ts';
import { Heartbeat, Pacer, Rotation } from './pacer.ts';
import { Sampler, sampleEvery } from './sampler.ts';
import type { LoadSurroundings } from './types.ts';

/** Ours: how often the generator checks its own lateness, in milliseconds, and the default bound. */
const HEARTBEAT_MS = 20;
const LAG_BOUND = '100ms';
/** Ours: how often to check whether a phase is complete, in milliseconds. */
const CHECK_MS = 200;
/** Ours: time from the creation of the clients to the first phase, in milliseconds. */
const LEAD_MS = 50;
/** Ours: number of clients that leave at a time. */
const LEAVING = 200;
const SETTLE = '2s';

/**
 * Runs a plan. Errors of clients are part of the result and are not thrown.
 * @throws TunneliteError if the run cannot begin
 */
export async function runLoad(checked: CheckedPlan, surroundings: LoadSurroundings): Promise<LoadResult> {
  const { clock, signal, onProgress } = surroundings;
  const { plan, worker = ALONE } = checked;
  const planned = planPhases(checked);
  const books = new Books();
  const now = (): number => clock.monotonic();
  let sampler: Sampler | undefined;
  const fleet = new Fleet(checked, surroundings, books, (milliseconds) => sampler?.answered(milliseconds));
  const { startAt = clock.now() + LEAD_MS } = surroundings;
  const start = now() + startAt - clock.now();
  const pacer = new Pacer(clock, (intended, late) => {
    if (books.phases.length > 0) books.at(intended).record('lag', late);
    sampler?.late(late);
  });
  sampler = new Sampler(fleet, {
    start,
    every: sampleEvery(checked.length),
    usage: surroundings.usage,
    probe: surroundings.gateway,
  });
  const over = Promise.withResolvers<boolean>();
  const rotations: Rotation[] = [];
  const course = new Course(planned, start, {
    fleet,
    books,
    pacer,
    onPhase: ({ phase }) => surroundings.onPhase?.({ phase: phase.phase, name: phase.name }),
    onEnd: () => {
      // Immediately: actions intended for the moment of the end are not part of the run.
      for (const rotation of rotations) rotation.end();
      over.resolve(false);
    },
  });
  // First in line: actions intended for the moment at which a phase begins belong to it.
  pacer.add(course);
  const period = parseDuration(plan.traffic?.every ?? '1s');
  rotations.push(
    turns(period, plan.clients, fleet.clients.length, (index, intended) => fleet.clients[index]!.request(intended)),
  );
  if (fleet.flows > 0) {
    const every = parseDuration(plan.flows?.every ?? '1s');
    const all = Math.round((plan.flows?.share ?? 1) * plan.clients);
    rotations.push(turns(every, all, fleet.flows, (index, intended) => fleet.clients[index]!.flowTurn(intended)));
  }
  for (const rotation of rotations) pacer.add(rotation);
  pacer.add(new Heartbeat(start + HEARTBEAT_MS, HEARTBEAT_MS));
  pacer.add(new Heartbeat(start + CHECK_MS, CHECK_MS, (_intended, at) => course.check(at)));
  pacer.add(
    new Heartbeat(start + sampler.every, sampler.every, (_intended, at) => {
      const { roundtrip, lag } = sampler.sample(at);
      const phase = books.phases.at(-1)?.phase.name ?? '';
      const refusals = books.phases.reduce(
        (sum, { tally, warm }) => sum + tally.counted('refusals') + warm.counted('refusals'),
        0,
      );
      onProgress?.({
        at: at - start,
        length: checked.length,
        phase,
        clients: fleet.channels,
        refusals,
        roundtrip,
        lag,
      });
    }),
  );
  const onAbort = (): void => over.resolve(true);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  pacer.wake();
  const interrupted = await over.promise;
  for (const rotation of rotations) rotation.end();
  if (interrupted) course.interrupt(now());
  else await pause(parseDuration(plan.traffic?.settle ?? SETTLE));
  signal?.removeEventListener('abort', onAbort);
  pacer.stop();
  const end = now();
  for (const client of fleet.clients) client.finish(end);
  sampler.sample(end);
  await sampler.settled();
  for (let at = 0; at < fleet.clients.length; at += LEAVING) {
    await Promise.all(fleet.clients.slice(at, at + LEAVING).map((client) => client.close()));
  }
  return buildResult({
    checked,
    books,
    fleet,
    sampler,
    surroundings,
    start,
    startedAt: startAt,
    end,
    interrupted,
    lagBound: parseDuration(plan.lag ?? LAG_BOUND),
    resolution: period,
  });

  /** For `own` of `all` clients, among which the period is divided evenly: each worker's turns fall between those of the others. */
  function turns(period: number, all: number, own: number, turn: (index: number, intended: number) => void): Rotation {
    return new Rotation({ start: start + ((worker.index - 1) * period) / all, period, count: own }, turn);
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      clock.setTimer(ms, resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
