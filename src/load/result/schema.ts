import { closed } from '../../config/schema-members.ts';
import { type TSchema, Type } from '../../lib/schema/index.ts';
import { COUNTER_NAMES, TIME_NAMES } from '../plan/metrics.ts';
import { ArrivalsSchema, PlanSchema } from '../plan/schema.ts';
import { PHASE_KINDS } from '../plan/types.ts';
import { MAX_WORKERS } from '../plan/worker.ts';

/* The shape of a result, for files from other sources. */

const Maybe = Type.Optional;
const Members = <T extends Record<string, TSchema>>(members: T) => Type.Object(members, closed);
/** Ours: maximum number of points of a series: ten times the usual maximum. */
const MAX_POINTS = 6000;
/** Ours: maximum number of characters of a histogram, and of all other text. */
const MAX_HISTOGRAM = 400_000;
const MAX_TEXT = 4096;

const Figure = Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Text = Type.String({ maxLength: MAX_TEXT });
const Cell = Type.Union([Type.Number(), Type.Null()]);
const Column = Type.Array(Cell, { maxItems: MAX_POINTS });
const Packed = Type.String({ maxLength: MAX_HISTOGRAM });
const Histograms = Type.Array(Type.Union([Packed, Type.Null()]), { maxItems: MAX_POINTS });
/** Of any name: `.` would exclude those with a line break. */
const Causes = Type.Record(Type.String({ pattern: '^' }), Count);

const Time = Members({
  count: Count,
  min: Figure,
  mean: Figure,
  p50: Figure,
  p75: Figure,
  p90: Figure,
  p95: Figure,
  p99: Figure,
  p999: Figure,
  max: Figure,
  sum: Figure,
  hdr: Packed,
});

const Measures = Members({
  times: Members(Object.fromEntries(TIME_NAMES.map((name) => [name, Maybe(Time)]))),
  counters: Members(Object.fromEntries(COUNTER_NAMES.map((name) => [name, Count]))),
  refusals: Causes,
});

const Phase = Members({
  name: Text,
  phase: Type.Enum([...PHASE_KINDS]),
  from: Figure,
  to: Figure,
  planned: Figure,
  warmup: Figure,
  leftOut: Count,
  arrivals: Maybe(ArrivalsSchema),
  dropped: Causes,
  measures: Measures,
});

const Usage = Members({ cpu: Column, rss: Column, loopDelay: Column });

const Machine = Members({ cpus: Count, cpu: Text, memory: Figure, node: Text, platform: Text });

const Meta = Members({
  name: Text,
  tunnelite: Text,
  startedAt: Type.String({ format: 'date-time', maxLength: 64 }),
  duration: Figure,
  seed: Count,
  model: Text,
  plan: PlanSchema,
  worker: Maybe(
    Members({
      index: Type.Integer({ minimum: 1, maximum: MAX_WORKERS }),
      of: Type.Integer({ minimum: 1, maximum: MAX_WORKERS }),
    }),
  ),
  workers: Maybe(
    Type.Array(
      Members({
        index: Type.Integer({ minimum: 1, maximum: MAX_WORKERS }),
        startedAt: Type.String({ format: 'date-time', maxLength: 64 }),
        machine: Machine,
      }),
      { maxItems: MAX_WORKERS },
    ),
  ),
  server: Members({
    url: Text,
    kind: Type.Enum(['tunnelite', 'bearer', 'password']),
    dpd: Maybe(Figure),
    dtlsDpd: Maybe(Figure),
  }),
  client: Members({
    dtls: Text,
    unanswered: Figure,
    dtlsRetry: Members({ first: Figure, most: Figure, handshake: Figure }),
    reconnect: Figure,
    timeout: Figure,
  }),
  resolution: Figure,
  machine: Machine,
});

export const ResultSchema = Members({
  format: Type.Unknown(),
  version: Type.Unknown(),
  meta: Meta,
  outcome: Type.Enum(['passed', 'failed', 'invalid', 'interrupted']),
  validity: Members({
    valid: Type.Boolean(),
    reasons: Type.Array(Text, { maxItems: 2 * MAX_WORKERS }),
    lagBound: Figure,
  }),
  phases: Type.Array(Phase, { maxItems: 1000 }),
  totals: Measures,
  thresholds: Type.Array(
    Members({
      threshold: Text,
      phase: Maybe(Text),
      passed: Type.Boolean(),
      actual: Type.Union([Type.Number(), Type.Null()]),
      text: Text,
    }),
    { maxItems: 200_000 },
  ),
  gateway: Maybe(
    Members({
      source: Type.Enum(['api', 'pid']),
      cpu: Type.Number(),
      rss: Members({ first: Figure, last: Figure, max: Figure }),
      loopDelay: Maybe(Members({ p99: Figure, max: Figure })),
    }),
  ),
  series: Members({
    every: Type.Number({ minimum: 1 }),
    t: Column,
    clients: Members({ dtls: Column, tls: Column, none: Column }),
    requests: Members({ scheduled: Column, answered: Column }),
    roundtrip: Members({ p50: Column, p99: Column, max: Column, hdr: Histograms }),
    lag: Members({ p99: Column, max: Column, hdr: Histograms }),
    generator: Usage,
    gateway: Maybe(Usage),
  }),
});
