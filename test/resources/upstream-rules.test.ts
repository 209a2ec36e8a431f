import t from 'tap';
import { type UpstreamRule, UpstreamRules } from '../../src/resources/upstream-rules.ts';

const rule = (match: string, more: Partial<UpstreamRule> = {}): UpstreamRule => ({
  match,
  ports: [],
  to: undefined,
  ...more,
});
const ids = (rules: UpstreamRules): string[] => rules.list().map(({ id, rule }) => `${id} ${rule.match}`);
const destination = (name: string) => ({
  address: '192.0.2.1',
  port: 443,
  host: name,
  names: [name],
  isVirtual: false,
});
const ADDRESS = Buffer.of(192, 0, 2, 1);

t.test('each rule has a number of its own, and the latest that was added comes first', async (t) => {
  const rules = new UpstreamRules([rule('a.test'), rule('b.test')]);
  t.equal(rules.add(rule('c.test')).id, 'u3');
  rules.add(rule('d.test'));
  t.strictSame(ids(rules), ['u4 d.test', 'u3 c.test', 'u1 a.test', 'u2 b.test']);
});

t.test('other rules of the configuration replace the old ones, and leave what was added', async (t) => {
  const rules = new UpstreamRules([rule('a.test'), rule('b.test')]);
  rules.add(rule('c.test'));
  rules.configure([rule('b.test'), rule('d.test')]);
  t.strictSame(ids(rules), ['u3 c.test', 'u2 b.test', 'u4 d.test'], 'what stays keeps its number');
  t.strictSame(
    rules.list().map(({ added }) => added),
    [true, false, false],
  );
  t.equal(rules.findRemoved(destination('a.test'), ADDRESS)?.id, 'u1');
  t.equal(rules.findRemoved(destination('b.test'), ADDRESS), undefined);
  rules.configure([]);
  t.strictSame(ids(rules), ['u3 c.test']);
});

t.test('two equal rules of the configuration are two', async (t) => {
  const rules = new UpstreamRules([rule('a.test')]);
  rules.configure([rule('a.test'), rule('a.test')]);
  t.strictSame(ids(rules), ['u1 a.test', 'u2 a.test']);
});

t.test('a reset leaves the rules of the configuration, and no memory of those that were removed', async (t) => {
  const rules = new UpstreamRules([rule('a.test')]);
  const { id } = rules.add(rule('c.test'));
  t.equal(rules.remove('u9'), undefined);
  t.equal(rules.remove(id)?.id, id);
  t.equal(rules.remove(id), undefined, 'it is gone');
  t.equal(rules.findRemoved(destination('c.test'), ADDRESS)?.id, id);
  rules.remove('u1');
  rules.reset();
  t.strictSame(ids(rules), ['u1 a.test']);
  t.equal(rules.findRemoved(destination('c.test'), ADDRESS), undefined);
});

t.test('of the rules that were removed the last thousand are remembered, however they went', async (t) => {
  const many = (from: number, count: number): UpstreamRule[] =>
    Array.from({ length: count }, (_, i) => rule(`r${from + i}.test`));
  const remembers = (name: string): boolean => rules.findRemoved(destination(name), ADDRESS) !== undefined;
  const rules = new UpstreamRules([rule('first.test'), ...many(0, 999)]);
  rules.configure([]);
  t.ok(remembers('first.test'));
  t.ok(remembers('r998.test'));
  rules.remove(rules.add(rule('one.test')).id);
  t.ok(remembers('one.test'));
  t.notOk(remembers('r998.test'), 'the one that is one too many, by a removal');
  rules.configure([rule('two.test')]);
  rules.configure([]);
  t.ok(remembers('two.test'));
  t.ok(remembers('r996.test'));
  t.notOk(remembers('r997.test'), 'and by another configuration');
});

t.test('what is neither a range nor a name is refused', async (t) => {
  t.throws(() => new UpstreamRules([rule('not a name')]), { code: 'ERR_RESOURCE_RULE', message: /not a name/ });
  const rules = new UpstreamRules([rule('a.test')]);
  t.throws(() => rules.configure([rule('a*b')]), { code: 'ERR_RESOURCE_RULE' });
  t.strictSame(ids(rules), ['u1 a.test'], 'and the old ones go on');
});
