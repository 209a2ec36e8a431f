import { Type } from '../lib/schema/index.ts';

/* Members of fault rules that only some seams have. */

/** Garbage in place of keys and metadata. */
export const GARBAGE = ['text', 'empty', 'foreign'] as const;
export type Garbage = (typeof GARBAGE)[number];

/** TCP flags (RFC 9293 §3.1) that a rule can match, by their bit. */
export const TCP_FLAGS: Readonly<Record<string, number>> = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 };
/** Conditions of a rule on those flags. */
export const FLAG_WORDS = Object.keys(TCP_FLAGS).flatMap((flag) => [flag, `!${flag}`]);

const Flag = Type.String({ minLength: 1, maxLength: 4 });
export const FlagsMember = Type.Optional(
  Type.Union([Flag, Type.Array(Flag, { minItems: 1, maxItems: FLAG_WORDS.length })], {
    description: 'TCP flags that are set or, with `!`, not set, such as `syn`; all must match.',
  }),
);

/** Maximum nesting depth of claims to match, and maximum number of values. */
const MAX_CLAIM_DEPTH = 5;
const MAX_CLAIM_VALUES = 100;

export const ClaimsMember = Type.Optional(
  Type.Record(Type.String(), Type.Unknown(), {
    description:
      'Claims of the token: each one listed must be present. A list must contain the value, where `scp` is a list of words; of an object, the listed members are compared.',
  }),
);

/** Describes the problem with claims to match; undefined = none. */
export function claimsProblem(claims: unknown): string | undefined {
  let values = 0;
  const problemOf = (wanted: unknown, depth: number): string | undefined => {
    if (++values > MAX_CLAIM_VALUES) return `there are more than ${MAX_CLAIM_VALUES} values`;
    if (wanted === null || ['string', 'number', 'boolean'].includes(typeof wanted)) return undefined;
    if (typeof wanted !== 'object') return `a ${typeof wanted} is not a value of a claim`;
    if (depth > MAX_CLAIM_DEPTH) return `claims are nested deeper than ${MAX_CLAIM_DEPTH}`;
    const members = Object.values(wanted);
    if (members.length === 0) return 'a claim has no condition';
    for (const member of members) {
      const problem = problemOf(member, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return problemOf(claims, 0);
}
