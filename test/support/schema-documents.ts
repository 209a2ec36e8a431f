import fc from 'fast-check';
import { branchFor } from '../../src/lib/schema/branches.ts';
import { FORMATS, type Node, type Path } from '../../src/lib/schema/index.ts';

/** Texts of each format, and one that is near but wrong. */
const SAMPLES: Readonly<Record<string, { readonly good: readonly string[]; readonly bad?: string }>> = {
  ip: { good: ['127.0.0.1', '::1', '192.0.2.7'], bad: '127.0.0' },
  'network-ip': { good: ['10.20.0.10', 'fd10:20::10'], bad: '10.20.0' },
  cidr4: { good: ['169.254.0.0/16', '10.0.0.0/8'], bad: '10.0.0.0/33' },
  cidr6: { good: ['fd00:1234::/64'], bad: '10.0.0.0/8' },
  route: { good: ['10.0.0.0/8', 'fd00::/8'], bad: '10.0.0.0' },
  text: { good: ['{"a":1}', 'two\nlines'] },
  user: { good: ['alice@contoso.com', '11111111-2222-4333-8444-555555555555'], bad: 'alice' },
  'user-name': { good: ['alice@contoso.com'], bad: 'alice' },
  'tenant-domain': { good: ['contoso.com', 'a.example.org'], bad: 'contoso' },
  permission: { good: ['Tunnel_Allow'], bad: 'two words' },
  'login-name': { good: ['alice', 'CONTOSO+alice'], bad: 'a:b' },
  'auth-context': { good: ['c1', 'c99'], bad: 'c100' },
  'mfa-code': { good: ['123456'], bad: '12x4' },
  'fault-name': { good: ['no-udp', 'a.b:c_1'], bad: 'no udp' },
  'failure-id': { good: ['17'], bad: 'x' },
  whole: { good: ['0', '120'], bad: '-1' },
  seconds: { good: ['10', '0.5'], bad: '1e3' },
  'date-time': { good: ['2030-01-31T12:00:00Z'], bad: 'tomorrow' },
  certificate: { good: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'], bad: 'AAAA' },
  guid: { good: ['11111111-2222-4333-8444-555555555555'], bad: '11111111-2222-4333-8444' },
  domain: { good: ['contoso.internal', 'a.example.com'], bad: 'contoso..internal' },
  host: { good: ['localhost', '192.0.2.7', '*.example.com'], bad: 'a b' },
  target: { good: ['app.example', '192.0.2.7'], bad: 'a b' },
  match: { good: ['10.0.0.0/8', '*.example.com'], bad: 'a b' },
  origin: { good: ['https://login.example:8444', 'http://localhost:1'], bad: 'https://login.example/tenant' },
  'authority-url': { good: ['https://login.example/t', 'http://localhost:1/t'], bad: 'http://login.example/t' },
  'dns-server': { good: ['192.0.2.53', '[fd00::53]:5353'], bad: 'dns.example' },
  'pac-url': { good: ['http://pac.contoso.internal/proxy.pac'], bad: 'ftp://pac.contoso.internal/proxy.pac' },
  duration: { good: ['90s', '1h30m', '250ms'], bad: 'a while' },
};

/** Formats that have no sample here. */
export const UNSAMPLED = Object.keys(FORMATS).filter((name) => !Object.hasOwn(SAMPLES, name));

const printable = (min: number, max: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme-ascii', minLength: min, maxLength: Math.max(min, Math.min(max, 12)) });

/** Any value that the schema takes. Members that may be left out are sometimes left out. */
export function documentOf(node: Node): fc.Arbitrary<unknown> {
  if (node.anyOf) return fc.oneof(...node.anyOf.map(documentOf));
  if (node.enum) return fc.constantFrom(...node.enum);
  if ('const' in node) return fc.constant(node.const);
  switch (node.type) {
    case 'string':
      if (node.format !== undefined) return fc.constantFrom(...SAMPLES[node.format]!.good);
      return printable(node.minLength ?? 0, node.maxLength ?? 12);
    case 'integer':
      return fc.integer({ min: node.minimum ?? -9, max: node.maximum ?? 9 });
    case 'number':
      return fc.double({ min: node.minimum ?? -9, max: node.maximum ?? 9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(documentOf(node.items ?? {}), {
        minLength: node.minItems ?? 0,
        maxLength: Math.max(node.minItems ?? 0, 2),
      });
    case 'object':
      return objectOf(node);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

/** Keys of lists by port, the only ones with a pattern. */
function matching(pattern: string): fc.Arbitrary<string> {
  const fitting = ['1', '443', '65535'].filter((text) => new RegExp(pattern, 'u').test(text));
  if (fitting.length === 0) throw new Error(`no sample for the pattern ${pattern}`);
  return fc.constantFrom(...fitting);
}

function objectOf(node: Node): fc.Arbitrary<unknown> {
  const [record] = Object.entries(node.patternProperties ?? {});
  if (record) {
    const [pattern, member] = record;
    const key = pattern === '^.*$' ? fc.stringMatching(/^[a-z]{1,6}$/) : matching(pattern);
    return fc.dictionary(key, documentOf(member), { maxKeys: 2 });
  }
  const members = Object.entries(node.properties ?? {});
  return fc.record(Object.fromEntries(members.map(([name, member]) => [name, documentOf(member)])), {
    requiredKeys: members.flatMap(([name, member]) =>
      node.required?.includes(name) && member.default === undefined ? [name] : [],
    ),
  });
}

/** One change that makes a document wrong, and the place that a refusal has to name. */
export interface Mutation {
  readonly kind: string;
  readonly path: Path;
  /** The value is of a type that the schema does not take here. */
  readonly retyped: boolean;
  /** The document with the change. */
  apply(document: unknown): unknown;
}

type Change = (kind: string, wrong: unknown, where?: { at?: Path; retyped?: boolean }) => Mutation;

/** Every single change of these kinds that makes a fitting document wrong. */
export function mutationsOf(node: Node, value: unknown, path: Path = []): Mutation[] {
  const set: Change = (kind, wrong, { at = path, retyped = false } = {}) => ({
    kind,
    path: at,
    retyped,
    apply: (document) => replaced(document, at, wrong),
  });
  if (node.anyOf) {
    const branch = branchFor(node.anyOf, value);
    const types = new Set(node.anyOf.map(({ type }) => type));
    const words = node.anyOf.some((one) => 'const' in one) && typeof value === 'string';
    return [
      ...wrongTypes(types).map((wrong) => set('anyOf', wrong, { retyped: true })),
      ...(words ? [set('anyOf', 'nonsens')] : []),
      ...(branch === undefined
        ? []
        : mutationsOf(node.anyOf[branch]!, value, path).filter(({ retyped, path: at }) => !retyped || at !== path)),
    ];
  }
  if (node.enum) {
    const wrong = wrongTypes(new Set(node.enum.map(typeName)));
    return [
      ...wrong.map((one) => set('enum', one, { retyped: true })),
      ...beside(node.enum).map((one) => set('enum', one)),
    ];
  }
  if (node.type === undefined) return [];
  const found = wrongTypes(new Set([node.type])).map((wrong) => set('type', wrong, { retyped: true }));
  if (node.type === 'integer' || node.type === 'number') {
    if (node.type === 'integer') found.push(set('type', 1.5));
    if (node.minimum !== undefined) found.push(set('minimum', node.minimum - 1));
    if (node.maximum !== undefined) found.push(set('maximum', node.maximum + 1));
  }
  if (node.type === 'string') {
    const { bad } = SAMPLES[node.format ?? ''] ?? {};
    if (bad !== undefined) found.push(set('format', bad));
    if (node.minLength !== undefined) found.push(set('minLength', 'x'.repeat(node.minLength - 1)));
    if (node.maxLength !== undefined) found.push(set('maxLength', 'x'.repeat(node.maxLength + 1)));
    if (node.format === undefined || !FORMATS[node.format]?.lines) found.push(set('control', 'a\u0000b'));
  }
  if (Array.isArray(value)) {
    const items = node.items ?? {};
    if (node.minItems !== undefined) found.push(set('minItems', []));
    if (node.maxItems !== undefined && node.maxItems <= 1000 && value.length > 0) {
      found.push(set('maxItems', Array(node.maxItems + 1).fill(value[0])));
    }
    found.push(...value.flatMap((item, i) => mutationsOf(items, item, [...path, i])));
  }
  if (node.type === 'object' && typeof value === 'object' && value !== null) {
    found.push(...objectMutations(node, value as Record<string, unknown>, path, set));
  }
  return found;
}

function objectMutations(node: Node, value: Record<string, unknown>, path: Path, set: Change): Mutation[] {
  const found: Mutation[] = [];
  const [anyMember] = Object.values(node.patternProperties ?? {});
  if (node.additionalProperties === false) {
    found.push(set('additionalProperties', 1, { at: [...path, 'zzUnknown'] }));
    const [known] = Object.keys(node.properties ?? {});
    if (known !== undefined) found.push(set('additionalProperties', 1, { at: [...path, `${known}x`] }));
  }
  for (const name of node.required ?? []) {
    if (node.properties?.[name]?.default !== undefined || !Object.hasOwn(value, name)) continue;
    found.push({
      kind: 'required',
      path,
      retyped: false,
      apply: (document) => replaced(document, [...path, name], undefined),
    });
  }
  for (const [name, member] of Object.entries(value)) {
    const schema = node.properties?.[name] ?? anyMember;
    if (schema) found.push(...mutationsOf(schema, member, [...path, name]));
  }
  return found;
}

/** A value of each JSON type that is not wanted. */
function wrongTypes(wanted: ReadonlySet<string | undefined>): unknown[] {
  if (wanted.has(undefined)) return [];
  const values = ['text', 7, true, null, ['x'], { x: 1 }];
  return values.filter(
    (value) =>
      ![...wanted].some((type) => type === typeName(value) || (type === 'number' && typeName(value) === 'integer')),
  );
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return typeof value;
}

/** Words and numbers that are near those of a set, and not in it. */
function beside(set: readonly unknown[]): unknown[] {
  const near = set.map((one) => (typeof one === 'string' ? `${one}x` : (one as number) * 10 + 7));
  return near.filter((one) => !set.includes(one)).slice(0, 3);
}

/** A copy of the document with one member changed; undefined takes it away. */
function replaced(document: unknown, path: Path, wrong: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return wrong;
  if (Array.isArray(document)) return document.map((item, i) => (i === first ? replaced(item, rest, wrong) : item));
  const { [first]: old, ...others } = document as Record<string | number, unknown>;
  return rest.length === 0 && wrong === undefined ? others : { ...others, [first]: replaced(old, rest, wrong) };
}
