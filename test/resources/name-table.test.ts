import fc from 'fast-check';
import t from 'tap';
import { AddressBlock } from '../../src/lib/address-block.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { FEW_NAMES, MAX_NAMES_OF_SESSION, NAME_HOLD_MS } from '../../src/resources/constants.ts';
import { namePattern } from '../../src/resources/name-patterns.ts';
import { NameTable } from '../../src/resources/name-table.ts';

const setup = (
  matches: readonly string[],
  networks: readonly string[] = ['10.20.240.0/20'],
  taken: readonly string[] = [],
) => {
  const clock = new ManualClock();
  const table = new NameTable({
    patterns: matches.map((match) => namePattern(match)!),
    blocks: networks.map((network) => new AddressBlock(network)),
    taken: new Set(taken),
    clock,
  });
  /** The first address of a name, or undefined where it gets none. */
  const ask = (name: string, session = 's1'): string | undefined => {
    const answer = table.lookUp(name, session);
    return 'addresses' in answer ? answer.addresses[0] : undefined;
  };
  return { clock, table, ask };
};

/** 192.0.2.0/28: fourteen addresses. */
const SMALL = ['192.0.2.0/28'];

t.test('names that rules give have the first addresses, in the order of the rules, in both families', async (t) => {
  const { table } = setup(
    ['API.example.com', '*.example.com', 'tools.contoso.internal', 'db.example.net', 'api.example.com'],
    ['10.20.240.0/20', 'fd10:20::a:0/112'],
    ['tools.contoso.internal'],
  );
  t.strictSame(table.lookUp('api.example.com', 's1'), { addresses: ['10.20.240.1', 'fd10:20::a:1'] });
  t.strictSame(table.lookUp('db.example.net', undefined), { addresses: ['10.20.240.2', 'fd10:20::a:2'] });
  t.strictSame(table.lookUp('new.example.com', 's1'), { addresses: ['10.20.240.3', 'fd10:20::a:3'] });
  for (const [address, name] of [
    ['10.20.240.1', 'api.example.com'],
    ['fd10:20::a:2', 'db.example.net'],
    ['FD10:20:0::A:3', 'new.example.com'],
    ['10.20.240.4', undefined],
    ['10.20.0.10', undefined],
  ] as const) {
    t.equal(table.nameAt(address), name, address);
  }
  t.ok(table.owns('10.20.255.254'));
  t.notOk(table.owns('10.20.255.255'));
  t.notOk(table.owns('10.20.0.10'));
});

t.test('names are known by rule, by wildcard at any depth, and not at the wildcard’s own name', async (t) => {
  const { table } = setup(['one.example.net', '*.example.com'], undefined, ['web.example.com']);
  for (const name of ['one.example.net', 'a.example.com', 'a.b.c.example.com', '_x.example.com'])
    t.ok(table.has(name), name);
  for (const name of [
    'example.com',
    'evilexample.com',
    'two.one.example.net',
    'web.example.com',
    'a b.example.com',
    '\\000.example.com',
    '.example.com',
    '-a.example.com',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(125)}example.com`,
    'com',
    '',
  ]) {
    t.notOk(table.has(name), name);
  }
});

t.test('a name keeps its address, whoever asks, for as long as nobody needs the room', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], SMALL);
  const first = ask('a.example.com');
  t.equal(ask('a.example.com', 's2'), first);
  table.forget('s1');
  table.forget('s2');
  clock.advance(10 * NAME_HOLD_MS);
  t.equal(table.nameAt(first!), 'a.example.com');
  t.equal(ask('a.example.com', 's3'), first);
  t.equal(table.size, 1);
});

t.test('a session that has its share is refused, until it may have forgotten a name', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], SMALL);
  const names = Array.from({ length: 14 }, (_, i) => `n${i}.example.com`);
  const given = names.filter((name) => ask(name) !== undefined);
  t.equal(given.length, 4, 'a few of so small a network');
  t.match(table.lookUp('more.example.com', 's1'), { refusal: /looked up 4 names within 65 s.*its share of 14/ });
  t.equal(ask('n0.example.com'), '192.0.2.1', 'those that it has are still answered');
  clock.advance(NAME_HOLD_MS - 1);
  t.equal(ask('more.example.com'), undefined);
  clock.advance(1);
  t.equal(ask('more.example.com'), '192.0.2.5', 'the one not used for longest is let go of');
  t.equal(table.holds, 4);
});

t.test('the name that goes is the one that was not used for longest, and never one that a flow uses', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], ['192.0.2.0/30']);
  const a = ask('a.example.com')!;
  const release = table.keep(a, 's1');
  clock.advance(2 * NAME_HOLD_MS);
  table.forget('s1');
  const b = ask('b.example.com', 's2')!;
  t.not(b, a);
  t.match(table.lookUp('c.example.com', 's3'), { refusal: /all 2 addresses for names are in use/ });
  table.forget('s2');
  t.equal(ask('c.example.com', 's3'), b, 'what nobody needs makes room');
  t.equal(table.nameAt(a), 'a.example.com');
  release();
  release();
  t.equal(ask('d.example.com', 's4'), a);
  t.equal(ask('e.example.com', 's5'), undefined);
});

t.test('a flow counts as use of its name, from begin to end', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], ['192.0.2.0/29']);
  const a = ask('a.example.com')!;
  for (const name of ['b1', 'b2', 'b3']) t.ok(ask(`${name}.example.com`));
  t.equal(ask('c.example.com'), undefined);
  const release = table.keep(a, 's1');
  clock.advance(NAME_HOLD_MS);
  release();
  for (const name of ['c1', 'c2', 'c3']) t.ok(ask(`${name}.example.com`), 'one of b was not used');
  t.equal(ask('d.example.com'), undefined, 'all of c were just asked for, and a just used');
  t.equal(table.nameAt(a), 'a.example.com');
});

t.test('a session has no more than its share by keeping flows open', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], SMALL);
  for (let i = 0; i < 4; i++) table.keep(ask(`n${i}.example.com`)!, 's1');
  for (let i = 0; i < 20; i++) {
    clock.advance(NAME_HOLD_MS);
    t.equal(ask(`more${i}.example.com`), undefined);
  }
  t.equal(table.size, 4);
});

t.test('a flow to a name of a session that is over keeps the name', async (t) => {
  const { table, ask } = setup(['*.example.com'], ['192.0.2.0/30']);
  const [a, b] = [ask('a.example.com'), ask('b.example.com')];
  table.forget('s1');
  const release = table.keep(a!, 's2');
  t.equal(ask('c.example.com', 's2'), b);
  t.equal(ask('d.example.com', 's2'), undefined);
  release();
  t.equal(ask('d.example.com', 's2'), a);
});

t.test(
  '100,000 names that one session makes up take no name from another, and no more room than its share',
  async (t) => {
    const { table, ask, clock } = setup(['*.example.com', 'fixed.example.net']);
    const honest = ['mail.example.com', 'www.example.com'].map((name) => [name, ask(name, 'honest')] as const);
    let given = 0;
    for (let i = 0; i < 100_000; i++) {
      if (ask(`x${i}.example.com`, 'hostile') !== undefined) given++;
      if (i % 20_000 === 0) clock.advance(NAME_HOLD_MS / 2);
    }
    t.ok(table.size <= 4_094);
    t.ok(table.holds <= MAX_NAMES_OF_SESSION + 2, `${table.holds}`);
    t.ok(given < 10_000, `${given}`);
    for (const [name, address] of honest) {
      t.equal(table.nameAt(address!), name);
      t.equal(ask(name, 'honest'), address);
    }
    t.equal(ask('fixed.example.net', 'honest'), '10.20.240.1');
    for (let i = 0; i < 300; i++) t.ok(ask(`y${i}.example.com`, 'honest'), `${i}`);
  },
);

t.test('sessions that come and go leave room for others', async (t) => {
  const { table, ask } = setup(['*.example.com']);
  const mine = ask('mine.example.com', 'honest');
  for (let session = 0; session < 200; session++) {
    for (let i = 0; i < 500; i++) ask(`x${session}-${i}.example.com`, `s${session}`);
    table.forget(`s${session}`);
  }
  t.ok(table.size <= 4_094);
  t.equal(table.holds, 1);
  t.equal(table.nameAt(mine!), 'mine.example.com');
  t.ok(ask('another.example.com', 'honest'));
});

t.test('many sessions at once: none is without a name', async (t) => {
  const { ask } = setup(['*.example.com']);
  for (let session = 0; session < 40; session++) {
    let given = 0;
    for (let i = 0; i < 600; i++) if (ask(`x${session}-${i}.example.com`, `s${session}`)) given++;
    t.ok(given >= 4, `session ${session} got ${given}`);
  }
});

t.test('whatever happens, an address means one name to all who may rely on it', async () => {
  const sessions = ['s1', 's2', 's3'] as const;
  const session = fc.constantFrom(...sessions);
  // No more different names for one session than each has in any case.
  const ask = { session, n: fc.nat(FEW_NAMES) };
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), ...ask }),
    fc.record({ kind: fc.constant('open' as const), ...ask }),
    fc.record({ kind: fc.constant('close' as const), n: fc.nat(11) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: NAME_HOLD_MS }) }),
    fc.record({ kind: fc.constant('end' as const), session }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { table, ask, clock } = setup(['*.example.com', 'fixed.example.com'], ['192.0.2.0/29']);
      /** What each session was told last, and until when it may believe that. */
      let told: {
        readonly name: string;
        readonly address: string;
        readonly until: number;
        readonly session: string;
      }[] = [];
      const flows: { readonly name: string; readonly address: string; readonly release: () => void }[] = [];
      for (const one of steps) {
        if (one.kind === 'wait') clock.advance(one.ms);
        else if (one.kind === 'close') flows.splice(one.n, 1)[0]?.release();
        else if (one.kind === 'end') {
          table.forget(one.session);
          told = told.filter((entry) => entry.session !== one.session);
        } else {
          // Each session has one name that others ask for too.
          const name =
            one.n === 0
              ? 'fixed.example.com'
              : one.n === 1
                ? 'shared.example.com'
                : `${one.session}-${one.n}.example.com`;
          const address = ask(name, one.session);
          if (address === undefined) continue;
          if (one.kind === 'open') flows.push({ name, address, release: table.keep(address, one.session) });
          told.push({ name, address, until: clock.monotonic() + NAME_HOLD_MS, session: one.session });
        }
        const believed = told.filter(({ until }) => until > clock.monotonic());
        if ([...flows, ...believed].some(({ name, address }) => table.nameAt(address) !== name)) return false;
        const names = [1, 2, 3, 4, 5, 6].map((n) => table.nameAt(`192.0.2.${n}`)).filter((name) => name !== undefined);
        if (new Set(names).size !== names.length || names.length !== table.size) return false;
      }
      for (const { release } of flows) release();
      for (const one of sessions) table.forget(one);
      return table.holds === 0 && ask('last.example.com', 's1') !== undefined;
    }),
    { numRuns: 500 },
  );
});

t.test('a table begins anew once nobody needs a name of it, and not before', async (t) => {
  const { table, ask } = setup(['fixed.example.net', '*.example.com'], SMALL);
  const fixed = ask('fixed.example.net');
  const first = ask('a.example.com')!;
  ask('b.example.com', 's2');
  const release = table.keep(first, 's1');
  t.equal(table.reset(), false, 'sessions hold names');
  table.forget('s1');
  table.forget('s2');
  t.equal(table.reset(), false, 'a flow goes to one');
  t.equal(table.nameAt(first), 'a.example.com');
  release();
  table.forget('s1');
  t.equal(table.reset(), true);
  t.equal(table.nameAt(first), undefined);
  t.equal(ask('c.example.com'), first);
  t.equal(ask('fixed.example.net'), fixed);
  t.equal(table.size, 2);
});

t.test(
  'rules may come and go: their names get addresses at once, and keep them as far as clients may use them',
  async (t) => {
    const { table, ask } = setup(['a.example.com'], SMALL);
    const use = (...matches: string[]) => table.usePatterns(matches.map((match) => namePattern(match)!));
    use('a.example.com', 'b.example.com', '*.example.net');
    t.strictSame(table.addressesAt('b.example.com'), ['192.0.2.2']);
    t.equal(ask('x.example.net'), '192.0.2.3');
    const release = table.keep('192.0.2.1', 's1');
    use('b.example.com', 'c.example.com');
    t.notOk(table.has('a.example.com'));
    t.notOk(table.has('x.example.net'));
    t.strictSame(table.addressesAt('c.example.com'), ['192.0.2.4']);
    t.equal(table.nameAt('192.0.2.1'), 'a.example.com', 'a flow goes there');
    use('b.example.com', 'c.example.com', ...Array.from({ length: 12 }, (_, i) => `n${i}.example.com`));
    t.equal(table.nameAt('192.0.2.1'), 'a.example.com');
    t.equal(table.nameAt('192.0.2.3'), 'x.example.net', 'a session may believe in it');
    t.strictSame(table.addressesAt('n10.example.com'), [], 'there is no room for all');
    release();
    use('b.example.com', 'n11.example.com');
    t.notOk(table.reset(), 'a session holds a name');
    table.forget('s1');
    t.ok(table.reset());
    t.strictSame(
      [table.addressesAt('b.example.com'), table.addressesAt('n11.example.com')],
      [['192.0.2.1'], ['192.0.2.2']],
    );
    t.equal(table.size, 2);
  },
);

t.test('addresses are for names from the first rule by name on, and until a reset without one', async (t) => {
  const { table } = setup(['tools.contoso.internal'], SMALL, ['tools.contoso.internal']);
  t.notOk(table.owns('192.0.2.1'));
  table.usePatterns([namePattern('a.example.com')!]);
  t.ok(table.owns('192.0.2.1'));
  table.usePatterns([]);
  t.equal(table.nameAt('192.0.2.1'), 'a.example.com');
  t.ok(table.reset());
  t.notOk(table.owns('192.0.2.1'));
  t.equal(table.nameAt('192.0.2.1'), undefined);
});

t.test('a session that looks up a name it holds keeps its other names, also at its limit', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], SMALL);
  for (let i = 0; i < FEW_NAMES; i++) ask(`n${i}.example.com`);
  clock.advance(NAME_HOLD_MS);
  ask('n3.example.com');
  t.equal(table.holds, FEW_NAMES, 'there is no need to let go of one');
});

t.test('at its limit a session lets go of an old name for one that others looked up', async (t) => {
  const { table, ask, clock } = setup(['*.example.com'], SMALL);
  for (let i = 0; i < FEW_NAMES; i++) ask(`n${i}.example.com`);
  const other = ask('other.example.com', 's2');
  clock.advance(NAME_HOLD_MS);
  t.equal(ask('other.example.com', 's1'), other);
  table.forget('s2');
  for (let i = 0; i < 20; i++) ask(`more${i}.example.com`, `t${i}`);
  t.equal(table.nameAt(other!), 'other.example.com', 's1 holds it now');
});

t.test('a name that a session still holds is not given away at the end of a flow of another one', async (t) => {
  const { table, ask } = setup(['*.example.com'], ['192.0.2.0/30']);
  const [a, b] = [ask('a.example.com', 's1')!, ask('b.example.com', 's1')!];
  table.keep(a, 's2')();
  t.equal(ask('c.example.com', 's3'), undefined);
  t.equal(table.nameAt(a), 'a.example.com');
  t.equal(table.nameAt(b), 'b.example.com');
});

t.test('the name of a rule is not given away at the end of a flow to it', async (t) => {
  const { table, ask } = setup(['api.example.com', '*.example.com'], ['192.0.2.0/30']);
  const [api] = table.addressesAt('api.example.com');
  table.keep(api!, 's1')();
  t.ok(ask('a.example.com'));
  t.equal(ask('b.example.com', 's2'), undefined);
  t.equal(table.nameAt(api!), 'api.example.com');
});
