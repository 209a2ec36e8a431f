import { badRequest } from './graph-error.ts';

/** Whether an object matches a `$filter`. */
export type Filter = (object: Readonly<Record<string, unknown>>) => boolean;

/** A parsed `$filter`. */
export interface ParsedFilter {
  readonly matches: Filter;
  /** Members of the object that it reads, as written. */
  readonly names: ReadonlySet<string>;
}

type Value = string | number | boolean | null;
type Operand = (object: Readonly<Record<string, unknown>>) => unknown;

interface Token {
  readonly kind: 'name' | 'value' | 'mark';
  readonly text: string;
  readonly value?: Value;
}

/** Longest filter in characters, and its maximum nesting depth. Graph's own limits are not published. */
const MAX_LENGTH = 4096;
const MAX_DEPTH = 20;
/** Strings at least this long, in characters, are converted to lower case only once. */
const LONG_TEXT = 1000;

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:Z|[+-]\d{2}:\d{2})?)?/;
const NUMBER = /^-?\d{1,15}(?:\.\d{1,10})?/;
const NAME = /^[A-Za-z_@$][\w@.$]*(?:\/[A-Za-z_@$][\w@.$]*)*/;

/**
 * Parses a `$filter` (OData 4.01 part 2 §5.1.1), limited to the service's own lists: comparisons, `in`, `startswith`, `endswith`,
 * `contains`, `isof`, with `and`, `or`, `not` and parentheses. String comparisons ignore case.
 * @throws GraphError 400
 */
export function parseFilter(text: string): ParsedFilter {
  if (text.length > MAX_LENGTH) throw invalid(`it is longer than ${MAX_LENGTH} characters`);
  const parser = new Parser(tokens(text));
  return { matches: parser.whole(), names: parser.names };
}

function invalid(why: string): Error {
  return badRequest(`Invalid filter clause: ${why}.`);
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + 512);
    const [first] = rest;
    let token: Token | undefined;
    let length = 1;
    if (first === ' ' || first === '\t') {
      at++;
      continue;
    }
    if (first === "'") {
      const [value, end] = quoted(text, at);
      token = { kind: 'value', text: 'a string', value };
      length = end - at;
    } else if (first === '(' || first === ')' || first === ',') {
      token = { kind: 'mark', text: first };
    } else {
      const literal = GUID.exec(rest)?.[0] ?? DATE.exec(rest)?.[0];
      const number = literal === undefined ? NUMBER.exec(rest)?.[0] : undefined;
      const name = literal ?? number ?? NAME.exec(rest)?.[0];
      if (name === undefined) throw invalid(`Syntax error at position ${at}`);
      length = name.length;
      if (literal !== undefined) token = { kind: 'value', text: name, value: literal };
      else if (number !== undefined) token = { kind: 'value', text: name, value: Number(number) };
      else if (name === 'true' || name === 'false') token = { kind: 'value', text: name, value: name === 'true' };
      else if (name === 'null') token = { kind: 'value', text: name, value: null };
      else token = { kind: 'name', text: name };
    }
    found.push(token);
    at += length;
  }
  return found;
}

/** A quoted string, in which two quotes mean one, and its end. */
function quoted(text: string, start: number): [string, number] {
  let value = '';
  for (let at = start + 1; ; ) {
    const end = text.indexOf("'", at);
    if (end < 0) throw invalid(`There is an unterminated string literal at position ${start}`);
    value += text.slice(at, end);
    if (text[end + 1] !== "'") return [value, end + 1];
    value += "'";
    at = end + 2;
  }
}

const FUNCTIONS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startswith: (text, part) => text.startsWith(part),
  endswith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

const COMPARISONS: Readonly<Record<string, (order: number | undefined) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  gt: (order) => order !== undefined && order > 0,
  ge: (order) => order !== undefined && order >= 0,
  lt: (order) => order !== undefined && order < 0,
  le: (order) => order !== undefined && order <= 0,
};

class Parser {
  readonly names = new Set<string>();
  readonly #tokens: readonly Token[];
  #at = 0;
  #long = { text: '', folded: '' };

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  whole(): Filter {
    const filter = this.#or(0);
    const left = this.#tokens[this.#at];
    if (left) throw invalid(`Syntax error at '${left.text}'`);
    return filter;
  }

  #or(depth: number): Filter {
    const all = [this.#and(depth)];
    while (this.#takes('or')) all.push(this.#and(depth));
    return (object) => all.some((each) => each(object));
  }

  #and(depth: number): Filter {
    const all = [this.#not(depth)];
    while (this.#takes('and')) all.push(this.#not(depth));
    return (object) => all.every((each) => each(object));
  }

  #not(depth: number): Filter {
    if (depth > MAX_DEPTH) throw invalid('the nesting is too deep');
    if (this.#takes('not')) {
      const inner = this.#not(depth + 1);
      return (object) => !inner(object);
    }
    if (this.#takes('(')) {
      const inner = this.#or(depth + 1);
      this.#expect(')');
      return inner;
    }
    return this.#test();
  }

  #test(): Filter {
    const left = this.#next();
    const call = left.kind === 'name' && this.#takes('(');
    if (call && left.text.toLowerCase() === 'isof') return this.#isOf();
    if (call) {
      const test = Object.hasOwn(FUNCTIONS, left.text.toLowerCase()) && FUNCTIONS[left.text.toLowerCase()];
      if (!test) throw invalid(`An unknown function with name '${left.text}' was found`);
      const text = this.#operand(this.#next());
      this.#expect(',');
      const part = this.#operand(this.#next());
      this.#expect(')');
      return (object) => test(this.#fold(text(object)), this.#fold(part(object)));
    }
    const operand = this.#operand(left);
    const operator = this.#next();
    if (operator.text === 'in') return this.#among(operand);
    const test = Object.hasOwn(COMPARISONS, operator.text) && COMPARISONS[operator.text];
    if (!test) throw invalid(`'${operator.text}' is not an operator`);
    const right = this.#operand(this.#next());
    return (object) => test(this.#compare(operand(object), right(object)));
  }

  #among(operand: Operand): Filter {
    this.#expect('(');
    const values: Operand[] = [];
    do values.push(this.#operand(this.#next()));
    while (this.#takes(','));
    this.#expect(')');
    return (object) => values.some((value) => this.#compare(operand(object), value(object)) === 0);
  }

  /** Type names have no `#` here. */
  #isOf(): Filter {
    const { kind, text, value } = this.#next();
    this.#expect(')');
    const wanted = `#${kind === 'value' ? String(value) : text}`.toLowerCase();
    return (object) => this.#fold(object['@odata.type']) === wanted;
  }

  /** Less than 0, 0, or more; undefined if the values cannot be ordered. An absent value counts as null. */
  #compare(left: unknown, right: unknown): number | undefined {
    const [a, b] = [left ?? null, right ?? null];
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    if (typeof a === 'string' && typeof b === 'string') {
      const [x, y] = [this.#fold(a), this.#fold(b)];
      return x === y ? 0 : x < y ? -1 : 1;
    }
    return a === b ? 0 : undefined;
  }

  /** Converts a string to lower case. Caches long ones: a filter can read one a hundred times. */
  #fold(value: unknown): string {
    if (typeof value !== 'string') return '';
    if (value.length < LONG_TEXT) return value.toLowerCase();
    if (value !== this.#long.text) this.#long = { text: value, folded: value.toLowerCase() };
    return this.#long.folded;
  }

  #operand(token: Token): Operand {
    if (token.kind === 'value') return () => token.value;
    if (token.kind === 'mark') throw invalid(`Syntax error at '${token.text}'`);
    const steps = token.text.split('/').map((written): Step => ({ written, lower: written.toLowerCase() }));
    this.names.add(steps[0]!.written);
    return (object) => steps.reduce<unknown>(step, object);
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw invalid('it is incomplete');
    return token;
  }

  #takes(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'value' || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== 'mark' || token.text !== text) throw invalid(`'${text}' is expected`);
  }
}

/** One member of a path. */
interface Step {
  readonly written: string;
  readonly lower: string;
}

function step(value: unknown, { written, lower }: Step): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (Object.hasOwn(value, written)) return (value as Record<string, unknown>)[written];
  const key = Object.keys(value).find((each) => each.toLowerCase() === lower);
  return key === undefined ? undefined : (value as Record<string, unknown>)[key];
}
