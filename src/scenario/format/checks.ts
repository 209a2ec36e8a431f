import { crossCheck } from '../../config/cross-checks.ts';
import { faultProblems } from '../../config/fault-checks.ts';
import { profileRules } from '../../config/fault-profiles.ts';
import { type ConfigInput, IN_PROCESS_DEFAULTS } from '../../config/index.ts';
import { merge } from '../../config/layers.ts';
import { type Config, ConfigSchema } from '../../config/schema.ts';
import { durationText, parseDuration } from '../../lib/duration.ts';
import { type Path, type Problem, suggest, withDefaults } from '../../lib/schema/index.ts';
import { EVENTS, type ExpectedCount, namesOf } from '../../telemetry/index.ts';
import { fieldProblems } from './field-checks.ts';
import type { Expectation, Scenario, ScenarioStep } from './types.ts';

/** Longest course of a scenario: virtual and real, in milliseconds. Ours to choose. */
export const MAX_VIRTUAL_MS = 31 * 86_400_000;
export const MAX_REAL_MS = 3_600_000;

/** What a step can do; of these it does one. */
export const STEP_ACTIONS = [
  'fault',
  'clear',
  'profile',
  'keys',
  'sessions',
  'gateway',
  'client',
  'fetch',
  'advance',
] as const;
export type StepAction = (typeof STEP_ACTIONS)[number];
/** What an expectation can be about; of these it has one. */
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

/** The action of a step; undefined at the end. */
export const actionOf = (step: ScenarioStep): StepAction | undefined =>
  STEP_ACTIONS.find((name) => Object.hasOwn(step, name) && step[name] !== undefined);

const listed = (words: readonly string[]): string => words.join(', ').replace(/, (?=[^,]*$)/, ' or ');
const meant = (word: string, known: Iterable<string>): Pick<Problem, 'hint'> => {
  const hint = suggest(word, known);
  return hint === undefined ? {} : { hint: `Did you mean "${hint}"?` };
};
const own = (value: object, names: readonly string[]): string[] => names.filter((name) => Object.hasOwn(value, name));

/** What of a scenario's members cannot go together, in words and with the member's place. */
export function scenarioProblems(scenario: Scenario): Problem[] {
  return [
    ...sectionProblems(scenario),
    ...clientProblems(scenario),
    ...timelineProblems(scenario),
    ...expectProblems(scenario),
  ];
}

/** The part of a scenario that is the configuration of its simulator. */
export function configurationOf({ gateway, identity, services, resources, seed = 1 }: Scenario): ConfigInput {
  return {
    ...(gateway && { gateway }),
    ...(identity && { identity }),
    ...(services && { services }),
    ...(resources && { resources }),
    faults: { seed },
  };
}

function sectionProblems(scenario: Scenario): Problem[] {
  const { identity } = scenario;
  if (typeof identity?.directory === 'string') {
    return [
      { path: ['identity', 'directory'], message: 'a scenario has its directory in itself, not in another file' },
    ];
  }
  if (typeof identity?.authority === 'string') {
    return [
      { path: ['identity', 'authority'], message: 'a scenario needs the built-in Entra ID', hint: 'Leave this out.' },
    ];
  }
  const input = merge(IN_PROCESS_DEFAULTS, configurationOf(scenario));
  return crossCheck(withDefaults<Config>(ConfigSchema, input)).problems.map(({ path, ...problem }) => {
    const { against } = problem;
    const set = path.reduce<unknown>(
      (at, key) => (at as Record<string | number, unknown> | undefined)?.[key],
      scenario,
    );
    return { ...problem, path: set === undefined && against ? against : path };
  });
}

function clientProblems(scenario: Scenario): Problem[] {
  const { clock = 'virtual', client = 'bundled', clients = 1, traffic, token } = scenario;
  const problems: Problem[] = [];
  if (clock === 'virtual' && client !== 'bundled') {
    problems.push({
      path: ['client'],
      message: 'another program lives in real time, and cannot take part in a virtual one',
      hint: 'Set clock: real, or client: bundled.',
    });
  }
  if (clock === 'real') {
    for (const key of ['link', 'nat'] as const) {
      if (scenario[key] === undefined) continue;
      problems.push({
        path: [key],
        atKey: true,
        message: `with clock: real, a client's ${key} is that of this machine`,
        hint: 'Use a fault rule or a profile, or set clock: virtual.',
      });
    }
  }
  if (client !== 'bundled' && clients > 20) {
    problems.push({ path: ['clients'], message: `${clients} programs are too many at a time`, expected: '20 at most' });
  }
  if (typeof client === 'object') problems.push(...commandProblems(scenario));
  if (token?.from === 'sign-in') {
    for (const key of ['lifetime', 'wrong', 'claims'] as const) {
      if (token[key] === undefined) continue;
      problems.push({
        path: ['token', key],
        atKey: true,
        message: `Entra ID is not told the ${key} of a token at a sign-in`,
        hint: key === 'lifetime' ? 'Set identity.lifetimes.accessToken, or from: mint.' : 'Set from: mint.',
      });
    }
  }
  if (token?.lifetime !== undefined && parseDuration(token.lifetime) < 1000) {
    problems.push({ path: ['token', 'lifetime'], message: 'tokens count in seconds', expected: '1s or more' });
  }
  if (traffic) {
    problems.push(...pageProblems(traffic.fetch, clock, ['traffic', 'fetch']));
    if (parseDuration(traffic.every) < 10) {
      problems.push({ path: ['traffic', 'every'], message: 'this is too often', expected: '10ms or more' });
    }
    if (traffic.timeout !== undefined && parseDuration(traffic.timeout) < 1) {
      problems.push({ path: ['traffic', 'timeout'], message: 'no page comes in no time', expected: '1ms or more' });
    }
  }
  return problems;
}

/** What is filled in where a command names it in braces. */
export const PLACEHOLDERS = [
  'server',
  'host',
  'port',
  'authority',
  'caFile',
  'tokenFile',
  'socksPort',
  'folder',
  'url',
  'index',
] as const;

function commandProblems({ client, traffic, timeline }: Scenario): Problem[] {
  if (typeof client !== 'object') return [];
  const problems: Problem[] = [];
  for (const key of ['command', 'fetch'] as const) {
    for (const [i, text] of (client[key] ?? []).entries()) {
      const path = ['client', key, i];
      if (i === 0 && text === '') problems.push({ path, message: 'this has to be a program' });
      if (text.includes('\0')) problems.push({ path, message: 'there is a zero byte in this argument' });
      for (const [, name] of text.matchAll(/\{([A-Za-z]+)\}/g)) {
        const known = PLACEHOLDERS.filter((one) => one !== 'url' || key === 'fetch');
        if (known.includes(name as never)) continue;
        problems.push({
          path,
          message: `nothing is filled in for {${name}}`,
          expected: listed(known),
          ...meant(name!, known),
        });
      }
    }
  }
  const fetches = traffic !== undefined || timeline.some((step) => step.fetch !== undefined);
  const viaSocks = client.command.some((text) => text.includes('{socksPort}'));
  if (fetches && client.fetch === undefined && !viaSocks) {
    problems.push({
      path: ['client'],
      message: 'it is not said how pages are fetched through the tunnel of this program',
      hint: 'Have it serve SOCKS at {socksPort}, as ocproxy does, or name a program in client.fetch.',
    });
  }
  return problems;
}

function pageProblems(url: string, clock: string, path: Path): Problem[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' && parsed.username === '' && parsed.password === '') return [];
  const expected = 'a URL such as http://intranet.contoso.internal/whoami';
  if (parsed?.protocol === 'https:' && clock === 'virtual') {
    return [{ path, message: 'in virtual time, pages are fetched by http', expected }];
  }
  if (parsed?.protocol === 'https:') return [];
  return [{ path, message: `"${url.slice(0, 60)}" is no page that can be fetched`, expected }];
}

/** Rules by the step that adds them, in the order of the timeline. */
function rulesOf({ timeline }: Scenario): Map<string, number> {
  const rules = new Map<string, number>();
  for (const [i, { fault, profile }] of timeline.entries()) {
    if (fault && !rules.has(fault.name)) rules.set(fault.name, i);
    if (profile) for (const { name } of profileRules(profile)) if (!rules.has(name)) rules.set(name, i);
  }
  return rules;
}

function timelineProblems(scenario: Scenario): Problem[] {
  const { timeline, clock = 'virtual' } = scenario;
  const problems: Problem[] = [];
  const rules = rulesOf(scenario);
  const inForce = new Set<string>();
  let before = 0;
  let end: number | undefined;
  for (const [i, step] of timeline.entries()) {
    const path = ['timeline', i];
    const actions = own(step, STEP_ACTIONS);
    const at = parseDuration(step.at);
    if (end !== undefined) {
      problems.push({
        path,
        message: `the scenario is over at ${durationText(end)}, so this step never happens`,
        hint: 'A step without an action is the end: put it last.',
      });
      continue;
    }
    if (at < before) {
      problems.push({
        path: [...path, 'at'],
        message: `${step.at} is before the step above, which is at ${durationText(before)}`,
        hint: 'Write the steps in the order of their times.',
      });
    }
    before = Math.max(before, at);
    if (actions.length > 1) {
      problems.push({
        path: [...path, actions[1]!],
        atKey: true,
        message: `a step does one thing, and this one has ${listed(actions).replace(' or ', ' and ')}`,
        hint: 'Write two steps at the same time.',
      });
    }
    problems.push(...stepProblems(scenario, step, path, { rules, inForce }));
    if (actions.length === 0) end = at;
  }
  if (end === undefined) {
    problems.push({
      path: ['timeline'],
      message: 'the timeline has no end',
      expected: 'a last step with a time alone, such as { at: 90s }',
    });
    return problems;
  }
  const last = ['timeline', timeline.length - 1, 'at'];
  const most = clock === 'real' ? MAX_REAL_MS : MAX_VIRTUAL_MS;
  if (end === 0) problems.push({ path: last, message: 'the scenario ends as it begins', expected: 'a later time' });
  if (end > most) {
    problems.push({
      path: last,
      message: `${durationText(end)} is too long with clock: ${clock}`,
      expected: `${durationText(most)} at most`,
    });
  }
  return problems;
}

function stepProblems(
  { clock = 'virtual', clients = 1, client: kind = 'bundled' }: Scenario,
  step: ScenarioStep,
  path: Path,
  { rules, inForce }: { readonly rules: ReadonlyMap<string, number>; readonly inForce: Set<string> },
): Problem[] {
  const problems: Problem[] = [];
  const { fault, clear, client, advance, fetch } = step;
  if (fault) {
    problems.push(...faultProblems(fault, [...path, 'fault']));
    if (rules.get(fault.name) !== path[1]) {
      problems.push({
        path: [...path, 'fault', 'name'],
        message: `there is a rule ${fault.name} already, in an earlier step`,
        hint: 'Choose another name, so that each is counted by itself.',
      });
    }
    inForce.add(fault.name);
  }
  if (step.profile) for (const { name } of profileRules(step.profile)) inForce.add(name);
  if (clear !== undefined && !inForce.delete(clear)) {
    const known = [...rules.keys()];
    const message = rules.has(clear)
      ? `the rule ${clear} is not in force at this time`
      : `there is no rule ${JSON.stringify(clear)} to remove`;
    problems.push({
      path: [...path, 'clear'],
      message,
      ...(rules.has(clear) ? {} : meant(clear, known)),
      ...(known.length > 0 ? { expected: listed(known) } : {}),
    });
  }
  if (step.cookies !== undefined && step.gateway !== 'restart' && step.gateway !== 'stop') {
    problems.push({
      path: [...path, 'cookies'],
      atKey: true,
      message: 'cookies are a matter of gateway: restart and gateway: stop',
    });
  }
  if (step.of !== undefined) {
    if (client === undefined && fetch === undefined) {
      problems.push({
        path: [...path, 'of'],
        atKey: true,
        message: 'only a step with client or fetch is about one client',
      });
    } else if (step.of >= clients) {
      problems.push({
        path: [...path, 'of'],
        message: `there is no client ${step.of}`,
        expected: `0 to ${clients - 1}`,
      });
    }
  }
  if (client !== undefined) {
    const can = clientActions(clock, kind);
    if (!can.includes(client)) {
      problems.push({
        path: [...path, 'client'],
        message: `a client ${clock === 'real' ? `on the real clock${kind === 'bundled' ? '' : ' that is a program'}` : ''} cannot be told to ${client}`,
        expected: listed(can),
        hint: 'Use a fault rule to cut lines on the real clock.',
      });
    }
  }
  if (fetch !== undefined) problems.push(...pageProblems(fetch, clock, [...path, 'fetch']));
  if (advance !== undefined && clock === 'virtual') {
    problems.push({
      path: [...path, 'advance'],
      atKey: true,
      message: 'virtual time passes by itself',
      hint: 'Move the steps that follow to later times, or set clock: real.',
    });
  }
  return problems;
}

const PROGRAM_ACTIONS: readonly string[] = ['connect', 'disconnect', 'forget-token'];
const REAL_ACTIONS: readonly string[] = ['connect', 'disconnect', 'rekey', 'roam', 'forget-token'];
const VIRTUAL_ACTIONS: readonly string[] = [...REAL_ACTIONS, 'rebind', 'cut', 'restore', 'cut-udp', 'restore-udp'];

function clientActions(clock: 'virtual' | 'real', kind: Scenario['client']): readonly string[] {
  if (clock === 'virtual') return VIRTUAL_ACTIONS;
  return kind === 'bundled' ? REAL_ACTIONS : PROGRAM_ACTIONS;
}

function expectProblems(scenario: Scenario): Problem[] {
  const problems: Problem[] = [];
  const { timeline } = scenario;
  const last = timeline.at(-1);
  const end = last && actionOf(last) === undefined ? parseDuration(last.at) : Infinity;
  const rules = [...rulesOf(scenario).keys()];
  for (const [i, expectation] of scenario.expect.entries()) {
    problems.push(...expectationProblems(scenario, expectation, ['expect', i], { end, rules }));
  }
  return problems;
}

function expectationProblems(
  { client = 'bundled', traffic, timeline }: Scenario,
  expectation: Expectation,
  path: Path,
  { end, rules }: { readonly end: number; readonly rules: readonly string[] },
): Problem[] {
  const problems: Problem[] = [];
  const subjects = own(expectation, SUBJECTS);
  const [subject] = subjects;
  if (subject === undefined) {
    problems.push({ path, message: 'it is not said what is expected', expected: `one of ${listed(SUBJECTS)}` });
    return problems;
  }
  if (subjects.length > 1) {
    problems.push({
      path: [...path, subjects[1]!],
      atKey: true,
      message: `an expectation is about one thing, and this one has ${listed(subjects).replace(' or ', ' and ')}`,
      hint: 'Write two.',
    });
  }
  for (const [key, having] of Object.entries(QUALIFIERS)) {
    if (!Object.hasOwn(expectation, key) || having.includes(subject)) continue;
    problems.push({
      path: [...path, key],
      atKey: true,
      message: `${key} says nothing about ${subject}`,
      hint: `It goes with ${listed(having)}.`,
    });
  }
  const name = expectation.event ?? expectation.never;
  if (name !== undefined && namesOf({ name })!.length === 0) {
    const all = Object.keys(EVENTS);
    const areas = new Set(all.map((one) => `${one.slice(0, one.indexOf('.'))}.*`));
    problems.push({
      path: [...path, subject],
      message: `there is no event "${name.slice(0, 60)}"`,
      hint: 'docs/events.md lists them.',
      ...meant(name, [...all, ...areas]),
    });
  }
  problems.push(...fieldProblems(expectation, path));
  const { rule, between, pages } = expectation;
  if (rule !== undefined && !rules.includes(rule)) {
    const note =
      rules.length === 0 ? { hint: 'No step adds one.' } : { expected: listed(rules), ...meant(rule, rules) };
    problems.push({ path: [...path, 'rule'], message: `no step adds a fault rule "${rule.slice(0, 60)}"`, ...note });
  }
  if (pages !== undefined && traffic === undefined && !timeline.some((step) => step.fetch !== undefined)) {
    problems.push({
      path: [...path, 'pages'],
      message: 'nobody fetches a page',
      hint: 'Add traffic, or a step with fetch.',
    });
  }
  if (pages !== undefined && Object.keys(pages).length === 0) {
    problems.push({
      path: [...path, 'pages'],
      message: 'it is not said how many',
      expected: 'fetched, failed or longest',
    });
  }
  if (expectation.exit !== undefined && client === 'bundled') {
    problems.push({
      path: [...path, 'exit'],
      atKey: true,
      message: 'the bundled client is no program, and has no exit status',
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
      message: 'nothing is asked of this field, so it tells nothing',
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
        message: `the scenario is over at ${durationText(end)}, so nothing happens from ${between[0]} on`,
      });
    else if (to > end)
      problems.push({ path: [...at, 1], message: `${between[1]} is after the end, which is at ${durationText(end)}` });
  }
  return problems;
}

function countProblems(count: ExpectedCount | undefined, path: Path): Problem[] {
  if (typeof count !== 'object') return [];
  if (Object.keys(count).length === 0)
    return [{ path, message: 'it is not said how many', expected: 'atLeast, atMost or both' }];
  if ((count.atLeast ?? 0) > (count.atMost ?? Infinity)) return [{ path, message: 'atLeast is above atMost' }];
  return [];
}
