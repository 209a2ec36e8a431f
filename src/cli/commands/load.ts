import { writeFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import type { CheckedPlan, LoadPlan, LoadProgress, LoadResult } from '../../load/index.ts';
import { type Command, command, repeated } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { planChange, planOptions, surroundingOptions, surroundingsOf } from '../context/load-options.ts';

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
    out: { type: 'string', valueHint: 'file', description: 'Write the result to this file too, as JSON' },
    json: { type: 'boolean', description: 'The result as JSON' },
  },
  async run({ args, rawArgs, io }) {
    const checked = await planOf(args.plan, args, rawArgs);
    const { checkDescriptors, resultText, runLoad } = await import('../../load/index.ts');
    checkDescriptors(checked.plan);
    const surroundings = await surroundingsOf(checked, args, rawArgs, io);
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    // Once: whoever asks twice does not want to wait for the report.
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    const progress = new ProgressLine(io, args.json === true);
    // Timers of the clock keep no process alive, and between two phases there may be nothing else.
    const alive = setInterval(() => {}, 60_000);
    try {
      const onProgress = (now: LoadProgress): void => progress.show(now);
      const result = await runLoad(checked, { ...surroundings, signal: stop.signal, onProgress });
      progress.end();
      if (typeof args.out === 'string' && args.out !== '') write(args.out, result);
      io.out(args.json ? `${JSON.stringify(result)}\n` : resultText(result));
      return result.outcome === 'passed' ? EXIT.ok : EXIT.failed;
    } finally {
      progress.end();
      clearInterval(alive);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  },
});

export default run;

/** The file with what options put in place of its members, or the options alone. */
async function planOf(
  file: string | undefined,
  args: Readonly<Record<string, unknown>>,
  rawArgs: readonly string[],
): Promise<CheckedPlan> {
  const { checkPlan, readPlan } = await import('../../load/index.ts');
  const change = planChange(args, rawArgs);
  const thresholds = repeated(rawArgs, 'threshold');
  if (file !== undefined && file !== '') return readPlan(file, change, thresholds);
  if (change.clients === undefined || change.phases === undefined) {
    throw new TunneliteError('ERR_CLI_USAGE', 'There is no plan, and not enough options to do without.', {
      hint: 'Name a file, or give --clients and at least one --phase, such as --phase "login storm:6s".',
    });
  }
  return checkPlan({ ...change, ...(thresholds.length > 0 && { thresholds }) } as LoadPlan);
}

function write(file: string, result: LoadResult): void {
  try {
    writeFileSync(file, `${JSON.stringify(result)}\n`);
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `The file ${file} cannot be written: ${errorText(cause)}.`, { cause });
  }
}

/** How the run stands: a line that is written anew on a terminal, else a line for each phase, beside the result. */
class ProgressLine {
  readonly #io: CliIo;
  readonly #live: boolean;
  #shown = false;
  #phase = '';

  constructor(io: CliIo, json: boolean) {
    this.#io = io;
    this.#live = io.colors && !json;
  }

  show({ at, length, phase, clients, refusals, roundtrip, lag }: LoadProgress): void {
    const { dtls, tls, none } = clients;
    const ms = (microseconds: number | undefined): string =>
      microseconds === undefined ? '–' : `${(microseconds / 1000).toFixed(1)} ms`;
    const text =
      `${(at / 1000).toFixed(0)} of ${(length / 1000).toFixed(0)} s, ${phase}: ${dtls} DTLS, ${tls} TLS, ${none} without a tunnel, ` +
      `${refusals} refusals, round trip p99 ${ms(roundtrip)}, generator late p99 ${ms(lag)}`;
    if (this.#live) {
      this.#io.out(`\r\u001b[K${text}`);
      this.#shown = true;
    } else if (phase !== this.#phase) this.#io.err(`${text}\n`);
    this.#phase = phase;
  }

  end(): void {
    if (this.#shown) this.#io.out('\r\u001b[K');
    this.#shown = false;
  }
}
