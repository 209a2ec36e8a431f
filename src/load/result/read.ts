import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { pathText, validate } from '../../lib/schema/index.ts';
import { planProblems } from '../plan/checks.ts';
import { ResultSchema } from './schema.ts';
import { type LoadResult, RESULT_FORMAT, RESULT_VERSION } from './types.ts';

/** Ours: maximum size of a file, in bytes. A run of hours with all phases has a few megabytes. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Ours: maximum number of problems reported for one file. */
const MAX_PROBLEMS = 5;

const refuse = (file: string, words: string, hint?: string): TunneliteError =>
  new TunneliteError('ERR_LOAD_RESULT', `${file}: ${words}`, hint === undefined ? {} : { hint });

/**
 * Reads the result of a load test from a file, which is untrusted.
 * @throws TunneliteError `ERR_LOAD_RESULT`
 */
export function readResult(file: string): LoadResult {
  const text = textOf(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse(file, `This is not JSON: ${errorText(cause)}.`);
  }
  return checkResult(value, file);
}

/**
 * Validates a value as the result of a load test.
 * @param label its name in messages
 * @throws TunneliteError `ERR_LOAD_RESULT`
 */
export function checkResult(value: unknown, label: string): LoadResult {
  const { format, version, error } = (typeof value === 'object' && value !== null ? value : {}) as {
    readonly format?: unknown;
    readonly version?: unknown;
    readonly error?: { readonly message?: unknown };
  };
  if (format !== RESULT_FORMAT) {
    const message = error?.message;
    throw refuse(
      label,
      typeof message === 'string'
        ? `This run has no result: ${printable(message.slice(0, 500))}`
        : 'This is not a result of a load test.',
    );
  }
  if (version !== RESULT_VERSION) {
    throw refuse(
      label,
      `This result has version ${JSON.stringify(version)?.slice(0, 20)}, and this program reads version ${RESULT_VERSION}.`,
      'Use the program that wrote it, or run the test again.',
    );
  }
  const { value: fitting, problems } = validate(ResultSchema, value, { complete: true });
  if (problems.length > 0) {
    const words = problems
      .slice(0, MAX_PROBLEMS)
      .map(
        ({ path, message, expected }) => `${pathText(path)}: ${message}${expected ? `, expected: ${expected}` : ''}`,
      );
    throw refuse(label, `${words.join('; ')}.`);
  }
  const result = fitting as LoadResult;
  const [problem] = planProblems(result.meta.plan, result.meta.worker?.of ?? result.meta.workers?.length ?? 1);
  if (problem) throw refuse(label, `meta.plan.${pathText(problem.path)}: ${problem.message}.`);
  const { series } = result;
  for (const [name, column] of columnsOf(series)) {
    if (column.length !== series.t.length) throw refuse(label, `series.${name} and series.t have different lengths.`);
  }
  return result;
}

function columnsOf({ clients, requests, roundtrip, lag, generator, gateway }: LoadResult['series']) {
  const groups = { clients, requests, roundtrip, lag, generator, ...(gateway && { gateway }) };
  return Object.entries(groups).flatMap(([group, columns]) =>
    Object.entries(columns as unknown as Record<string, readonly unknown[]>).map(
      ([name, column]) => [`${group}.${name}`, column] as const,
    ),
  );
}

function textOf(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const stat = fstatSync(descriptor);
    const { size } = stat;
    if (!stat.isFile()) throw new Error('it is not a file');
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes; the limit is ${MAX_BYTES}`);
    return readFileSync(descriptor, 'utf8').replace(/^\ufeff/, '');
  } catch (cause) {
    throw refuse(file, `It cannot be read: ${errorText(cause)}.`, 'Use a file written by "tunnelite load --out FILE".');
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
