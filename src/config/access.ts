import { TunneliteError } from '../lib/errors.ts';
import { check } from '../lib/schema/index.ts';
import { checkAccess } from './access-checks.ts';
import { AccessRuleSchema, AccessSchema, MAX_ACCESS_RULES } from './access-schema.ts';
import type { Contradiction } from './contradiction.ts';
import type { Config, ConfigInput } from './schema.ts';

/** `resources.access` with all its members. */
export type AccessSetting = Config['resources']['access'];

/** `resources.access`, as written by a user. */
export type AccessInput = NonNullable<NonNullable<ConfigInput['resources']>['access']>;

/** One rule of it. */
export type AccessRuleInput = NonNullable<AccessInput['rules']>[number];

/**
 * Validates access rules as if they were in a configuration.
 * @throws TunneliteError `ERR_ACCESS_RULE`
 */
export function checkAccessSettings(input: AccessInput): AccessSetting {
  const settings = check<AccessSetting>(AccessSchema, input, { what: 'access', code: 'ERR_ACCESS_RULE' });
  refuseContradictions(settings.rules);
  return settings;
}

/**
 * Validates a rule to be inserted before others.
 * @throws TunneliteError `ERR_ACCESS_RULE`
 */
export function checkAccessRule(
  input: AccessRuleInput,
  others: AccessSetting['rules'],
): AccessSetting['rules'][number] {
  const rule = check<AccessSetting['rules'][number]>(AccessRuleSchema, input, {
    what: 'rule',
    code: 'ERR_ACCESS_RULE',
  });
  if (others.length >= MAX_ACCESS_RULES) {
    throw new TunneliteError('ERR_ACCESS_RULE', `The limit of ${MAX_ACCESS_RULES} access rules is reached.`, {
      hint: 'Remove some, or combine users and destinations in one rule.',
    });
  }
  refuseContradictions([rule, ...others]);
  return rule;
}

function refuseContradictions(rules: AccessSetting['rules']): void {
  const problems: Contradiction[] = [];
  checkAccess({ rules }, problems, []);
  const [first] = problems;
  if (first === undefined) return;
  const { message, hint } = first;
  throw new TunneliteError(
    'ERR_ACCESS_RULE',
    `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
    hint === undefined ? {} : { hint },
  );
}
