import { errorText, TunneliteError } from '../../lib/errors.ts';
import { TIME_NAMES } from '../plan/metrics.ts';
import { TimeHistogram } from '../result/histogram.ts';
import type { Column, LoadResult, TimeResult } from '../result/types.ts';

/** A plot in the form that the page's script uses. */
export interface Plot {
  readonly id: string;
  readonly title: string;
  /** Description, in small print. */
  readonly note?: string | undefined;
  readonly x: 'time' | 'percentiles';
  readonly unit: 'ms' | 'count' | 'share' | 'MiB';
  readonly labels: readonly string[];
  readonly height: number;
  /** Columns: x, then each line. */
  readonly data: readonly Column[];
}

const HEIGHT = 230;
const SMALL_HEIGHT = 170;

/** The plots over time, without those that have no data. */
export function timePlots({ series, meta }: LoadResult): Plot[] {
  const { every, t, clients, requests, roundtrip, lag, generator, gateway } = series;
  const x = t.map((at) => (at === null ? null : at / 1000));
  const per = (column: Column): Column => column.map((count) => (count === null ? null : (count * 1000) / every));
  const ms = (column: Column): Column => column.map((value) => (value === null ? null : value / 1000));
  const mib = (column: Column): Column => column.map((bytes) => (bytes === null ? null : bytes / 2 ** 20));
  const both = (of: (usage: typeof generator) => Column): [string, Column][] => [
    ['generator', of(generator)],
    ...(gateway ? ([['gateway', of(gateway)]] as [string, Column][]) : []),
  ];
  const plots: [
    id: string,
    title: string,
    unit: Plot['unit'],
    lines: readonly (readonly [string, Column])[],
    note?: string,
  ][] = [
    [
      'clients',
      'Clients by data channel',
      'count',
      [
        ['DTLS', clients.dtls],
        ['TLS', clients.tls],
        ['no tunnel', clients.none],
      ],
    ],
    [
      'requests',
      'Requests per second',
      'count',
      [
        ['due', per(requests.scheduled)],
        ['answered', per(requests.answered)],
      ],
    ],
    [
      'roundtrip',
      'Round trip',
      'ms',
      [
        ['p50', ms(roundtrip.p50)],
        ['p99', ms(roundtrip.p99)],
        ['max', ms(roundtrip.max)],
      ],
      'from when a request was intended',
    ],
    [
      'lag',
      'How late the generator was',
      'ms',
      [
        ['p99', ms(lag.p99)],
        ['max', ms(lag.max)],
      ],
    ],
    [
      'cpu',
      'Processor',
      'share',
      both(({ cpu }) => cpu),
      meta.workers ? 'of one processor, all workers together' : 'of one processor',
    ],
    ['memory', 'Memory', 'MiB', both(({ rss }) => mib(rss))],
    ['loop', 'Delay of the event loop, p99', 'ms', both(({ loopDelay }) => loopDelay)],
  ];
  return plots
    .map(([id, title, unit, lines, note]) => {
      const known = lines.filter(([, column]) => column.some((value) => value !== null));
      return {
        id: `plot-${id}`,
        title,
        note,
        x: 'time' as const,
        unit,
        labels: known.map(([label]) => label),
        height: HEIGHT,
        data: [x, ...known.map(([, column]) => column)],
      };
    })
    .filter(({ labels }) => labels.length > 0);
}

/** Ours: number of nines with points, four for each. */
const MOST_NINES = 4;

/** The distribution of each time of all phases together. */
export function percentilePlots({ totals }: LoadResult): Plot[] {
  return TIME_NAMES.flatMap((name) => {
    const time = totals.times[name];
    if (!time || time.count === 0) return [];
    const histogram = decoded(time);
    // Beyond this share there is only the largest value.
    const most = Math.min(MOST_NINES, Math.max(1, Math.log10(time.count)));
    const steps = Math.ceil(most * 8);
    const nines = Array.from({ length: steps + 1 }, (_, i) => (i * most) / steps);
    return {
      id: `plot-percentiles-${name.replace('.', '-')}`,
      title: name,
      note: `${time.count} times`,
      x: 'percentiles' as const,
      unit: 'ms' as const,
      labels: ['within'],
      height: SMALL_HEIGHT,
      data: [nines, nines.map((nine) => histogram.at(100 * (1 - 10 ** -nine)) / 1000)],
    };
  });
}

function decoded(time: TimeResult): TimeHistogram {
  try {
    return TimeHistogram.decode(time);
  } catch (cause) {
    throw new TunneliteError('ERR_LOAD_RESULT', `In the totals, ${errorText(cause)}.`, { cause });
  }
}
