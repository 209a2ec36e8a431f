import { TimeHistogram } from '../result/histogram.ts';
import type { GatewayUsage, Series } from '../result/types.ts';
import type { Fleet } from './fleet.ts';
import type { GatewayProbe, UsageReading } from './types.ts';

/** Ours: maximum number of points of a series, and the shortest time between two, in milliseconds. */
const MOST_POINTS = 600;
const LEAST_MS = 1000;

/** The sampling interval of a run of this length, in milliseconds. */
export const sampleEvery = (length: number): number =>
  LEAST_MS * Math.max(1, Math.ceil(length / MOST_POINTS / LEAST_MS));

type Numbers = (number | null)[];

/** One process's usage as columns. */
class UsageColumns {
  readonly cpu: Numbers = [];
  readonly rss: Numbers = [];
  readonly loopDelay: Numbers = [];
  #before: { readonly at: number; readonly cpu: number } | undefined;

  /** A point without data yet. */
  push(): void {
    this.cpu.push(null);
    this.rss.push(null);
    this.loopDelay.push(null);
  }

  /** A reading. @param point the number of the point; −1: before the first, which begins with it */
  set(point: number, at: number, reading: UsageReading | undefined): void {
    const before = this.#before;
    this.#before = reading && { at, cpu: reading.cpu };
    if (!reading || point < 0) return;
    if (before && at > before.at) this.cpu[point] = round(((reading.cpu - before.cpu) * 1000) / (at - before.at));
    this.rss[point] = reading.rss;
    this.loopDelay[point] = reading.loopDelay ? round(reading.loopDelay.p99) : null;
  }

  result(): Series['generator'] {
    const { cpu, rss, loopDelay } = this;
    return { cpu, rss, loopDelay };
  }
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Records the state of the run at regular intervals. */
export class Sampler {
  readonly every: number;
  readonly #fleet: Fleet;
  readonly #start: number;
  readonly #usage: (() => UsageReading) | undefined;
  readonly #probe: GatewayProbe | undefined;
  readonly #t: Numbers = [];
  readonly #clients: { dtls: Numbers; tls: Numbers; none: Numbers } = { dtls: [], tls: [], none: [] };
  readonly #requests: { scheduled: Numbers; answered: Numbers } = { scheduled: [], answered: [] };
  readonly #roundtrip = new Interval();
  readonly #lag = new Interval();
  readonly #generator = new UsageColumns();
  readonly #gateway = new UsageColumns();
  #readings: { first: UsageReading; last: UsageReading; most: number; p99: number; max: number } | undefined;
  #asking: Promise<void> | undefined;
  #scheduled = 0;
  #answered = 0;

  constructor(
    fleet: Fleet,
    parts: {
      readonly start: number;
      readonly every: number;
      readonly usage: (() => UsageReading) | undefined;
      readonly probe: GatewayProbe | undefined;
    },
  ) {
    this.#fleet = fleet;
    this.#start = parts.start;
    this.every = parts.every;
    this.#usage = parts.usage;
    this.#probe = parts.probe;
    // The first readings are the baseline of the first differences.
    const now = fleet.now();
    this.#generator.set(-1, now, this.#usage?.());
    this.#ask(-1, now);
  }

  answered(milliseconds: number): void {
    this.#answered++;
    this.#roundtrip.record(milliseconds);
  }

  late(milliseconds: number): void {
    this.#lag.record(milliseconds);
  }

  /** Queries the gateway. That may take time; a point at which the previous query is still pending stays unknown. */
  #ask(point: number, at: number): void {
    this.#asking ??= (this.#probe?.read() ?? Promise.resolve(undefined))
      .then(
        (reading) => this.#heard(point, at, reading),
        () => this.#heard(point, at, undefined),
      )
      .finally(() => {
        this.#asking = undefined;
      });
  }

  /** Resolves when the last query was answered. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  /** The end of an interval. Returns its 99th percentiles of round trips and lag. */
  sample(now: number): { readonly roundtrip: number | undefined; readonly lag: number | undefined } {
    const { dtls, tls, none } = this.#fleet.channels;
    this.#t.push(Math.round(now - this.#start));
    this.#clients.dtls.push(dtls);
    this.#clients.tls.push(tls);
    this.#clients.none.push(none);
    this.#requests.scheduled.push(this.#fleet.scheduled - this.#scheduled);
    this.#requests.answered.push(this.#answered);
    this.#scheduled = this.#fleet.scheduled;
    this.#answered = 0;
    const point = this.#t.length - 1;
    this.#generator.push();
    this.#generator.set(point, now, this.#usage?.());
    this.#gateway.push();
    this.#ask(point, now);
    return { roundtrip: this.#roundtrip.end(), lag: this.#lag.end() };
  }

  series(): Series {
    const { p50, p99, max, hdr } = this.#roundtrip;
    return {
      every: this.every,
      t: this.#t,
      clients: this.#clients,
      requests: this.#requests,
      roundtrip: { p50, p99, max, hdr },
      lag: { p99: this.#lag.p99, max: this.#lag.max, hdr: this.#lag.hdr },
      generator: this.#generator.result(),
      ...(this.#readings && { gateway: this.#gateway.result() }),
    };
  }

  gateway(): GatewayUsage | undefined {
    if (!this.#readings || !this.#probe) return undefined;
    const { first, last, most, p99, max } = this.#readings;
    return {
      source: this.#probe.source,
      cpu: round(last.cpu - first.cpu),
      rss: { first: first.rss, last: last.rss, max: most },
      ...(last.loopDelay && { loopDelay: { p99: round(p99), max: round(max) } }),
    };
  }

  #heard(point: number, at: number, reading: UsageReading | undefined): void {
    this.#gateway.set(point, at, reading);
    if (!reading) return;
    const before = this.#readings;
    this.#readings = {
      first: before?.first ?? reading,
      last: reading,
      most: Math.max(before?.most ?? 0, reading.rss),
      p99: Math.max(before?.p99 ?? 0, reading.loopDelay?.p99 ?? 0),
      max: Math.max(before?.max ?? 0, reading.loopDelay?.max ?? 0),
    };
  }
}

/** Times of one interval after the other. */
class Interval {
  readonly p50: Numbers = [];
  readonly p99: Numbers = [];
  readonly max: Numbers = [];
  readonly hdr: (string | null)[] = [];
  #histogram = new TimeHistogram();

  record(milliseconds: number): void {
    this.#histogram.record(milliseconds);
  }

  end(): number | undefined {
    const histogram = this.#histogram;
    const empty = histogram.count === 0;
    this.p50.push(empty ? null : histogram.at(50));
    this.p99.push(empty ? null : histogram.at(99));
    this.max.push(empty ? null : histogram.at(100));
    this.hdr.push(empty ? null : histogram.encode());
    if (!empty) histogram.reset();
    return this.p99.at(-1) ?? undefined;
  }
}
