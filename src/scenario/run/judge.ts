import type { FaultHandle } from '../../faults/index.ts';
import { durationText, parseDuration } from '../../lib/duration.ts';
import {
  type AnyQuery,
  type ExpectedCount,
  eventLine,
  explainNothing,
  isExpected,
  matches,
  queryText,
  type TunneliteEvent,
} from '../../telemetry/index.ts';
import type { LoadedScenario } from '../format/load.ts';
import type { Expectation, Scenario } from '../format/types.ts';
import { type ExpectationResult, timeText } from '../report/result.ts';
import type { RecordedEvent, Recording } from './record.ts';

/** Maximum number of lines in a finding. */
const LISTED = 8;

/** Compares the recorded events with the expectations. */
export function judge(
  { scenario, locate }: LoadedScenario,
  recording: Recording,
  rules: ReadonlyMap<string, FaultHandle>,
): ExpectationResult[] {
  const judged = scenario.expect.map((expectation, i) => ({
    place: locate(['expect', i]),
    ...verdict(expectation, recording, rules),
  }));
  return [...judged, ...unexpectedExits(scenario, recording, locate)];
}

interface Verdict {
  readonly expected: string;
  readonly passed: boolean;
  readonly found: string;
}

type Span = readonly [from: number, to: number];

function verdict(expectation: Expectation, recording: Recording, rules: ReadonlyMap<string, FaultHandle>): Verdict {
  const { rule, pages, client, exit } = expectation;
  if (rule !== undefined) return ruleVerdict(rule, expectation, rules);
  const span = spanOf(expectation);
  if (pages !== undefined) return pageVerdict(pages, recording, span);
  if (client !== undefined) return clientVerdict(client, expectation, recording, span);
  if (exit !== undefined) return exitVerdict(exit, recording, span);
  return eventVerdict(expectation, recording, span);
}

const spanOf = ({ between }: Expectation): Span | undefined =>
  between && (between.map((time) => parseDuration(time)) as unknown as Span);
const within = (at: number, span: Span | undefined): boolean => span === undefined || (at >= span[0] && at <= span[1]);
const spanText = (span: Span | undefined): string =>
  span === undefined ? '' : ` between ${durationText(span[0])} and ${durationText(span[1])}`;

/** `once`, `3 times`, `at least 10 times`; empty if once or more is enough. */
function timesText(count: ExpectedCount | undefined): string {
  if (count === undefined) return ', at least once';
  if (typeof count === 'number') return count === 1 ? ', once' : `, ${count} times`;
  return `, ${boundsText(count)} times`;
}

function boundsText(count: ExpectedCount): string {
  if (typeof count === 'number') return String(count);
  const { atLeast, atMost } = count;
  if (atLeast !== undefined && atMost !== undefined) return `${atLeast} to ${atMost}`;
  return atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
}

const AT_LEAST_ONCE: ExpectedCount = { atLeast: 1 };
const number = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function timedLine({ at, event }: RecordedEvent): string {
  return `${timeText(at).padStart(10)}  ${eventLine(event)}`;
}

function listed(lines: readonly string[]): string {
  const shown = lines.slice(0, LISTED).map((line) => `\n  ${line}`);
  return `${shown.join('')}${lines.length > LISTED ? `\n  and ${lines.length - LISTED} more` : ''}`;
}

function eventVerdict(expectation: Expectation, { events }: Recording, span: Span | undefined): Verdict {
  const { event, never, where, text, level } = expectation;
  const count = never === undefined ? (expectation.count ?? AT_LEAST_ONCE) : 0;
  const query: AnyQuery = {
    name: event ?? never!,
    ...(where && { fields: where }),
    ...(text !== undefined && { text }),
    ...(level !== undefined && { level }),
  };
  const all = events.filter((one) => matches(one.event, query));
  const inTime = all.filter(({ at }) => within(at, span));
  const expected =
    never === undefined
      ? `${queryText(query)}${spanText(span)}${timesText(expectation.count)}`
      : `never ${queryText(query)}${spanText(span)}`;
  if (isExpected(inTime.length, count)) {
    const times = inTime.slice(0, 3).map(({ at }) => timeText(at));
    return {
      expected,
      passed: true,
      found: inTime.length === 0 ? 'none' : `at ${times.join(', ')}${inTime.length > 3 ? ', …' : ''}`,
    };
  }
  if (inTime.length > 0) return { expected, passed: false, found: `${inTime.length}:${listed(inTime.map(timedLine))}` };
  if (all.length > 0) {
    return {
      expected,
      passed: false,
      found: `none at that time, but ${all.length} at others:${listed(all.map(timedLine))}`,
    };
  }
  const times = new Map<TunneliteEvent, number>(events.map((one) => [one.event, one.at]));
  const lineOf = (one: TunneliteEvent): string => timedLine({ at: times.get(one) ?? 0, event: one });
  return {
    expected,
    passed: false,
    found: explainNothing(
      events.map((one) => one.event),
      query,
      lineOf,
    ),
  };
}

function ruleVerdict(name: string, { hits: count }: Expectation, rules: ReadonlyMap<string, FaultHandle>): Verdict {
  const rule = rules.get(name);
  const expected = `the fault rule ${name} strikes${timesText(count)}`;
  if (rule === undefined) return { expected, passed: false, found: 'it was never active' };
  const [hits, seen] = [rule.hits(), rule.seen()];
  const passed = isExpected(hits, count ?? AT_LEAST_ONCE);
  if (passed) return { expected, passed, found: `it struck ${number(hits, 'time')}` };
  const story =
    seen === 0
      ? 'it never selected anything'
      : `it selected ${number(seen, 'thing')}, and struck ${number(hits, 'time')}`;
  const notes = rule.status.notes.map((note) => `\n  ${note}`).join('');
  return { expected, passed, found: `${story}${notes}` };
}

function pageVerdict(pages: NonNullable<Expectation['pages']>, recording: Recording, span: Span | undefined): Verdict {
  const inTime = recording.pages.filter(({ at }) => within(at, span));
  const failed = inTime.filter(({ failure }) => failure !== undefined);
  const fetched = inTime.length - failed.length;
  const wanted = [
    ...(pages.fetched === undefined ? [] : [`${boundsText(pages.fetched)} fetched`]),
    ...(pages.failed === undefined ? [] : [`${boundsText(pages.failed)} failed`]),
    ...(pages.longest === undefined ? [] : [`the longest ${longestText(pages.longest)}`]),
  ];
  const took = inTime.filter(({ failure }) => failure === undefined).map(({ milliseconds }) => milliseconds);
  const longest = took.reduce((most, one) => Math.max(most, one), 0);
  const expected = `pages${spanText(span)}: ${wanted.join(', ')}`;
  const passed =
    (pages.fetched === undefined || isExpected(fetched, pages.fetched)) &&
    (pages.failed === undefined || isExpected(failed.length, pages.failed)) &&
    (pages.longest === undefined || (took.length > 0 && isExpected(longest, inMilliseconds(pages.longest))));
  const length = pages.longest === undefined || took.length === 0 ? '' : `, the longest took ${timeText(longest)}`;
  const found = `${fetched} fetched, ${failed.length} failed${length}`;
  if (passed || failed.length === 0) return { expected, passed, found };
  const lines = failed.map(({ at, client, failure }) => `${timeText(at).padStart(10)}  client ${client}: ${failure}`);
  return { expected, passed, found: `${found}:${listed(lines)}` };
}

type Longest = NonNullable<NonNullable<Expectation['pages']>['longest']>;

const longestText = ({ atLeast, atMost }: Longest): string =>
  [
    ...(atLeast === undefined ? [] : [`takes at least ${atLeast}`]),
    ...(atMost === undefined ? [] : [`takes at most ${atMost}`]),
  ].join(', ');

const inMilliseconds = ({ atLeast, atMost }: Longest): ExpectedCount => ({
  ...(atLeast !== undefined && { atLeast: parseDuration(atLeast) }),
  ...(atMost !== undefined && { atMost: parseDuration(atMost) }),
});

function clientVerdict(text: string, { count }: Expectation, { notes }: Recording, span: Span | undefined): Verdict {
  const expected = `a client prints “${text}”${spanText(span)}${timesText(count)}`;
  const all = notes.filter((note) => note.text.toLowerCase().includes(text.toLowerCase()));
  const inTime = all.filter(({ at }) => within(at, span));
  const passed = isExpected(inTime.length, count ?? AT_LEAST_ONCE);
  const line = ({ at, client, text: said }: (typeof notes)[number]): string =>
    `${timeText(at).padStart(10)}  client ${client}: ${said}`;
  if (passed) return { expected, passed, found: inTime[0] === undefined ? 'none' : `at ${timeText(inTime[0].at)}` };
  if (inTime.length > 0) return { expected, passed, found: `${inTime.length}:${listed(inTime.map(line))}` };
  if (all.length > 0) return { expected, passed, found: `not at that time, but at others:${listed(all.map(line))}` };
  const last = notes.slice(-LISTED);
  return {
    expected,
    passed,
    found: last.length === 0 ? 'no client printed anything' : `no such line; the last lines:${listed(last.map(line))}`,
  };
}

function exitVerdict(wanted: number | 'any', { exits }: Recording, span: Span | undefined): Verdict {
  const expected = `a client ends${wanted === 'any' ? '' : ` with status ${wanted}`}${spanText(span)}`;
  const ended = exits.filter((exit) => !exit.wanted);
  const passed = ended.some(({ at, status }) => within(at, span) && (wanted === 'any' || status === wanted));
  const lines = ended.map(
    ({ at, client, status }) => `${timeText(at).padStart(10)}  client ${client} ended with ${statusText(status)}`,
  );
  return {
    expected,
    passed,
    found:
      lines.length === 0
        ? 'no client ended'
        : lines.length === 1
          ? lines[0]!.trim()
          : `${lines.length}:${listed(lines)}`,
  };
}

const statusText = (status: number | string): string =>
  typeof status === 'number' ? `status ${status}` : `the signal ${status}`;

/** A program that ends unexpectedly is a failure, unless the scenario covers it. */
function unexpectedExits(
  { client, expect }: Scenario,
  { exits, notes }: Recording,
  locate: LoadedScenario['locate'],
): ExpectationResult[] {
  const allowed =
    (typeof client === 'object' && client.restart !== undefined) || expect.some(({ exit }) => exit !== undefined);
  if (allowed) return [];
  return exits
    .filter(({ wanted }) => !wanted)
    .slice(0, LISTED)
    .map(({ at, client: index, status }) => {
      const last = notes.filter((note) => note.client === index && note.at <= at).slice(-LISTED);
      const lines = last.map((note) => `${timeText(note.at).padStart(10)}  ${note.text}`);
      return {
        place: locate(['client']),
        expected: `client ${index} runs until the end (an expectation with exit, or client.restart, would allow it to end)`,
        passed: false,
        found: `it ended with ${statusText(status)} at ${timeText(at)}${lines.length === 0 ? ', without output' : `; its last lines:${listed(lines)}`}`,
      };
    });
}
