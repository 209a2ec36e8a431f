import { canonicalEndpoint } from '../lib/endpoint.ts';
import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';

/** A value that a field of an event can be compared with. */
export type FieldValue = string | number | boolean | null | undefined;

/** Comparisons of one field. All given comparisons must hold. */
export interface FieldTest {
  readonly equals?: FieldValue;
  readonly not?: FieldValue;
  /** The field, as a string, contains this; case-insensitive. */
  readonly contains?: string;
  readonly above?: number;
  readonly atLeast?: number;
  readonly below?: number;
  readonly atMost?: number;
}

/** Condition of one field: a value, or comparisons. */
export type FieldCondition = FieldValue | FieldTest;

const isTest = (condition: FieldCondition): condition is FieldTest =>
  typeof condition === 'object' && condition !== null;

/** True when a field's value meets a condition. A missing field equals both `null` and `undefined`. */
export function meets(value: unknown, condition: FieldCondition): boolean {
  if (!isTest(condition)) return same(value, condition);
  if ('equals' in condition && !same(value, condition.equals)) return false;
  if ('not' in condition && same(value, condition.not)) return false;
  const { contains, above, atLeast, below, atMost } = condition;
  if (contains !== undefined && !textOf(value).toLowerCase().includes(contains.toLowerCase())) return false;
  if (above === undefined && atLeast === undefined && below === undefined && atMost === undefined) return true;
  if (typeof value !== 'number') return false;
  return (
    (above === undefined || value > above) &&
    (atLeast === undefined || value >= atLeast) &&
    (below === undefined || value < below) &&
    (atMost === undefined || value <= atMost)
  );
}

function same(value: unknown, wanted: FieldValue): boolean {
  if (value === wanted) return true;
  if (typeof value === 'string' && typeof wanted === 'string') return sameAddress(value, wanted);
  return (value ?? undefined) === undefined && (wanted ?? undefined) === undefined;
}

/** Compares addresses, since IPv6 addresses have many spellings and events use one of them. */
function sameAddress(value: string, wanted: string): boolean {
  return value.includes(':') && wanted.includes(':') && canonicalEndpoint(value) === canonicalEndpoint(wanted);
}

const textOf = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

/** A condition in readable form: `reason=expired`, `milliseconds>100`. */
export function conditionText(field: string, condition: FieldCondition): string {
  return parts(condition)
    .map(([sign, value]) => `${field}${sign}${shown(value)}`)
    .join(' ');
}

/** The text forms of a condition, one for each comparison, which {@link parseConditions} reads back. */
export function conditionTexts(field: string, condition: FieldCondition): string[] {
  return parts(condition).map(
    ([sign, value]) => `${field}${sign}${typeof value === 'string' ? `"${value}"` : (value ?? 'null')}`,
  );
}

function parts(condition: FieldCondition): (readonly [sign: string, value: FieldValue])[] {
  if (!isTest(condition)) return [['=', condition]];
  return Object.entries(OPERATORS).flatMap(([sign, name]) =>
    name in condition ? [[sign, condition[name]] as const] : [],
  );
}

/** A field's value in readable form: strings without quotes where that is unambiguous. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value !== 'string') return String(value);
  return /^[\w.:@/+-]+$/.test(value) && fromText(value) === value ? value : `"${printable(value)}"`;
}

const OPERATORS = {
  '!=': 'not',
  '>=': 'atLeast',
  '<=': 'atMost',
  '=': 'equals',
  '>': 'above',
  '<': 'below',
  '~': 'contains',
} as const satisfies Record<string, keyof FieldTest>;

const CONDITION = /^([A-Za-z]\w*)(!=|>=|<=|=|>|<|~)(.*)$/s;

/** Bytes of one condition in text form. */
const MAX_CONDITION = 1024;

/**
 * Reads conditions in their text form, one each: `session=k3`, `reason!=expired`, `milliseconds>100`, `explanation~audience`.
 * Numbers, `true`, `false` and `null` are values of their type; in double quotes they are strings. Two conditions on one field must both hold.
 * @throws TunneliteError `ERR_JOURNAL_QUERY`
 */
export function parseConditions(texts: readonly string[]): Record<string, FieldTest> {
  const tests = Object.create(null) as Record<string, FieldTest>;
  for (const text of texts) {
    const match = text.length <= MAX_CONDITION ? CONDITION.exec(text) : null;
    if (!match) {
      throw new TunneliteError(
        'ERR_JOURNAL_QUERY',
        `“${printable(text.slice(0, 80))}” is not a condition: write a field, one of ${Object.keys(OPERATORS).join(' ')}, and a value.`,
        { hint: 'Write for example session=k3, reason!=expired, milliseconds>100 or explanation~audience.' },
      );
    }
    const [, field = '', sign = '', rest = ''] = match;
    tests[field] = { ...tests[field], [OPERATORS[sign as keyof typeof OPERATORS]]: operand(field, sign, rest) };
  }
  return tests;
}

function operand(field: string, sign: string, text: string): FieldValue {
  if (sign === '~') return unquoted(text) ?? text;
  const value = fromText(text);
  if ((sign.startsWith('<') || sign.startsWith('>')) && typeof value !== 'number') {
    throw new TunneliteError(
      'ERR_JOURNAL_QUERY',
      `“${field}${sign}” needs a number, not “${printable(text.slice(0, 80))}”.`,
    );
  }
  return value;
}

/** The value of a text: a number, boolean or null if it is JSON for one, otherwise the string itself. */
function fromText(text: string): FieldValue {
  const inside = unquoted(text);
  if (inside !== undefined) return inside;
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === 'null') return null;
  return /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function unquoted(text: string): string | undefined {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : undefined;
}
