import { basename } from 'node:path';
import { refuseProblems } from '../../config/index.ts';
import { parseSource, readSourceFile, type SourceFile } from '../../config/source-file.ts';
import { parseDuration } from '../../lib/duration.ts';
import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { type Path, pathText, validate } from '../../lib/schema/index.ts';
import { planProblems } from './checks.ts';
import { PlanSchema } from './schema.ts';
import type { LoadPhase, LoadPlan } from './types.ts';
import { inStep, type LoadWorker } from './worker.ts';

/** A valid plan. */
export interface CheckedPlan {
  readonly plan: LoadPlan;
  /** Its own name, or that of its file. */
  readonly name: string;
  readonly file: string | undefined;
  /** Each with a name of its own. */
  readonly phases: readonly (LoadPhase & { readonly name: string })[];
  /** Duration of all phases, in milliseconds. */
  readonly length: number;
  /** The worker, if several run it; undefined: a single process. */
  readonly worker?: LoadWorker | undefined;
}

type Locate = (path: Path, atKey?: boolean) => string;

const UNREADABLE = 'Check the path; docs/how-to/run-a-load-test.md shows a first plan to start from.';

/**
 * Reads a plan, YAML or JSON.
 * @param change command-line values that replace members of the file, and members of its sections
 * @param thresholds additional thresholds
 * @param worker the worker, if several run it
 * @throws TunneliteError `ERR_CONFIG_FILE`, `ERR_CONFIG_SYNTAX`, `ERR_LOAD_PLAN`, each with file, line and column
 */
export function readPlan(
  file: string,
  change: Partial<LoadPlan> = {},
  thresholds: readonly string[] = [],
  worker?: LoadWorker,
): CheckedPlan {
  return fromSource(sourceOf(file), file, change, thresholds, worker);
}

function sourceOf(file: string): SourceFile {
  try {
    return readSourceFile(file);
  } catch (cause) {
    if (!isTunneliteError(cause, 'ERR_CONFIG_FILE')) throw cause;
    const { message, details } = cause;
    throw new TunneliteError('ERR_CONFIG_FILE', message, { cause, details, hint: UNREADABLE });
  }
}

/** The same for a string, with the name to use in messages. */
export function parsePlan(text: string, label = 'plan'): CheckedPlan {
  return fromSource(parseSource(text, label), undefined, {}, []);
}

/**
 * The same for an object, or the flags of a command line.
 * @throws TunneliteError `ERR_LOAD_PLAN`
 */
export function checkPlan(value: LoadPlan, worker?: LoadWorker, locate: Locate = pathText): CheckedPlan {
  return checked(value, locate, 'load', undefined, worker);
}

function fromSource(
  source: Omit<SourceFile, 'path'>,
  file: string | undefined,
  change: Partial<LoadPlan>,
  thresholds: readonly string[],
  worker?: LoadWorker,
): CheckedPlan {
  const { value, label } = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const empty = value === null || value === undefined;
    const message = `${source.locate([])}: ${empty ? 'The file is empty' : 'The file does not contain an object with keys'}. Expected: a plan, with clients and phases.`;
    throw new TunneliteError('ERR_LOAD_PLAN', message);
  }
  const name = basename(label).replace(/\.(ya?ml|json)$/i, '');
  return checked(
    merged(value as Record<string, unknown>, change, thresholds),
    (path, atKey) => source.locate(path, atKey),
    name,
    file,
    worker,
  );
}

function checked(
  value: object,
  locate: Locate,
  name: string,
  file: string | undefined,
  worker: LoadWorker | undefined,
): CheckedPlan {
  refuseProblems(validate(PlanSchema, value, { complete: true }).problems, locate, 'ERR_LOAD_PLAN');
  // As it was written: omitted members use our defaults.
  const whole = validate(PlanSchema, value, { complete: false }).value as LoadPlan;
  refuseProblems(planProblems(whole, worker?.of ?? 1), locate, 'ERR_LOAD_PLAN');
  const plan = worker ? inStep(whole) : whole;
  return {
    plan,
    name: plan.name ?? name,
    file,
    phases: named(plan.phases),
    length: plan.phases.reduce((sum, phase) => sum + parseDuration(phase.for), 0),
    worker,
  };
}

/** A plan with the command line's values. Mistakes in the original plan are still reported, unless the command line replaces that part. */
function merged(
  value: Record<string, unknown>,
  { traffic, ...change }: Partial<LoadPlan>,
  thresholds: readonly string[],
): object {
  const { traffic: before, thresholds: own } = value;
  return {
    ...value,
    ...change,
    ...(traffic && { traffic: { ...(typeof before === 'object' ? before : {}), ...traffic } }),
    ...(thresholds.length > 0 && { thresholds: [...(Array.isArray(own) ? own : []), ...thresholds] }),
  };
}

/** Names each phase: its own name, or its kind, with a number from the second one on. */
function named(phases: readonly LoadPhase[]): (LoadPhase & { readonly name: string })[] {
  const taken = new Set(phases.flatMap(({ name }) => name ?? []));
  return phases.map((phase) => {
    if (phase.name !== undefined) return { ...phase, name: phase.name };
    let name: string = phase.phase;
    for (let number = 2; taken.has(name); number++) name = `${phase.phase} ${number}`;
    taken.add(name);
    return { ...phase, name };
  });
}
