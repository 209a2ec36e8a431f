import { errorText, TunneliteError } from '../../lib/errors.ts';
import { TimeHistogram } from './histogram.ts';
import type { Column, Series, Usage } from './types.ts';

/**
 * Merges the series of workers into one, point by point, since all count from the same start: adds clients, requests, processor time and memory,
 * takes the largest of delays, and merges the histograms of times. A worker that has ended is no longer included.
 */
export function mergeSeries(all: readonly Series[]): Series {
  const length = Math.max(...all.map(({ t }) => t.length));
  const merge = (of: (series: Series) => Column, by: (values: readonly number[]) => number): Column =>
    Array.from({ length }, (_, i) => {
      const values = all.map((series) => of(series)[i] ?? null).filter((value) => value !== null);
      return values.length === 0 ? null : by(values);
    });
  const usage = (of: (series: Series) => Usage): Usage => ({
    cpu: merge((series) => of(series).cpu, sum),
    rss: merge((series) => of(series).rss, sum),
    loopDelay: merge((series) => of(series).loopDelay, most),
  });
  const roundtrip = times(
    all.map((series) => series.roundtrip.hdr),
    length,
  );
  const lag = times(
    all.map((series) => series.lag.hdr),
    length,
  );
  const gateway = all.find((series) => series.gateway !== undefined)?.gateway;
  return {
    every: all[0]!.every,
    t: merge(({ t }) => t, most),
    clients: {
      dtls: merge(({ clients }) => clients.dtls, sum),
      tls: merge(({ clients }) => clients.tls, sum),
      none: merge(({ clients }) => clients.none, sum),
    },
    requests: {
      scheduled: merge(({ requests }) => requests.scheduled, sum),
      answered: merge(({ requests }) => requests.answered, sum),
    },
    roundtrip,
    lag: { p99: lag.p99, max: lag.max, hdr: lag.hdr },
    generator: usage(({ generator }) => generator),
    ...(gateway && { gateway: padded(gateway, length) }),
  };
}

const sum = (values: readonly number[]): number => round(values.reduce((a, b) => a + b, 0));
const most = (values: readonly number[]): number => Math.max(...values);
const round = (value: number): number => Math.round(value * 1000) / 1000;

function times(columns: readonly (readonly (string | null)[])[], length: number): Series['roundtrip'] {
  const [p50, p99, max]: [(number | null)[], (number | null)[], (number | null)[]] = [[], [], []];
  const hdr: (string | null)[] = [];
  const whole = new TimeHistogram();
  for (let i = 0; i < length; i++) {
    whole.reset();
    for (const column of columns) {
      const text = column[i] ?? null;
      if (text !== null) add(whole, text);
    }
    const empty = whole.count === 0;
    p50.push(empty ? null : whole.at(50));
    p99.push(empty ? null : whole.at(99));
    max.push(empty ? null : whole.at(100));
    hdr.push(empty ? null : whole.encode());
  }
  return { p50, p99, max, hdr };
}

function add(whole: TimeHistogram, text: string): void {
  try {
    whole.addEncoded(text);
  } catch (cause) {
    throw new TunneliteError('ERR_LOAD_RESULT', `In a series, ${errorText(cause)}.`, { cause });
  }
}

/** Padded to the length of the others, which may have run longer. */
function padded({ cpu, rss, loopDelay }: Usage, length: number): Usage {
  const pad = (column: Column): Column => Array.from({ length }, (_, i) => column[i] ?? null);
  return { cpu: pad(cpu), rss: pad(rss), loopDelay: pad(loopDelay) };
}
