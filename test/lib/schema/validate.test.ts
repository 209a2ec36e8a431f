import fc from 'fast-check';
import t from 'tap';
import * as typebox from 'typebox';
import { Value } from 'typebox/value';
import { type Node, pathText, suggest, type TSchema, Type, validate } from '../../../src/lib/schema/index.ts';
import { narrowed } from '../../../src/lib/schema/narrow.ts';

type Builders = Pick<
  typeof typebox.Type,
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
>;

/** A schema with every builder that we have, made with these builders. */
const everything = (make: Builders) =>
  make.Object(
    {
      text: make.String({ minLength: 1, maxLength: 5, default: 'a' }),
      count: make.Integer({ minimum: 1, maximum: 9 }),
      share: make.Optional(make.Number({ minimum: 0 })),
      flag: make.Boolean({ default: true }),
      kind: make.Union([make.Literal('a'), make.Literal('b'), make.Literal(3)], { default: 'a' }),
      maybe: make.Union([make.String(), make.Null()], { default: null }),
      list: make.Array(make.Object({ id: make.Integer() }, { additionalProperties: false }), {
        default: [],
        maxItems: 3,
      }),
      table: make.Record(make.String(), make.Integer(), { default: {} }),
      objects: make.Record(
        make.String(),
        make.Object({ id: make.Integer(), on: make.Boolean({ default: true }) }, { additionalProperties: false }),
        { default: {} },
      ),
      anything: make.Optional(make.Unknown()),
    },
    { additionalProperties: false },
  );

t.test('the builders make the same JSON Schema as typebox', async (t) => {
  const plain = (schema: unknown): unknown => JSON.parse(JSON.stringify(schema));
  t.same(plain(everything(Type)), plain(everything(typebox.Type)));
});

t.test('what typebox accepts, the validator accepts with the same defaults, and refuses what it refuses', async (t) => {
  const ours = everything(Type) as TSchema;
  const theirs = everything(typebox.Type);
  const junk = fc.oneof(fc.string({ maxLength: 8 }), fc.integer({ min: -2, max: 12 }), fc.boolean(), fc.constant(null));
  const input = fc.record(
    {
      text: fc.oneof(fc.string({ maxLength: 8 }), junk),
      count: fc.oneof(fc.integer({ min: 1, max: 9 }), junk, fc.constant(1.5)),
      share: fc.oneof(fc.double({ noNaN: true, min: -1, max: 9 }), junk),
      flag: fc.oneof(fc.boolean(), junk),
      kind: fc.oneof(fc.constantFrom('a', 'b', 3, 4), junk),
      maybe: fc.oneof(fc.string(), fc.constant(null), junk),
      list: fc.oneof(fc.array(fc.oneof(fc.record({ id: fc.integer() }), junk), { maxLength: 4 }), junk),
      table: fc.oneof(fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), junk), junk),
      objects: fc.dictionary(
        fc.stringMatching(/^[a-z]{1,4}$/),
        fc.oneof(fc.record({ id: fc.integer(), on: fc.boolean() }, { requiredKeys: [] }), junk),
      ),
      anything: fc.anything(),
      extra: junk,
    },
    { requiredKeys: [] },
  );
  // A text with control characters is refused by us alone, and a member that is undefined counts as left out.
  const printable = (value: unknown): boolean =>
    !/\\u00[01]|\\u007f|\\[bfnrt]|\p{Cc}/u.test(JSON.stringify(value) ?? '');
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(input, (value) => {
        fc.pre(printable({ ...value, anything: 0 }) && !Object.values(value).includes(undefined));
        const expected = Value.Default(theirs, structuredClone(value));
        const result = validate(ours, value, { complete: true });
        if (!Value.Check(theirs, expected)) return result.problems.length > 0;
        t.same(result.problems, []);
        t.same(result.value, expected);
        return true;
      }),
      { numRuns: 300 },
    ),
  );
});

t.test(
  'of an object only the schema of the members that it has is compiled, and errors tell of all of them',
  async (t) => {
    const schema = Type.Object(
      {
        a: Type.Object({ b: Type.Integer({ default: 1 }), c: Type.Integer() }, { additionalProperties: false }),
        d: Type.String(),
      },
      { additionalProperties: false },
    );
    const shape: string[] = [];
    t.match(narrowed(schema as Node, { d: '', a: { b: 1 }, x: 1 }, shape), {
      required: ['a', 'd'],
      additionalProperties: false,
      properties: { a: { required: ['c'], properties: { b: { type: 'integer' }, c: {} } }, d: { type: 'string' } },
    });
    t.strictSame(Object.keys(narrowed(schema as Node, { d: '' }, []).properties!), ['a', 'd']);
    t.match(validate(schema, { d: '', a: { x: 1 } }, { complete: true }).problems, [
      { path: ['a', 'x'], expected: 'one of b, c' },
      { path: ['a'], missing: 'c', expected: /whole number/ },
    ]);
  },
);

t.test('values of very many shapes are judged like those of a few', async (t) => {
  const members = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, Type.Integer({ default: i })]));
  const schema = Type.Object(members, { additionalProperties: false });
  for (let i = 0; i < 100; i++) {
    t.strictSame(validate(schema, { [`m${i}`]: 5 }, { complete: true }).problems, []);
    t.match(validate(schema, { [`m${i}`]: '5' }, { complete: true }).problems, [{ path: [`m${i}`] }]);
  }
});

t.test('the hundredth value is judged as the first one was', async (t) => {
  const schema = Type.Object(
    {
      name: Type.String({ maxLength: 3 }),
      list: Type.Optional(Type.Array(Type.Object({ id: Type.Integer() }, { additionalProperties: false }))),
      either: Type.Optional(
        Type.Union([Type.String(), Type.Object({ a: Type.Optional(Type.Integer()) }, { additionalProperties: false })]),
      ),
      size: Type.Integer({ default: 7 }),
    },
    { additionalProperties: false },
  );
  const values = [
    { name: 'a' },
    { name: 'abcd' },
    { name: 'a\n' },
    {},
    { name: 'a', list: [{ id: 1 }, { id: 'x\t' }, { no: 1 }] },
    { name: 'a', either: { a: 'x' } },
    { name: 'a', either: 'x\r', size: '7' },
    { nam: 'a' },
    JSON.parse('{ "name": "a", "__proto__": {} }'),
  ];
  const judge = () => values.map((value) => validate(schema, value, { complete: true }));
  const first = judge();
  t.strictSame(
    first.map(({ problems }) => problems.map(({ path }) => pathText(path))),
    [
      [],
      ['name'],
      ['name'],
      [''],
      ['list[1].id', 'list[2].no', 'list[2]'],
      ['either.a'],
      ['either', 'size'],
      ['nam', ''],
      ['__proto__'],
    ],
  );
  for (let i = 0; i < 30; i++) judge();
  t.strictSame(judge(), first);
});

t.test('a value that is as the schema wants it is copied all the same', async (t) => {
  const schema = Type.Object({ name: Type.String() }, { additionalProperties: false });
  const given = { name: 'a' };
  const { value } = validate(schema, given, { complete: true });
  t.strictSame(value, given);
  t.not(value, given);
});

t.test('an incomplete layer gets no defaults and may lack what is needed', async (t) => {
  const schema = everything(Type) as TSchema;
  t.same(validate(schema, { flag: false }, { complete: false }), { value: { flag: false }, problems: [] });
  t.match(validate(schema, {}, { complete: true }).problems, [
    { message: '"count" is missing', expected: /from 1 to 9/ },
  ]);
});

t.test('entries of a list are always whole', async (t) => {
  const { problems } = validate(everything(Type) as TSchema, { list: [{}] }, { complete: false });
  t.match(problems, [{ path: ['list', 0], message: '"id" is missing' }]);
});

t.test('a near word is suggested, a far one is not', async (t) => {
  const words = ['port', 'host', 'dnsServers', 'routesInclude'];
  t.equal(suggest('prot', words), 'port');
  t.equal(suggest('dns-servers', words), 'dnsServers');
  t.equal(suggest('routeIncludes', words), 'routesInclude');
  t.equal(suggest('banana', words), undefined);
  t.equal(suggest('x'.repeat(10_000), words), undefined);
});

t.test('what a document says is repeated on one harmless line', async (t) => {
  const schema = Type.Object({ word: Type.Enum(['on', 'off'], { default: 'on' }) }, { additionalProperties: false });
  const long = 'k'.repeat(5000);
  const { problems } = validate(schema, { 'a\nb\u001b[31m\u202e': 1, [long]: 1, word: '\u202eon' }, { complete: true });
  t.match(problems, [
    { message: String.raw`"a\nb\u001b[31m\u202e" is not a key here` },
    { message: /^"k{57}\.\.\." is not a key here$/ },
    { message: String.raw`"\u202eon" is not valid here` },
  ]);
  t.equal(pathText(problems[0]!.path), String.raw`a\nb\u001b[31m\u202e`);
  t.ok(pathText(problems[1]!.path).length < 100);
});

t.test('a number that JSON cannot write is told as it is', async (t) => {
  const { problems } = validate(Type.Integer({ minimum: 0, maximum: 9 }), Number.POSITIVE_INFINITY, { complete: true });
  t.match(problems, [{ message: 'Infinity is not valid here' }]);
});

t.test('of a long set of words only some are told', async (t) => {
  const set = Array.from({ length: 100 }, (_, i) => 1000 + i);
  const { problems } = validate(Type.Enum(set), 1, { complete: true });
  t.match(problems, [{ expected: /^1000, .*, 1019 or another of 100$/ }]);
});

t.test('however many mistakes an object has, its keys are looked through a few times only', async (t) => {
  let looks = 0;
  const document = new Proxy(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}`, 1])), {
    ownKeys: (target) => {
      looks++;
      return Reflect.ownKeys(target);
    },
  });
  const { problems } = validate(Type.Object({}, { additionalProperties: false }), document, { complete: true });
  t.equal(problems.length, 500);
  t.ok(looks < 10, `${looks} times`);
});

t.test('a path is written as in code', async (t) => {
  t.equal(pathText(['gateway', 'dnsServers', 0]), 'gateway.dnsServers[0]');
  t.equal(pathText([]), '');
});
