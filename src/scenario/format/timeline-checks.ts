import { faultProblems } from '../../config/fault-checks.ts';
import { profileRules } from '../../config/fault-profiles.ts';
import { durationText, parseDuration } from '../../lib/duration.ts';
import type { Path, Problem } from '../../lib/schema/index.ts';
import { pageProblems } from './page-checks.ts';
import type { Shape } from './shape.ts';
import type { Scenario, ScenarioStep } from './types.ts';
import { listed, meant, own } from './words.ts';

/** Longest duration of a scenario: virtual and real, in milliseconds. Our choice. */
export const MAX_VIRTUAL_MS = 31 * 86_400_000;
export const MAX_REAL_MS = 3_600_000;

/** Actions of a step; each step has one. */
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
/** The action of a step; undefined at the end. */
export const actionOf = (step: ScenarioStep): StepAction | undefined =>
  STEP_ACTIONS.find((name) => Object.hasOwn(step, name) && step[name] !== undefined);

/** Rules by the step that adds them, in the order of the timeline. */
export function rulesOf({ timeline }: Scenario, shape: Shape): Map<string, number> {
  const rules = new Map<string, number>();
  for (const [i, step] of timeline.entries()) {
    if (!shape.soundEntry('timeline', i)) continue;
    const { fault, profile } = step;
    if (fault && !rules.has(fault.name)) rules.set(fault.name, i);
    if (profile) for (const { name } of profileRules(profile)) if (!rules.has(name)) rules.set(name, i);
  }
  return rules;
}

/** When the scenario ends: at a last step without an action. Undefined if it cannot be determined. */
export function endOf({ timeline }: Scenario, shape: Shape): number | undefined {
  const last = timeline.at(-1);
  if (last === undefined || !shape.soundEntry('timeline', timeline.length - 1)) return undefined;
  return actionOf(last) === undefined ? parseDuration(last.at) : undefined;
}

/** Rules in force as the timeline progresses. */
class InForce {
  readonly #rules = new Set<string>();
  #ofProfile: readonly string[] = [];
  /** The set of rules is unknown: a step cannot be parsed. */
  unknown = false;

  add(name: string): void {
    this.#rules.add(name);
  }

  /** A profile replaces the previous one. */
  use(profile: ScenarioStep['profile']): void {
    for (const name of this.#ofProfile) this.#rules.delete(name);
    this.#ofProfile = profile ? profileRules(profile).map(({ name }) => name) : [];
    for (const name of this.#ofProfile) this.#rules.add(name);
  }

  /** False: it was not in force. */
  clear(name: string): boolean {
    return this.#rules.delete(name) || this.unknown;
  }
}

/** Steps that cannot be carried out. */
export function timelineProblems(scenario: Scenario, shape: Shape): Problem[] {
  const { timeline, clock = 'virtual' } = scenario;
  const problems: Problem[] = [];
  const rules = rulesOf(scenario, shape);
  const inForce = new InForce();
  let before = 0;
  let end: number | undefined;
  for (const [i, step] of timeline.entries()) {
    const path = ['timeline', i];
    if (!shape.soundEntry('timeline', i)) {
      inForce.unknown = true;
      continue;
    }
    const actions = own(step, STEP_ACTIONS);
    const at = parseDuration(step.at);
    if (end !== undefined) {
      problems.push({
        path,
        message: `the scenario ends at ${durationText(end)}, so this step never happens`,
        hint: 'A step without an action is the end of the scenario: put it last.',
      });
      continue;
    }
    if (at < before) {
      problems.push({
        path: [...path, 'at'],
        message: `${step.at} is before the step above, which is at ${durationText(before)}`,
        hint: 'Sort the steps by time.',
      });
    }
    before = Math.max(before, at);
    if (actions.length > 1) {
      problems.push({
        path: [...path, actions[1]!],
        atKey: true,
        message: `a step has one action, but this one has ${listed(actions).replace(' or ', ' and ')}`,
        hint: 'Write two steps at the same time.',
      });
    }
    problems.push(...stepProblems(scenario, step, path, { rules, inForce }));
    if (actions.length === 0) end = at;
  }
  if (end === undefined) {
    if (!shape.whole('timeline')) return problems;
    problems.push({
      path: ['timeline'],
      message: 'the timeline has no end',
      expected: 'a last step with a time alone, such as { at: 90s }',
    });
    return problems;
  }
  const last = ['timeline', timeline.length - 1, 'at'];
  const most = clock === 'real' ? MAX_REAL_MS : MAX_VIRTUAL_MS;
  if (end === 0) problems.push({ path: last, message: 'the scenario has no duration', expected: 'a later time' });
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
  { rules, inForce }: { readonly rules: ReadonlyMap<string, number>; readonly inForce: InForce },
): Problem[] {
  const problems: Problem[] = [];
  const { fault, clear, client, advance, fetch } = step;
  if (fault) {
    problems.push(...faultProblems(fault, [...path, 'fault']));
    if (rules.get(fault.name) !== path[1]) {
      problems.push({
        path: [...path, 'fault', 'name'],
        message: `an earlier step already has a rule ${fault.name}`,
        hint: 'Choose another name, so that each is counted separately.',
      });
    }
    inForce.add(fault.name);
  }
  if (step.profile !== undefined) inForce.use(step.profile);
  if (clear !== undefined && !inForce.clear(clear)) {
    const known = [...rules.keys()];
    const message = rules.has(clear)
      ? `the rule ${clear} is not active at this time`
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
      message: 'cookies applies only to gateway: restart and gateway: stop',
    });
  }
  if (step.of !== undefined) {
    if (client === undefined && fetch === undefined) {
      problems.push({
        path: [...path, 'of'],
        atKey: true,
        message: 'only a step with client or fetch can select a client',
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
        message: `a client ${clock === 'real' ? `on the real clock${kind === 'bundled' ? '' : ' that is a program'}` : ''} does not support ${client}`,
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
      message: 'virtual time passes automatically',
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
