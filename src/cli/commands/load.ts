import { TunneliteError } from '../../lib/errors.ts';
import type { CheckedPlan, LoadPlan, LoadProgress, LoadWorker } from '../../load/index.ts';
import { type Command, command, repeated } from '../context/command.ts';
import { planChange, planOptions, surroundingOptions, surroundingsOf } from '../load/options.ts';
import { checkOutputs, deliver, outputOptions } from '../load/outputs.ts';
import { ProgressLine } from '../load/progress-line.ts';
import { startOf, workerOf, workerOptions } from '../load/worker.ts';

const run: Command = command({
  args: {
    plan: {
      type: 'positional',
      valueHint: 'file',
      description: 'A plan, YAML or JSON: docs/how-to/run-a-load-test.md',
      required: false,
    },
    ...planOptions,
    ...surroundingOptions,
    ...workerOptions,
    ...outputOptions,
  },
  async run({ args, rawArgs, io }) {
    const worker = workerOf(args.worker);
    startOf(args['start-at'], Date.now());
    const checked = await planOf(args.plan, args, rawArgs, worker);
    checkOutputs(args);
    const { checkDescriptors, ownCount, runLoad } = await import('../../load/index.ts');
    const { clients } = checked.plan;
    checkDescriptors(checked.plan, worker ? ownCount(clients, worker) : clients);
    const surroundings = await surroundingsOf(checked, args, rawArgs, io);
    // It may have passed during preparation.
    const startAt = startOf(args['start-at'], Date.now());
    if (startAt !== undefined) io.err(`The run begins at ${new Date(startAt).toISOString()}.\n`);
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    // Once: a second signal means that the user does not want to wait for the report.
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    const progress = new ProgressLine(io, args.json === true);
    // Timers of the clock do not keep the process alive, and between two phases there may be nothing else.
    const alive = setInterval(() => {}, 60_000);
    try {
      const onProgress = (now: LoadProgress): void => progress.show(now);
      const result = await runLoad(checked, { ...surroundings, startAt, signal: stop.signal, onProgress });
      progress.end();
      return await deliver(result, args, io);
    } finally {
      progress.end();
      clearInterval(alive);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  },
  subCommands: {
    show: {
      description: 'Show an earlier result, and write its report',
      load: async () => (await import('../load/show.ts')).default,
    },
    merge: {
      description: 'Merge the results of the workers of a run, and evaluate them as one',
      load: async () => (await import('../load/merge.ts')).default,
    },
    compare: {
      description: 'Show the differences between two results, and with --tolerance evaluate them',
      load: async () => (await import('../load/compare.ts')).default,
    },
  },
});

export default run;

/** The file with the options that replace its members, or the options alone. */
async function planOf(
  file: string | undefined,
  args: Readonly<Record<string, unknown>>,
  rawArgs: readonly string[],
  worker: LoadWorker | undefined,
): Promise<CheckedPlan> {
  const { checkPlan, readPlan } = await import('../../load/index.ts');
  const change = planChange(args, rawArgs);
  const thresholds = repeated(rawArgs, 'threshold');
  if (file !== undefined && file !== '') return readPlan(file, change, thresholds, worker);
  if (change.clients === undefined || change.phases === undefined) {
    throw new TunneliteError('ERR_CLI_USAGE', 'There is no plan, and not enough options to run without one.', {
      hint: 'Use a plan file, or --clients and at least one --phase, such as --phase "login storm:6s".',
    });
  }
  return checkPlan({ ...change, ...(thresholds.length > 0 && { thresholds }) } as LoadPlan, worker);
}
