import { TunneliteError } from '../../lib/errors.ts';
import { type LoadWorker, MAX_WORKERS } from '../../load/plan/worker.ts';

/** Options of a run that several processes share. */
export const workerOptions = {
  worker: {
    type: 'string',
    valueHint: 'number/all',
    description: 'Run the part of one of several workers, such as 2/4; "load merge" combines the results',
  },
  'start-at': {
    type: 'string',
    valueHint: 'time',
    description: 'Start of the first phase, as 2030-01-31T12:00:00Z or Unix seconds: the same for all workers',
  },
} as const;

/** Ours: the longest wait for the start, in milliseconds. */
const MAX_WAIT_MS = 86_400_000;

const usage = (message: string, hint: string): TunneliteError => new TunneliteError('ERR_CLI_USAGE', message, { hint });

/** @throws TunneliteError `ERR_CLI_USAGE` */
export function workerOf(text: string | undefined): LoadWorker | undefined {
  if (text === undefined) return undefined;
  const [, index, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const worker = { index: Number(index), of: Number(of) };
  if (index !== undefined && worker.index >= 1 && worker.index <= worker.of && worker.of <= MAX_WORKERS) return worker;
  throw usage(
    `"--worker ${text}" is not a worker.`,
    `Use a form such as 2/4: the second of four. Workers count from 1; the maximum is ${MAX_WORKERS}.`,
  );
}

/**
 * Milliseconds of the wall clock.
 * @param now of the wall clock
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function startOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const at = /^\d{1,11}(?:\.\d{1,3})?$/.test(text)
    ? Number(text) * 1000
    : /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isNaN(at)) {
    throw usage(
      `"--start-at ${text}" is not a time.`,
      'Use a form such as 2030-01-31T12:00:00Z, or Unix seconds: $(date -d "+1 min" +%s).',
    );
  }
  if (at < now) {
    const late = Math.ceil((now - at) / 1000);
    throw usage(
      `"--start-at ${text}" was ${late} s ago by this machine's clock: the other workers have started without this one.`,
      'Choose a time by which all of them are running, and synchronize the machines’ clocks (NTP).',
    );
  }
  if (at - now > MAX_WAIT_MS)
    throw usage(`"--start-at ${text}" is more than a day from now.`, 'Start it closer to that time.');
  return at;
}
