import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import type { Context, Helpers, Script, Step } from '../../packages/artillery-engine-tunnelite/src/artillery.ts';
import type { TunneliteEngine } from '../../packages/artillery-engine-tunnelite/src/engine.ts';

const repository = join(import.meta.dirname, '../..');
export const PACKAGE = join(repository, 'packages/artillery-engine-tunnelite');
/** What scripts and programs call it. */
export const PACKAGE_NAME = basename(PACKAGE);

/** A folder in which the engine is installed as it is published, beside the client of this repository. Returns it. */
export function installEngine(t: Test): string {
  const root = t.testdir();
  const modules = join(root, 'node_modules');
  const engine = join(modules, PACKAGE_NAME);
  const client = join(modules, 'tunnelite');
  for (const folder of [engine, client]) mkdirSync(folder, { recursive: true });
  copyFileSync(join(PACKAGE, 'package.json'), join(engine, 'package.json'));
  // Not its `bin/tsc`, which has no extension: Node.js with a hook for modules, as under tap, takes that for CommonJS.
  const compiler = join(repository, 'node_modules/typescript-7/lib/tsc.js');
  const config = join(PACKAGE, 'tsconfig.build.json');
  execFileSync(process.execPath, [compiler, '-p', config, '--outDir', join(engine, 'dist')], { timeout: 60_000 });
  const manifest = { name: 'tunnelite', type: 'module', exports: { './client': './client.js' } };
  writeFileSync(join(client, 'package.json'), JSON.stringify(manifest));
  const source = pathToFileURL(join(repository, 'src/client/index.ts'));
  writeFileSync(join(client, 'client.js'), `export * from '${source}';\n`);
  return root;
}

/** The engine as Artillery loads it from such a folder: resolved as by `require`, loaded by `import()`. */
export async function loadEngine(root: string): Promise<typeof TunneliteEngine> {
  const path = createRequire(join(root, 'script.yaml')).resolve(PACKAGE_NAME);
  const module = (await import(pathToFileURL(path).href)) as { default: typeof TunneliteEngine };
  return module.default;
}

/** What of Artillery's helpers the tests need, by the same contract. */
export const helpers: Helpers = {
  template: (value, context) => filled(value, context),
  createThink: (spec) => (context, done) => {
    setTimeout(() => done(null, context), Number((spec as { think: unknown }).think) * 1000);
  },
  createLoopWithCount: (count, steps, { whileTrue, overValues, loopElement }) => {
    const condition = whileTrue as ((context: Context, done: (go: boolean) => void) => void) | undefined;
    const over = overValues as readonly unknown[] | undefined;
    return async (context, done) => {
      try {
        for (let turn = 0; over ? turn < over.length : condition !== undefined || turn < Number(count); turn++) {
          context.vars[loopElement] = over?.[turn];
          for (const step of steps) await taken(step, context);
          if (condition && !(await new Promise<boolean>((resolve) => condition(context, resolve)))) break;
        }
      } catch (error) {
        return done(error, context);
      }
      done(null, context);
    };
  },
  captureOrMatch: ({ capture, match }, { body }, _context, done) => {
    const valueAt = (path: string): unknown => (JSON.parse(body) as Record<string, unknown>)[path.replace('$.', '')];
    const { json, as } = (capture ?? {}) as { json?: string; as?: string };
    const captured = json === undefined ? undefined : valueAt(json);
    const wanted = match as { json: string; value: unknown } | undefined;
    done(null, {
      captures: as === undefined ? {} : { [as]: { value: captured, failed: captured === undefined } },
      matches: wanted ? { [wanted.json]: { success: valueAt(wanted.json) === wanted.value } } : {},
    });
  },
};

function taken(step: Step, context: Context): Promise<void> {
  return new Promise((resolve, reject) => step(context, (error) => (error ? reject(error) : resolve())));
}

function filled(value: unknown, context: Context): unknown {
  if (Array.isArray(value)) return value.map((each) => filled(each, context));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each, context)]));
  }
  if (typeof value !== 'string') return value;
  const [, whole] = /^\{\{\s*(\w+)\s*\}\}$/.exec(value) ?? [];
  if (whole !== undefined) return context.vars[whole];
  return value.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => String(context.vars[name]));
}

/** What a user of a run has emitted. */
export interface Emitted {
  readonly counters: Record<string, number>;
  readonly times: Record<string, number[]>;
  readonly rates: Record<string, number>;
  readonly errors: string[];
  started: number;
}

/** What takes the metrics of a run. */
export function collector() {
  const emitted: Emitted = { counters: {}, times: {}, rates: {}, errors: [], started: 0 };
  const emit = (event: string, name?: string, value?: number): boolean => {
    if (event === 'started') emitted.started++;
    else if (event === 'error') emitted.errors.push(name!);
    else if (event === 'rate') emitted.rates[name!] = (emitted.rates[name!] ?? 0) + 1;
    else if (event === 'counter') emitted.counters[name!] = (emitted.counters[name!] ?? 0) + value!;
    else (emitted.times[name!] ??= []).push(value!);
    return true;
  };
  return { emitted, events: { emit } };
}

/** One user of a flow, as Artillery runs it: the engine is made from the script, the scenario is compiled, and run with a context. */
export async function runUser(
  Engine: typeof TunneliteEngine,
  config: Script['config'],
  flow: unknown,
  vars: Record<string, unknown> = {},
): Promise<Emitted & { readonly error: unknown; readonly vars: Record<string, unknown> }> {
  const { emitted, events } = collector();
  const engine = new Engine({ config }, events, helpers);
  const scenario = engine.createScenario({ name: 'test', flow }, events);
  const context: Context = { vars: { ...vars }, funcs: {} };
  const error = await new Promise<unknown>((resolve) => scenario(context, resolve));
  return { ...emitted, error, vars: context.vars };
}
