import fc from 'fast-check';
import t from 'tap';
import { conditionText, meets, parseConditions } from '../../src/telemetry/conditions.ts';

const one = (text: string) => Object.values(parseConditions([text]))[0]!;

t.test('each comparison, as text, holds for what it says and for nothing else', async (t) => {
  for (const [text, yes, no] of [
    ['session=k3', 'k3', 'k4'],
    ['session!=k3', 'k4', 'k3'],
    ['count=3', 3, '3'],
    ['count="3"', '3', 3],
    ['count>3', 4, 3],
    ['count>=3', 3, 2],
    ['count<3', 2, 3],
    ['count<=3', 3, 4],
    ['count<=-1.5', -2, 0],
    ['resumed=true', true, 'true'],
    ['user=null', undefined, 'alice'],
    ['user!=null', 'alice', undefined],
    ['explanation~AUDIENCE', 'another audience', 'other'],
    ['explanation~', 'anything', undefined],
    ['path=/a=b', '/a=b', '/a'],
    ['path=', '', 'x'],
    ['address6=FD00:0:AA::0002', 'fd00:0:aa::2', 'fd00:0:aa::3'],
    ['destination=[FD10:20:0::10]:443', '[fd10:20::10]:443', '[fd10:20::10]:444'],
    ['destination!=[FD10:20:0::10]:443', '[fd10:20::11]:443', '[fd10:20::10]:443'],
    ['path=a:B', 'a:B', 'a:b'],
  ] as const) {
    t.ok(meets(yes, one(text)), `${text}: ${yes}`);
    if (text !== 'explanation~') t.notOk(meets(no, one(text)), `${text}: not ${no}`);
  }
  t.notOk(meets('9', one('count>3')), 'a text is greater than nothing');
});

t.test('two conditions on one field must both hold', async (t) => {
  const { count } = parseConditions(['count>3', 'count<5']);
  t.ok(meets(4, count));
  t.notOk(meets(5, count));
  t.notOk(meets(3, count));
});

t.test('what is not a condition, names no field or compares no number is refused with a way out', async (t) => {
  for (const text of ['', 'session', '=k3', 'a b=3', `session=${'x'.repeat(2000)}`]) {
    t.throws(
      () => parseConditions([text]),
      { code: 'ERR_JOURNAL_QUERY', message: /is not a condition/ },
      text.slice(0, 20),
    );
  }
  t.throws(() => parseConditions(['count>many']), { code: 'ERR_JOURNAL_QUERY', message: /needs a number, not “many”/ });
  const { __proto__: proto } = parseConditions(['constructor=1']) as { __proto__?: unknown };
  t.equal(proto, undefined, 'the names of fields are nothing but names');
});

t.test('property: a value written as a condition reads back as that value', async () => {
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'abcXYZ019.-/@: _=<>~') }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  fc.assert(
    fc.property(value, (wanted) => {
      const read = one(conditionText('field', wanted));
      return meets(wanted, read) && Object.is(read.equals, wanted === 0 ? 0 : wanted);
    }),
  );
});
