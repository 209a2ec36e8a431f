import { canonicalEndpoint } from '../lib/endpoint.ts';
import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';

/** A value that a field of an event can be compared with. */
export type FieldValue = string | number | boolean | null | undefined;

/** Comparisons of one field. All that are given must hold. */
export interface FieldTest {
  readonly equals?: FieldValue;
  readonly not?: FieldValue;
  /** The field, as text, contains this; letter case does not count. */
  readonly contains?: string;
  readonly above?: number;
  readonly atLeast?: number;
  readonly below?: number;
  readonly atMost?: number;
}

/** What one field has to be: a value, or comparisons. */
export type FieldCondition = FieldValue | FieldTest;

const isTest = (condition: FieldCondition): condition is FieldTest =>
  typeof condition === 'object' && condition !== null;

/** True when a field's value meets a condition. A missing field equals `null` and `undefined` alike. */
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

/** IPv6 addresses have many spellings; an event has one of them. */
function sameAddress(value: string, wanted: string): boolean {
  return value.includes(':') && wanted.includes(':') && canonicalEndpoint(value) === canonicalEndpoint(wanted);
}

const textOf = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

/** A condition as people write it: `reason=expired`, `milliseconds>100`. */
export function conditionText(field: string, condition: FieldCondition): string {
  return parts(condition)
    .map(([sign, value]) => `${field}${sign}${shown(value)}`)
    .join(' ');
}

/** A condition in text forms that {@link parseConditions} reads back as it is: one for each comparison. */
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

/** A value of a field as people write it: texts bare where that is clear. */
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
 * Numbers, `true`, `false` and `null` are values of their kind; in double quotes they are texts. Two on one field must both hold.
 * @throws TunneliteError `ERR_JOURNAL_QUERY`
 */
export function parseConditions(texts: readonly string[]): Record<string, FieldTest> {
  const tests = Object.create(null) as Record<string, FieldTest>;
  for (const text of texts) {
    const match = text.length <= MAX_CONDITION ? CONDITION.exec(text) : null;
    if (!match) {
      throw new TunneliteError(
        'ERR_JOURNAL_QUERY',
        `“${printable(text.slice(0, 80))}” is no condition: it has to be a field, one of ${Object.keys(OPERATORS).join(' ')}, and a value.`,
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

/** The value that a text stands for: a number, boolean or null where it is spelled as JSON spells it, else the text. */
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
