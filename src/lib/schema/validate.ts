import { FORMATS } from './formats.ts';
import { suggest } from './suggest.ts';
import type { TSchema } from './type.ts';

/** Where a value stands: member names and list positions from the top. */
export type Path = readonly (string | number)[];

/** One thing that is wrong, in words. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly expected?: string;
  /** A key or word that was probably meant, or another way out. */
  readonly hint?: string;
  /** The key itself is wrong, rather than its value. */
  readonly atKey?: boolean;
}

/** `gateway.dnsServers[0]`. */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, segment) =>
      typeof segment === 'number' ? `${text}[${segment}]` : text === '' ? segment : `${text}.${segment}`,
    '',
  );
}

/** The keywords of JSON Schema that are understood. */
interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
}

export interface ValidateOptions {
  /** Fill defaults and insist on members without one. False for a layer that others complete. */
  readonly complete: boolean;
}

/**
 * A copy of `value` that fits the schema, and what did not fit. Unlike a general validator it knows one schema's
 * keywords only, and says in a person's words what was expected and what was probably meant.
 */
export function validate(
  schema: TSchema,
  value: unknown,
  options: ValidateOptions,
): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  return { value: walk(schema as Node, value, [], options.complete, problems), problems };
}

function walk(node: Node, value: unknown, path: Path, complete: boolean, problems: Problem[]): unknown {
  const wrong = (message: string, more: Partial<Problem> = {}): undefined => {
    problems.push({ path, message, ...more });
  };
  if (node.anyOf) {
    const branch = choose(node.anyOf, value);
    if (branch) return walk(branch, value, path, complete, problems);
    const words = node.anyOf.flatMap((one) => (typeof one.const === 'string' ? [one.const] : []));
    const meant = typeof value === 'string' ? suggest(value, words) : undefined;
    return wrong(`${show(value)} is not possible here`, {
      expected: describe(node),
      ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
    });
  }
  if ('const' in node) return value;
  if (node.type !== undefined && !hasType(node.type, value)) {
    return wrong(`${show(value)} is not possible here`, { expected: describe(node) });
  }
  if (node.type === 'object') return walkObject(node, value as Record<string, unknown>, path, complete, problems);
  if (node.type === 'array') {
    const list = value as readonly unknown[];
    if (list.length < (node.minItems ?? 0)) return wrong('the list has too few entries', { expected: describe(node) });
    if (list.length > (node.maxItems ?? Number.POSITIVE_INFINITY)) {
      return wrong(`the list has ${list.length} entries`, { expected: `at most ${node.maxItems}` });
    }
    return list.map((item, i) => walk(node.items ?? {}, item, [...path, i], true, problems));
  }
  if (typeof value === 'number') {
    const low = node.minimum ?? Number.NEGATIVE_INFINITY;
    const high = node.maximum ?? Number.POSITIVE_INFINITY;
    if (value < low || value > high) return wrong(`${value} is out of range`, { expected: describe(node) });
  }
  if (typeof value === 'string') {
    if (value.length < (node.minLength ?? 0)) return wrong('the text is empty', { expected: describe(node) });
    if (value.length > (node.maxLength ?? Number.POSITIVE_INFINITY)) {
      return wrong('the text is too long', { expected: `at most ${node.maxLength} characters` });
    }
    const format = node.format === undefined ? undefined : FORMATS[node.format];
    if (!format?.lines && /\p{Cc}/u.test(value)) {
      return wrong('the text has control characters in it', { expected: 'one line of text' });
    }
    if (node.pattern !== undefined && !regExp(node.pattern).test(value)) {
      return wrong(`${show(value)} is not possible here`, { expected: describe(node) });
    }
    if (node.format !== undefined && !format?.test(value)) {
      return wrong(`${show(value)} is not possible here`, { expected: describe(node) });
    }
  }
  return value;
}

function walkObject(
  node: Node,
  value: Record<string, unknown>,
  path: Path,
  complete: boolean,
  problems: Problem[],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const known = node.properties ?? {};
  const patterns = Object.entries(node.patternProperties ?? {});
  for (const key of Object.keys(value)) {
    if (value[key] === undefined) continue;
    const here = [...path, key];
    const member = Object.hasOwn(known, key)
      ? known[key]
      : patterns.find(([pattern]) => regExp(pattern).test(key))?.[1];
    if (member && key !== '__proto__') {
      result[key] = walk(member, value[key], here, complete, problems);
      continue;
    }
    const meant = suggest(key, Object.keys(known));
    problems.push({
      path: here,
      atKey: true,
      message: `"${key}" is not a key here`,
      ...(node.properties
        ? {
            expected: `one of ${Object.keys(known).join(', ')}`,
            ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
          }
        : {}),
    });
  }
  if (!complete) return result;
  for (const [key, member] of Object.entries(known)) {
    if (Object.hasOwn(result, key)) continue;
    if (member.default !== undefined) {
      result[key] = walk(member, structuredClone(member.default), [...path, key], true, problems);
    } else if (node.required?.includes(key)) {
      problems.push({ path, message: `"${key}" is missing`, expected: describe(member) });
    }
  }
  return result;
}

const compiled = new Map<string, RegExp>();

function regExp(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (!expression) compiled.set(pattern, (expression = new RegExp(pattern)));
  return expression;
}

/** The branch of a union that the value is meant for: by equality, else by type. */
function choose(branches: readonly Node[], value: unknown): Node | undefined {
  return (
    branches.find((branch) => 'const' in branch && branch.const === value) ??
    branches.find((branch) => branch.type !== undefined && !('const' in branch) && hasType(branch.type, value))
  );
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value);
  return type === (typeof value as string);
}

/** What a schema expects, in words. */
export function describe(schema: TSchema | Node): string {
  const node = schema as Node;
  if (node.anyOf)
    return node.anyOf
      .map(describe)
      .join(', ')
      .replace(/, (?=[^,]*$)/, ' or ');
  if ('const' in node) return typeof node.const === 'string' ? node.const : JSON.stringify(node.const);
  if (node.format !== undefined) return FORMATS[node.format]?.expected ?? 'a text';
  if (node.pattern !== undefined) return `a text that matches ${node.pattern}`;
  if (node.type === 'integer' || node.type === 'number') {
    const kind = node.type === 'integer' ? 'a whole number' : 'a number';
    if (node.minimum !== undefined && node.maximum !== undefined) {
      return `${kind} from ${node.minimum} to ${node.maximum}`;
    }
    return kind;
  }
  if (node.type === 'array') return `a list of ${plural(node.items)}`;
  if (node.type === 'object') return 'an object';
  if (node.type === 'boolean') return 'true or false';
  if (node.type === 'null') return 'null';
  return 'a text';
}

function plural(items: Node | undefined): string {
  if (items?.type === 'object') return 'objects';
  return items ? `entries, each ${describe(items)}` : 'entries';
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
