import { writeFileSync } from 'node:fs';
import { errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import type { LoadedScenario, ScenarioResult } from '../../scenario/index.ts';
import { type Command, command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { secondsOf } from '../context/seconds.ts';

const files = {
  type: 'positional',
  valueHint: 'file…',
  description: 'Scenario files, YAML or JSON',
  required: true,
} as const;
const json = { type: 'boolean', description: 'As JSON' } as const;

const TIMEOUT_S = 120;

const run = command({
  args: {
    files,
    seed: { type: 'string', valueHint: 'number', description: "Seed, instead of the files' own" },
    timeout: {
      type: 'string',
      valueHint: 'seconds',
      description: `Time limit for one scenario: virtual ones as a whole, others beyond their timeline; default: ${TIMEOUT_S}`,
    },
    junit: { type: 'string', valueHint: 'file', description: 'Also write the results to this file, as JUnit XML' },
    tap: { type: 'boolean', description: 'Print the results as TAP' },
    json,
  },
  async run({ args, io }) {
    const { junitXml, runScenario, tapText } = await import('../../scenario/index.ts');
    if (args.json && args.tap) throw new TunneliteError('ERR_CLI_USAGE', '--json and --tap exclude each other.');
    const seed = seedOf(args.seed);
    const timeout = secondsOf('timeout', args.timeout, TIMEOUT_S) * 1000;
    const loaded = await load(args._);
    const results: ScenarioResult[] = [];
    const stop = new AbortController();
    const onSignal = (): void => stop.abort(new TunneliteError('ERR_SCENARIO_LIMIT', 'It was interrupted.'));
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    try {
      for (const one of loaded) {
        if (stop.signal.aborted) break;
        const result = await runScenario(one, { ...(seed !== undefined && { seed }), timeout, signal: stop.signal });
        results.push(result);
        if (!args.json && !args.tap) io.out(result.report);
      }
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
    const passed = results.filter((one) => one.passed).length;
    if (args.json) io.out(`${JSON.stringify({ passed: passed === loaded.length, scenarios: results })}\n`);
    else if (args.tap) io.out(tapText(results));
    else if (loaded.length > 1) io.out(`\n${passed} of ${loaded.length} scenarios passed\n`);
    if (args.junit !== undefined) write(args.junit, junitXml(results));
    return passed === loaded.length ? EXIT.ok : EXIT.failed;
  },
});

const check = command({
  args: { files, json },
  async run({ args, io }) {
    const loaded = await load(args._);
    if (args.json) {
      io.out(
        `${JSON.stringify({ ok: true, scenarios: loaded.map(({ file, name, end }) => ({ file, name, end })) })}\n`,
      );
    } else say(loaded, io);
    return EXIT.ok;
  },
});

const schema = command({
  args: {},
  async run({ io }) {
    const { scenarioJsonSchema } = await import('../../scenario/index.ts');
    io.out(`${JSON.stringify(scenarioJsonSchema(), undefined, 2)}\n`);
    return EXIT.ok;
  },
});

const shrink = command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'file',
      description: 'A scenario file that fails in virtual time',
      required: true,
    },
    seed: { type: 'string', valueHint: 'number', description: "Seed, instead of the file's own" },
    timeout: {
      type: 'string',
      valueHint: 'seconds',
      description: `Time limit for one run; default: ${TIMEOUT_S}`,
    },
    'max-runs': { type: 'string', valueHint: 'number', description: 'Maximum number of runs; default: 1000' },
    out: {
      type: 'string',
      valueHint: 'file',
      description: 'Write the scenario to this file instead of standard output',
    },
    json,
  },
  async run({ args, io }) {
    const { shrinkScenario } = await import('../../scenario/index.ts');
    const seed = seedOf(args.seed);
    const maxRuns = countOf('max-runs', args['max-runs']);
    const stop = new AbortController();
    const onSignal = (): void => stop.abort(new TunneliteError('ERR_SCENARIO_LIMIT', 'It was interrupted.'));
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    try {
      const shrunk = await shrinkScenario(args.file, {
        ...(seed !== undefined && { seed }),
        ...(maxRuns !== undefined && { maxRuns }),
        timeout: secondsOf('timeout', args.timeout, TIMEOUT_S) * 1000,
        signal: stop.signal,
      });
      const { yaml, result, steps, runs, minimal } = shrunk;
      if (args.out !== undefined) write(args.out, yaml);
      if (args.json) io.out(`${JSON.stringify({ ok: true, steps, runs, minimal, yaml, report: result.report })}\n`);
      else if (args.out === undefined) io.out(yaml);
      else
        io.out(
          `${args.out}: ${steps.after} of ${steps.before} steps, after ${runs} runs${minimal ? '' : ' (there may be a shorter one)'}\n`,
        );
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
    return EXIT.ok;
  },
});

const group: Command = {
  subCommands: {
    run: { description: 'Run scenarios; exit with 1 if one fails', load: async () => run },
    check: {
      description: 'Check scenario files; report each error with its line and column',
      load: async () => check,
    },
    shrink: { description: 'Shorten a failing scenario as much as possible, and print it', load: async () => shrink },
    schema: { description: 'Print the JSON Schema of scenario files, for editors', load: async () => schema },
  },
};
export default group;

function say(loaded: readonly LoadedScenario[], io: CliIo): void {
  for (const { file, scenario } of loaded) {
    const { timeline, expect, clock = 'virtual' } = scenario;
    io.out(`${file}: valid (${clock}, ${timeline.at(-1)!.at}, ${expect.length} expectations)\n`);
  }
}

/** Reads all files before running any: a mistake in the last one must not show up after an hour. */
async function load(named: readonly string[]): Promise<LoadedScenario[]> {
  const { readScenario } = await import('../../scenario/index.ts');
  const loaded: LoadedScenario[] = [];
  const wrong: TunneliteError[] = [];
  for (const file of named) {
    try {
      loaded.push(readScenario(file));
    } catch (error) {
      if (!isTunneliteError(error)) throw error;
      wrong.push(error);
    }
  }
  const [first] = wrong;
  if (first === undefined) return loaded;
  if (wrong.length === 1) throw first;
  throw new TunneliteError(first.code, wrong.map(({ message }) => message).join('\n'), {
    details: { problems: wrong.flatMap(({ details }) => (details.problems as unknown[] | undefined) ?? []) },
  });
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) <= 4_294_967_295) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--seed ${text}" is not a whole number from 0 to 4294967295.`);
}

function countOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--${name} ${text}" is not a whole number from 1 to 9999999.`);
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `The file ${file} cannot be written: ${errorText(cause)}.`, { cause });
  }
}
