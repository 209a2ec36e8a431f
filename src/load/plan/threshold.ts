import { parseDuration } from '../../lib/duration.ts';
import type { Problem } from '../../lib/schema/index.ts';
import { suggest } from '../../lib/schema/index.ts';
import {
  COUNTER_NAMES,
  COUNTERS,
  type CounterName,
  STATISTICS,
  type Statistic,
  TIME_NAMES,
  type TimeName,
} from './metrics.ts';

export const OPERATORS = ['<', '<=', '>', '>=', '==', '!='] as const;
export type Operator = (typeof OPERATORS)[number];

/** A parsed threshold. */
export type Threshold = {
  /** As it was written. */
  readonly text: string;
  readonly operator: Operator;
} & (
  | {
      readonly time: TimeName;
      readonly statistic: Statistic;
      /** Microseconds, or a number with `count`. */
      readonly value: number;
    }
  | {
      readonly counter: CounterName;
      readonly value: number;
      /** The value is a share, from 0 to 1, of this counter. */
      readonly of: CounterName | undefined;
    }
);

const FORM = /^\s*([a-z][a-z0-9.]*)\s*(<=|>=|==|!=|<|>)\s*(\S.*?)\s*$/;
const EXAMPLES = 'such as “fallback.p99 < 12s”, “flows.broken == 0” or “requests.lost <= 5%”';

type Complaint = Pick<Problem, 'message' | 'hint' | 'expected'>;

/** Parses a threshold; returns a description of the problem if it is invalid. */
export function parseThreshold(text: string): Threshold | Complaint {
  const [, name, sign, value] = FORM.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    return {
      message: `“${text.slice(0, 60)}” is not a threshold`,
      expected: `a figure, a comparison and a value, ${EXAMPLES}`,
    };
  }
  const operator = sign as Operator;
  const counter = COUNTER_NAMES.find((one) => one === name);
  if (counter !== undefined) return counted(text, operator, counter, value);
  const at = name.lastIndexOf('.');
  const time = TIME_NAMES.find((one) => one === name.slice(0, at));
  const statistic = STATISTICS.find((one) => one === name.slice(at + 1));
  if (time === undefined || statistic === undefined) return unknown(name);
  if (statistic === 'count') {
    if (!/^\d{1,12}$/.test(value))
      return { message: `“${value.slice(0, 40)}” is not a count`, expected: 'a whole number' };
    return { text, operator, time, statistic, value: Number(value) };
  }
  const milliseconds = durationOf(value);
  if (milliseconds === undefined) {
    return { message: `“${value.slice(0, 40)}” is not a time`, expected: 'a duration, such as 12s or 250ms' };
  }
  return { text, operator, time, statistic, value: milliseconds * 1000 };
}

/** Whether it is a threshold, and not a problem. */
export const isThreshold = (one: Threshold | Complaint): one is Threshold => 'operator' in one;

function counted(text: string, operator: Operator, counter: CounterName, value: string): Threshold | Complaint {
  const [, number, percent] = /^(\d{1,12}(?:\.\d{1,6})?)\s*(%)?$/.exec(value) ?? [];
  if (number === undefined)
    return { message: `“${value.slice(0, 40)}” is not a count`, expected: 'a number, or a percentage such as 5%' };
  if (percent === undefined) return { text, operator, counter, value: Number(number), of: undefined };
  const of = COUNTERS[counter];
  if (of === undefined)
    return { message: `${counter} has no total, so a percentage is not possible`, expected: 'a number' };
  return { text, operator, counter, value: Number(number) / 100, of };
}

function unknown(name: string): Complaint {
  const known = [
    ...COUNTER_NAMES,
    ...TIME_NAMES.flatMap((time) => STATISTICS.map((statistic) => `${time}.${statistic}`)),
  ];
  const nearest = suggest(name, known);
  const time = TIME_NAMES.find((one) => one === name);
  return {
    message: `there is no figure “${name.slice(0, 60)}”`,
    hint: time
      ? `Choose a statistic: ${STATISTICS.map((one) => `${time}.${one}`).join(', ')}.`
      : nearest === undefined
        ? 'docs/how-to/run-a-load-test.md lists the figures.'
        : `Did you mean “${nearest}”?`,
  };
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
