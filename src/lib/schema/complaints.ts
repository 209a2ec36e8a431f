import type { ErrorObject } from 'ajv';
import { plainText } from '../printable.ts';
import { FORMATS } from './formats.ts';
import { wholeOf } from './narrow.ts';
import { type Path, type Placed, pathOfPointer } from './path.ts';
import { suggest } from './suggest.ts';
import type { Node } from './type.ts';
import { describe, show } from './words.ts';

/** One error, in words. */
export interface Problem extends Placed {
  readonly message: string;
  readonly expected?: string;
  /** The key or word that was probably intended, or another solution. */
  readonly hint?: string;
  /** The key itself is invalid, rather than its value. */
  readonly atKey?: boolean;
}

/** The parts of a sentence: the value, its schema, and the error of Ajv. */
interface Found {
  readonly node: Node;
  readonly value: unknown;
  readonly path: Path;
  readonly params: Readonly<Record<string, unknown>>;
}

type Complaint = (found: Found) => Omit<Problem, 'path'> & { readonly path?: Path };

const impossible: Complaint = ({ node, value }) => ({
  message: `${show(value)} is not valid here`,
  expected: describe(node),
});

/** For a value that is not in a set of words or numbers: names the set, and its closest member. */
const notInSet: Complaint = ({ node, value }) => {
  const words = (node.anyOf ?? [node]).flatMap(({ enum: set, const: one }) => set ?? [one]);
  const alike = words.filter((word) => typeof word === typeof value && String(word).length > 1);
  const meant = suggest(plainText(value), alike.map(String));
  const shown = typeof value === 'string' ? `"${meant}"` : meant;
  return {
    message: node.noun === undefined ? `${show(value)} is not valid here` : `there is no ${node.noun} ${show(value)}`,
    expected: describe(node),
    ...(meant === undefined ? {} : { hint: `Did you mean ${shown}?` }),
  };
};

const outOfRange: Complaint = ({ node, value }) => ({
  message: `${String(value)} is out of range`,
  expected: describe(node),
});

/** The sentence for each keyword of JSON Schema that is not satisfied. A schema may use only these keywords. */
export const COMPLAINTS = {
  type: impossible,
  const: notInSet,
  enum: notInSet,
  anyOf: notInSet,
  format: impossible,
  minimum: outOfRange,
  maximum: outOfRange,
  minLength: ({ node, value }) => ({
    message: value === '' ? 'the string is empty' : 'the string is too short',
    expected: node.minLength === 1 ? describe(node) : `at least ${node.minLength} characters`,
  }),
  maxLength: ({ node }) => ({ message: 'the string is too long', expected: `at most ${node.maxLength} characters` }),
  minItems: ({ node }) => ({ message: 'the list has too few entries', expected: describe(node) }),
  maxItems: ({ node, value }) => ({
    message: `the list has ${(value as unknown[]).length} entries`,
    expected: `at most ${node.maxItems}`,
  }),
  required: ({ node, params }) => {
    const missing = params.missingProperty as string;
    return { missing, message: `"${missing}" is missing`, expected: describe(node.properties![missing]!) };
  },
  additionalProperties: ({ node, path, params }) => unknownKey(node, path, params.additionalProperty as string),
} satisfies Readonly<Record<string, Complaint>>;

type Complained = keyof typeof COMPLAINTS;

/** Whether a keyword has its own sentence. */
export function isComplained(keyword: string): keyword is Complained {
  return Object.hasOwn(COMPLAINTS, keyword);
}

/** Converts an error of Ajv (with `verbose`) to a readable sentence. */
export function complaintOf(error: ErrorObject, top: unknown): Problem {
  const path = pathOfPointer(error.instancePath, top);
  const complaint: Complaint = COMPLAINTS[error.keyword as Complained];
  return {
    path,
    ...complaint({ node: wholeOf(error.parentSchema as Node), value: error.data, path, params: error.params }),
  };
}

/** A key that the object does not have. */
export function unknownKey(node: Node, path: Path, key: string): Problem {
  const known = Object.keys(node.properties ?? {});
  const meant = suggest(key, known);
  return {
    path: [...path, key],
    atKey: true,
    message: `${show(key)} is not a ${node.noun ?? 'key here'}`,
    ...(known.length > 0 ? { expected: `one of ${known.join(', ')}` } : {}),
    ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
  };
}

/** A single-line string has no control characters, whatever the schema. */
export function controlCharacters(node: Node, path: Path, text: string): Problem | undefined {
  if ((node.format !== undefined && FORMATS[node.format]?.lines) || !/\p{Cc}/u.test(text)) return undefined;
  return { path: [...path], message: 'the string contains control characters', expected: 'a single line' };
}
