import { basename } from 'node:path';
import { refuseProblems } from '../../config/index.ts';
import { parseSource, readSourceFile, type SourceFile } from '../../config/source-file.ts';
import { parseDuration } from '../../lib/duration.ts';
import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { inDocumentOrder, type Path, pathText, validate } from '../../lib/schema/index.ts';
import { scenarioProblems } from './checks.ts';
import { ScenarioSchema } from './schema.ts';
import { Shape } from './shape.ts';
import type { Scenario } from './types.ts';

/** A valid scenario, with its name and a mapping to the lines of its file. */
export interface LoadedScenario {
  readonly scenario: Scenario;
  /** Its own name, or that of its file. */
  readonly name: string;
  /** The path of the file as given; undefined if there is none. */
  readonly file: string | undefined;
  /** Duration in milliseconds. */
  readonly end: number;
  /** The location of a member: `storm.yaml:12:5`, or `expect[2]` without a file. */
  locate(path: Path): string;
}

/** Hint for an unreadable file; the hint of the error code is about configurations. */
const UNREADABLE = 'Check the path; docs/how-to/write-a-scenario.md shows a first scenario to start from.';

type Locate = (path: Path, atKey?: boolean) => string;

/**
 * Reads a scenario file, YAML or JSON.
 * @throws TunneliteError `ERR_CONFIG_FILE`, `ERR_CONFIG_SYNTAX`, `ERR_SCENARIO_INVALID`, each with file, line and column
 */
export function readScenario(file: string): LoadedScenario {
  return fromSource(readScenarioFile(file), file);
}

function readScenarioFile(file: string): SourceFile {
  try {
    return readSourceFile(file);
  } catch (cause) {
    if (!isTunneliteError(cause, 'ERR_CONFIG_FILE')) throw cause;
    const { message, details } = cause;
    throw new TunneliteError('ERR_CONFIG_FILE', message, { cause, details, hint: UNREADABLE });
  }
}

/** The same for a string, with the name to use in messages. */
export function parseScenario(text: string, label = 'scenario'): LoadedScenario {
  return fromSource(parseSource(text, label), undefined);
}

/**
 * The same for an object.
 * @throws TunneliteError `ERR_SCENARIO_INVALID`
 */
export function checkScenario(value: Scenario): LoadedScenario {
  return checked(value, pathText, 'scenario', undefined);
}

function fromSource(source: Omit<SourceFile, 'path'>, file: string | undefined): LoadedScenario {
  const { value, label } = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const empty = value === null || value === undefined;
    const message = `${source.locate([])}: ${empty ? 'The file is empty' : 'The file does not contain an object with keys'}. Expected: a scenario, with timeline and expect.`;
    throw new TunneliteError('ERR_SCENARIO_INVALID', message);
  }
  const name = basename(label).replace(/\.(ya?ml|json)$/i, '');
  return checked(value, (path, atKey) => source.locate(path, atKey), name, file);
}

function checked(value: unknown, locate: Locate, name: string, file: string | undefined): LoadedScenario {
  const { problems } = validate(ScenarioSchema, value, { complete: true });
  // As it was written: omitted members use the simulator's defaults.
  const scenario = validate(ScenarioSchema, value, { complete: false }).value as Scenario;
  const meant = scenarioProblems(scenario, new Shape(value, problems));
  refuseProblems(inDocumentOrder([...problems, ...meant], value), locate, 'ERR_SCENARIO_INVALID');
  const end = parseDuration(scenario.timeline.at(-1)!.at);
  return { scenario, name: scenario.name ?? name, file, end, locate };
}
