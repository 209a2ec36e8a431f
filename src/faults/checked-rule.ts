import { faultProblems } from '../config/fault-checks.ts';
import { type FaultRule, FaultRuleSchema } from '../config/fault-schema.ts';
import { TunneliteError } from '../lib/errors.ts';
import { check, pathText } from '../lib/schema/index.ts';
import type { FaultRuleInput } from './types.ts';

/**
 * Validates a rule and separates the parts that only a program can supply.
 * @throws TunneliteError `ERR_FAULT_RULE`, listing everything that is wrong
 */
export function checked(input: FaultRuleInput): {
  readonly rule: FaultRule;
  readonly where: FaultRuleInput['on']['where'];
} {
  const given: unknown = (input as FaultRuleInput | null)?.on;
  const { where, ...on } = (typeof given === 'object' && given !== null ? given : {}) as FaultRuleInput['on'];
  if (where !== undefined && typeof where !== 'function') {
    throw new TunneliteError(
      'ERR_FAULT_RULE',
      'rule on.where: it must be a function, which only a program can provide.',
    );
  }
  const plain = typeof given === 'object' && given !== null ? { ...input, on } : input;
  const rule = check<FaultRule>(FaultRuleSchema, plain, { what: 'rule', code: 'ERR_FAULT_RULE' });
  const problems = faultProblems(rule);
  if (problems.length === 0) return { rule, where };
  const sentences = problems.map(({ path, message, expected, hint }) => {
    const more = hint === undefined ? (expected === undefined ? '' : `, expected: ${expected}`) : `. ${hint}`;
    return `rule ${pathText(path)}: ${message}${more}`;
  });
  const text = sentences.join('; ');
  throw new TunneliteError('ERR_FAULT_RULE', /[.?]$/.test(text) ? text : `${text}.`, { details: { problems } });
}

/** A string that is equal for equal rules, regardless of the order of their members. */
export function keyOf(rule: FaultRule): string {
  return JSON.stringify(rule, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}
