import fc from 'fast-check';
import t from 'tap';
import * as typebox from 'typebox';
import { Value } from 'typebox/value';
import { pathText, suggest, type TSchema, Type, validate } from '../../../src/lib/schema/index.ts';

type Builders = Pick<
  typeof typebox.Type,
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Null'
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
      pattern: make.Optional(make.String({ pattern: '^x+$' })),
      count: make.Integer({ minimum: 1, maximum: 9 }),
      flag: make.Boolean({ default: true }),
      kind: make.Union([make.Literal('a'), make.Literal('b'), make.Literal(3)], { default: 'a' }),
      maybe: make.Union([make.String(), make.Null()], { default: null }),
      list: make.Array(make.Object({ id: make.Integer() }, { additionalProperties: false }), {
        default: [],
        maxItems: 3,
      }),
      table: make.Record(make.String(), make.Integer(), { default: {} }),
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
      pattern: fc.oneof(fc.constant('xx'), junk),
      count: fc.oneof(fc.integer({ min: 1, max: 9 }), junk, fc.constant(1.5)),
      flag: fc.oneof(fc.boolean(), junk),
      kind: fc.oneof(fc.constantFrom('a', 'b', 3, 4), junk),
      maybe: fc.oneof(fc.string(), fc.constant(null), junk),
      list: fc.oneof(fc.array(fc.oneof(fc.record({ id: fc.integer() }), junk), { maxLength: 4 }), junk),
      table: fc.oneof(fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), junk), junk),
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

t.test('a path is written as in code', async (t) => {
  t.equal(pathText(['gateway', 'dnsServers', 0]), 'gateway.dnsServers[0]');
  t.equal(pathText([]), '');
});
