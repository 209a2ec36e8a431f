import { durationText, parseDuration } from '../../lib/duration.ts';
import type { Path, Problem } from '../../lib/schema/index.ts';
import { EVENTS, type ExpectedCount, namesOf } from '../../telemetry/index.ts';
import { fieldProblems } from './field-checks.ts';
import type { Shape } from './shape.ts';
import { endOf, rulesOf } from './timeline-checks.ts';
import type { Expectation, Scenario } from './types.ts';
import { listed, meant, own } from './words.ts';

/** The possible subjects of an expectation; each expectation has one. */
const SUBJECTS = ['event', 'never', 'rule', 'pages', 'client', 'exit'] as const;
/** Members that belong to subjects. */
const QUALIFIERS: Readonly<Record<string, readonly string[]>> = {
  where: ['event', 'never'],
  text: ['event', 'never'],
  level: ['event', 'never'],
  count: ['event', 'client'],
  between: ['event', 'never', 'pages', 'client', 'exit'],
  hits: ['rule'],
};

/** Expectations that prove nothing, or can never be met. */
export function expectProblems(scenario: Scenario, shape: Shape): Problem[] {
  const problems: Problem[] = [];
  const end = endOf(scenario, shape) ?? Infinity;
  const rules = shape.whole('timeline') ? [...rulesOf(scenario, shape).keys()] : undefined;
  const browses =
    !shape.whole('timeline') ||
    !shape.sound('traffic') ||
    scenario.traffic !== undefined ||
    scenario.timeline.some((step) => step.fetch !== undefined);
  for (const [i, expectation] of scenario.expect.entries()) {
    if (!shape.soundEntry('expect', i)) continue;
    problems.push(...expectationProblems(scenario, expectation, ['expect', i], { end, rules, browses }));
  }
  return problems;
}

interface Course {
  readonly end: number;
  /** Undefined if it cannot be determined. */
  readonly rules: readonly string[] | undefined;
  /** Whether anything fetches pages, or may. */
  readonly browses: boolean;
}

function expectationProblems(
  { client = 'bundled' }: Scenario,
  expectation: Expectation,
  path: Path,
  { end, rules, browses }: Course,
): Problem[] {
  const problems: Problem[] = [];
  const subjects = own(expectation, SUBJECTS);
  const [subject] = subjects;
  if (subject === undefined) {
    problems.push({ path, message: 'there is no expectation', expected: `one of ${listed(SUBJECTS)}` });
    return problems;
  }
  if (subjects.length > 1) {
    problems.push({
      path: [...path, subjects[1]!],
      atKey: true,
      message: `an expectation has one subject, but this one has ${listed(subjects).replace(' or ', ' and ')}`,
      hint: 'Split it into two.',
    });
  }
  for (const [key, having] of Object.entries(QUALIFIERS)) {
    if (!Object.hasOwn(expectation, key) || having.includes(subject)) continue;
    problems.push({
      path: [...path, key],
      atKey: true,
      message: `${key} does not apply to ${subject}`,
      hint: `It applies to ${listed(having)}.`,
    });
  }
  const name = expectation.event ?? expectation.never;
  if (name !== undefined && namesOf({ name })!.length === 0) {
    const all = Object.keys(EVENTS);
    const areas = new Set(all.map((one) => `${one.slice(0, one.indexOf('.'))}.*`));
    problems.push({
      path: [...path, subject],
      message: `there is no event "${name.slice(0, 60)}"`,
      hint: 'docs/reference/events.md lists them.',
      ...meant(name, [...all, ...areas]),
    });
  }
  problems.push(...fieldProblems(expectation, path));
  const { rule, between, pages } = expectation;
  if (rule !== undefined && rules !== undefined && !rules.includes(rule)) {
    const note =
      rules.length === 0 ? { hint: 'No step adds one.' } : { expected: listed(rules), ...meant(rule, rules) };
    problems.push({ path: [...path, 'rule'], message: `no step adds a fault rule "${rule.slice(0, 60)}"`, ...note });
  }
  if (pages !== undefined && !browses) {
    problems.push({
      path: [...path, 'pages'],
      message: 'no page is fetched',
      hint: 'Add traffic, or a step with fetch.',
    });
  }
  if (pages !== undefined && Object.keys(pages).length === 0) {
    problems.push({
      path: [...path, 'pages'],
      message: 'the number is missing',
      expected: 'fetched, failed or longest',
    });
  }
  if (expectation.exit !== undefined && client === 'bundled') {
    problems.push({
      path: [...path, 'exit'],
      atKey: true,
      message: 'the bundled client is not a program, so it has no exit status',
    });
  }
  for (const [key, count] of [
    ['count', expectation.count],
    ['hits', expectation.hits],
    ['fetched', pages?.fetched],
    ['failed', pages?.failed],
  ] as const) {
    const at = key === 'count' || key === 'hits' ? [...path, key] : [...path, 'pages', key];
    problems.push(...countProblems(count, at));
  }
  if (pages?.longest) {
    const { atLeast, atMost } = pages.longest;
    const bounds = {
      ...(atLeast !== undefined && { atLeast: parseDuration(atLeast) }),
      ...(atMost !== undefined && { atMost: parseDuration(atMost) }),
    };
    problems.push(...countProblems(bounds, [...path, 'pages', 'longest']));
  }
  for (const [field, condition] of Object.entries(expectation.where ?? {})) {
    if (typeof condition !== 'object' || condition === null || Object.keys(condition).length > 0) continue;
    problems.push({
      path: [...path, 'where', field],
      message: 'this field has no condition',
      expected: 'a value, or equals, not, contains, above, atLeast, below or atMost',
    });
  }
  if (between) {
    const [from, to] = between.map((text) => parseDuration(text)) as [number, number];
    const at = [...path, 'between'];
    if (from > to) problems.push({ path: at, message: `${between[0]} is after ${between[1]}` });
    else if (from >= end)
      problems.push({
        path: at,
        message: `the scenario ends at ${durationText(end)}, so there are no events after ${between[0]}`,
      });
    else if (to > end)
      problems.push({ path: [...at, 1], message: `${between[1]} is after the end, which is at ${durationText(end)}` });
  }
  return problems;
}

function countProblems(count: ExpectedCount | undefined, path: Path): Problem[] {
  if (typeof count !== 'object') return [];
  if (Object.keys(count).length === 0)
    return [{ path, message: 'the number is missing', expected: 'atLeast, atMost or both' }];
  if ((count.atLeast ?? 0) > (count.atMost ?? Infinity)) return [{ path, message: 'atLeast is above atMost' }];
  return [];
}
