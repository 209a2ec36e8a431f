import { crossCheck } from '../../config/cross-checks.ts';
import { type ConfigInput, IN_PROCESS_DEFAULTS } from '../../config/index.ts';
import { merge } from '../../config/layers.ts';
import { type Config, ConfigSchema } from '../../config/schema.ts';
import { parseDuration } from '../../lib/duration.ts';
import { type Problem, withDefaults } from '../../lib/schema/index.ts';
import { expectProblems } from './expect-checks.ts';
import { pageProblems } from './page-checks.ts';
import type { Shape } from './shape.ts';
import { timelineProblems } from './timeline-checks.ts';
import type { Scenario } from './types.ts';
import { listed, meant } from './words.ts';

/**
 * Members of a scenario that contradict each other, in words and with the member's location.
 * @param shape the schema's errors: what depends on an invalid member is not checked
 */
export function scenarioProblems(scenario: Scenario, shape: Shape): Problem[] {
  const known = shape.sound('clock', 'client', 'clients');
  return [
    ...(shape.sound('gateway', 'identity', 'services', 'resources', 'seed') ? sectionProblems(scenario) : []),
    ...(known ? clientProblems(scenario, shape) : []),
    ...(known && shape.sound('timeline') ? timelineProblems(scenario, shape) : []),
    ...(shape.sound('client', 'timeline', 'expect') ? expectProblems(scenario, shape) : []),
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
      { path: ['identity', 'directory'], message: 'a scenario must contain its directory, not refer to another file' },
    ];
  }
  if (typeof identity?.authority === 'string') {
    return [
      { path: ['identity', 'authority'], message: 'a scenario requires the built-in Entra ID', hint: 'Remove this.' },
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

function clientProblems(scenario: Scenario, shape: Shape): Problem[] {
  const { clock = 'virtual', client = 'bundled', clients = 1 } = scenario;
  const token = shape.sound('token') ? scenario.token : undefined;
  const traffic = shape.sound('traffic') ? scenario.traffic : undefined;
  const problems: Problem[] = [];
  if (clock === 'virtual' && client !== 'bundled') {
    problems.push({
      path: ['client'],
      message: 'another program runs in real time, and cannot use virtual time',
      hint: 'Set clock: real, or client: bundled.',
    });
  }
  if (clock === 'real') {
    for (const key of ['link', 'nat'] as const) {
      if (scenario[key] === undefined) continue;
      problems.push({
        path: [key],
        atKey: true,
        message: `with clock: real, clients use the ${key} of this machine`,
        hint: 'Use a fault rule or a profile, or set clock: virtual.',
      });
    }
  }
  if (client !== 'bundled' && clients > 20) {
    problems.push({ path: ['clients'], message: `${clients} programs at a time are too many`, expected: '20 at most' });
  }
  if (typeof client === 'object') problems.push(...commandProblems(scenario, shape));
  if (token?.from === 'sign-in') {
    for (const key of ['lifetime', 'wrong', 'claims'] as const) {
      if (token[key] === undefined) continue;
      problems.push({
        path: ['token', key],
        atKey: true,
        message: `a sign-in cannot set the ${key} of a token`,
        hint: key === 'lifetime' ? 'Set identity.lifetimes.accessToken, or from: mint.' : 'Set from: mint.',
      });
    }
  }
  if (token?.lifetime !== undefined && parseDuration(token.lifetime) < 1000) {
    problems.push({
      path: ['token', 'lifetime'],
      message: 'lifetimes of tokens are whole seconds',
      expected: '1s or more',
    });
  }
  if (traffic) {
    problems.push(...pageProblems(traffic.fetch, clock, ['traffic', 'fetch']));
    if (parseDuration(traffic.every) < 10) {
      problems.push({ path: ['traffic', 'every'], message: 'this is too often', expected: '10ms or more' });
    }
    if (traffic.timeout !== undefined && parseDuration(traffic.timeout) < 1) {
      problems.push({
        path: ['traffic', 'timeout'],
        message: 'no page can arrive in zero time',
        expected: '1ms or more',
      });
    }
  }
  return problems;
}

/** The placeholders in braces that a command may contain. */
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

function commandProblems({ client, traffic, timeline }: Scenario, shape: Shape): Problem[] {
  if (typeof client !== 'object') return [];
  const problems: Problem[] = [];
  for (const key of ['command', 'fetch'] as const) {
    for (const [i, text] of (client[key] ?? []).entries()) {
      const path = ['client', key, i];
      if (i === 0 && text === '') problems.push({ path, message: 'this must be a program' });
      if (text.includes('\0')) problems.push({ path, message: 'there is a zero byte in this argument' });
      for (const [, name] of text.matchAll(/\{([A-Za-z]+)\}/g)) {
        const known = PLACEHOLDERS.filter((one) => one !== 'url' || key === 'fetch');
        if (known.includes(name as never)) continue;
        problems.push({
          path,
          message: `the placeholder {${name}} is unknown`,
          expected: listed(known),
          ...meant(name!, known),
        });
      }
    }
  }
  const fetches =
    traffic !== undefined || (shape.whole('timeline') && timeline.some(({ fetch }) => fetch !== undefined));
  const viaSocks = client.command.some((text) => text.includes('{socksPort}'));
  if (fetches && client.fetch === undefined && !viaSocks) {
    problems.push({
      path: ['client'],
      message: 'it is not defined how to fetch pages through the tunnel of this program',
      hint: 'Let it serve SOCKS at {socksPort}, like ocproxy, or set a program in client.fetch.',
    });
  }
  return problems;
}
