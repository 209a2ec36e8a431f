import type { CounterName, TimeName } from '../plan/metrics.ts';
import type { Arrivals, LoadPlan, PhaseKind } from '../plan/types.ts';
import type { LoadWorker } from '../plan/worker.ts';

/** Identifies a file as a result of a load test. */
export const RESULT_FORMAT = 'tunnelite-load';
/** Increases when a reader of an older version would misunderstand a newer one. */
export const RESULT_VERSION = 1;

/** A distribution of times. All in microseconds. */
export interface TimeResult {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Sum of all, in microseconds. */
  readonly sum: number;
  /** The whole distribution: HdrHistogram V2, compressed, base64, of microseconds with three significant digits. Can be merged. */
  readonly hdr: string;
}

/** The measurements of a phase, or of all of them. Counters are present even if 0; times without data are omitted. */
export interface Measures {
  readonly times: Readonly<Partial<Record<TimeName, TimeResult>>>;
  readonly counters: Readonly<Record<CounterName, number>>;
  /** How often each cause prevented or ended a tunnel: at most 50 causes, the rest is `other`. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface ThresholdResult {
  /** As it was written. */
  readonly threshold: string;
  /** Name of the phase; undefined for all phases together. */
  readonly phase?: string;
  readonly passed: boolean;
  /** Microseconds, a count, or a share from 0 to 1; null: no data was measured, so it cannot have passed. */
  readonly actual: number | null;
  /** In words, such as `fallback.p99 < 12s: 4.1 s`. */
  readonly text: string;
}

export interface PhaseResult {
  readonly name: string;
  readonly phase: PhaseKind;
  /** Milliseconds since the start of the run. */
  readonly from: number;
  readonly to: number;
  /** Its planned duration, in milliseconds: longer than the actual one if the run was interrupted. */
  readonly planned: number;
  /** Milliseconds at its beginning that are excluded, and how many requests and arrivals were intended in them. */
  readonly warmup: number;
  readonly leftOut: number;
  readonly arrivals: Arrivals | undefined;
  /** Why arrivals were dropped, such as `the client has no DTLS channel`. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly measures: Measures;
}

/** A column of numbers; null: unknown at that time. */
export type Column = readonly (number | null)[];

/** The data of plots: columns of the same length. */
export interface Series {
  /** Milliseconds between two points. */
  readonly every: number;
  /** Milliseconds since the start: the end of what each point covers. */
  readonly t: Column;
  /** Number of clients of each kind at that time. */
  readonly clients: {
    readonly dtls: Column;
    readonly tls: Column;
    /** Without a tunnel: not yet, not now, or no longer. */
    readonly none: Column;
  };
  /** Requests intended in the interval. */
  readonly requests: { readonly scheduled: Column; readonly answered: Column };
  /** Answers that arrived in the interval, in microseconds, and their histogram for merging; `null` if there were none. */
  readonly roundtrip: {
    readonly p50: Column;
    readonly p99: Column;
    readonly max: Column;
    readonly hdr: readonly (string | null)[];
  };
  /** Actions of the generator in the interval, in microseconds. */
  readonly lag: { readonly p99: Column; readonly max: Column; readonly hdr: readonly (string | null)[] };
  readonly generator: Usage;
  /** Undefined if the gateway's usage was unavailable. */
  readonly gateway?: Usage;
}

/** Resource usage of a process, including its children. */
export interface Usage {
  /** Share of one processor, 1 = one whole processor. */
  readonly cpu: Column;
  /** Bytes. */
  readonly rss: Column;
  /** Delay of its event loop, 99th percentile in milliseconds. */
  readonly loopDelay: Column;
}

/** Totals of the gateway's process. */
export interface GatewayUsage {
  /** Source of the data: the administration interface, or the process with a given number. */
  readonly source: 'api' | 'pid';
  /** Seconds of processor time. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: { readonly first: number; readonly last: number; readonly max: number };
  /** Milliseconds; undefined by pid. */
  readonly loopDelay?: { readonly p99: number; readonly max: number };
}

/** The machine of a generator. */
export interface Machine {
  readonly cpus: number;
  readonly cpu: string;
  /** Bytes. */
  readonly memory: number;
  readonly node: string;
  readonly platform: string;
}

export interface WorkerMeta {
  readonly index: number;
  readonly startedAt: string;
  readonly machine: Machine;
}

export interface LoadMeta {
  readonly name: string;
  readonly tunnelite: string;
  /** Time of the start: ISO 8601. */
  readonly startedAt: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly seed: number;
  /** The load model, in words. */
  readonly model: string;
  /** The plan as run, including options of the command line. Contains no token or password. */
  readonly plan: LoadPlan;
  /** Of a run that is split among several. `index` counts from 1. */
  readonly worker?: LoadWorker;
  /** Of a merged result: the results it consists of. */
  readonly workers?: readonly WorkerMeta[];
  readonly server: {
    readonly url: string;
    /** `tunnelite`: through its administration interface; `bearer` and `password`: another gateway, by its login. */
    readonly kind: 'tunnelite' | 'bearer' | 'password';
    /** Settings of the tunnel received by the first client, in seconds; 0 = off. */
    readonly dpd?: number;
    readonly dtlsDpd?: number;
  };
  /** The clients' timings, in milliseconds: they determine the times to fall back and to return. */
  readonly client: {
    readonly dtls: string;
    readonly unanswered: number;
    readonly dtlsRetry: { readonly first: number; readonly most: number; readonly handshake: number };
    readonly reconnect: number;
    readonly timeout: number;
  };
  /** The request period in milliseconds: the resolution of `fallback` and `interruption`. */
  readonly resolution: number;
  readonly machine: Machine;
}

/** The result of a load test. Plain JSON. */
export interface LoadResult {
  readonly format: typeof RESULT_FORMAT;
  readonly version: typeof RESULT_VERSION;
  readonly meta: LoadMeta;
  /** `failed`: a threshold was not met. `invalid`: the figures reflect the generator, not the gateway. `interrupted`: covers the time until then. */
  readonly outcome: 'passed' | 'failed' | 'invalid' | 'interrupted';
  readonly validity: {
    readonly valid: boolean;
    /** Sentences. */
    readonly reasons: readonly string[];
    /** Upper bound of the lag's 99th percentile, in milliseconds. */
    readonly lagBound: number;
  };
  readonly phases: readonly PhaseResult[];
  /** All phases together, without their warm-ups. */
  readonly totals: Measures;
  readonly thresholds: readonly ThresholdResult[];
  readonly gateway?: GatewayUsage;
  readonly series: Series;
}
