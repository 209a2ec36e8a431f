import t from 'tap';
import { FaultEngine, type FaultRuleInput, type Passing } from '../../src/faults/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { Events } from '../support/gateway.ts';

function engineOf(seed = 1) {
  const events = new Events();
  const clock = new ManualClock();
  const faults = new FaultEngine({ clock, machine: clock, emit: events.emit, seed });
  return { events, clock, faults };
}

/** Which of so many logins are refused, by their numbers from 1 on. */
function refused(faults: FaultEngine, count: number, facts: (i: number) => object = () => ({})): number[] {
  const struck: number[] = [];
  for (let i = 1; i <= count; i++) if (faults.decision?.('authenticate', facts(i))) struck.push(i);
  return struck;
}

const login = (when: FaultRuleInput['when'], name?: string): FaultRuleInput => ({
  ...(name === undefined ? {} : { name }),
  on: { seam: 'decision', kind: 'authenticate' },
  ...(when === undefined ? {} : { when }),
  then: { do: 'refuse' },
});

t.test('occurrences: skip first, then every, then as often as times says', async (t) => {
  const cases: [FaultRuleInput['when'], number[]][] = [
    [undefined, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [{ skip: 7 }, [8, 9, 10]],
    [{ times: 2 }, [1, 2]],
    [{ every: 3 }, [3, 6, 9]],
    [{ skip: 2, every: 3, times: 2 }, [5, 8]],
    [{ skip: 2, times: 1 }, [3]],
  ];
  for (const [when, expected] of cases) {
    const { faults } = engineOf();
    const rule = faults.add(login(when));
    t.strictSame(refused(faults, 10), expected, JSON.stringify(when));
    t.equal(rule.seen(), 10);
    t.equal(rule.hits(), expected.length);
  }
});

t.test('each session is counted by itself where the rule says so', async (t) => {
  const { faults } = engineOf();
  faults.add(login({ skip: 1, times: 1, per: 'session' }));
  t.strictSame(
    refused(faults, 9, (i) => ({ session: ['a', 'b', 'c'][i % 3] })),
    [4, 5, 6],
  );
});

t.test('a rule has a time, by the clock of the simulator', async (t) => {
  const { faults, clock } = engineOf();
  const rule = faults.add(login({ after: '30s', during: '1m' }));
  t.strictSame(refused(faults, 1), []);
  clock.advance(29_999);
  t.strictSame(refused(faults, 1), []);
  clock.advance(1);
  t.strictSame(refused(faults, 1), [1]);
  clock.advance(59_999);
  t.strictSame(refused(faults, 1), [1]);
  clock.advance(1);
  t.strictSame(refused(faults, 1), []);
  t.equal(rule.seen(), 2, 'what passes outside of its time is not counted');
});

t.test('adding a rule changes nobody else’s luck; another seed does', async (t) => {
  const run = (seed: number, others: boolean): number[] => {
    const { faults } = engineOf(seed);
    if (others) faults.add({ ...login({ chance: 0.3 }, 'other'), on: { seam: 'decision', kind: 'connect' } });
    const rule = faults.add(login({ chance: 0.5 }, 'unlucky'));
    if (others) faults.add(login({ chance: 0.9 }, 'later'));
    const hits: number[] = [];
    for (let i = 0; i < 64; i++) {
      const before = rule.hits();
      faults.decision?.('authenticate', {});
      if (others) faults.decision?.('connect', {});
      if (rule.hits() > before) hits.push(i);
    }
    return hits;
  };
  const alone = run(7, false);
  t.ok(alone.length > 0 && alone.length < 64);
  t.strictSame(run(7, true), alone);
  t.notSame(run(8, false), alone);
});

t.test('losses in bursts follow the model of Gilbert and Elliott', async (t) => {
  const { faults } = engineOf();
  faults.add(login({ burst: { start: 0.02, end: 0.25 } }));
  const struck = refused(faults, 20_000);
  const bursts = struck.filter((one, i) => struck[i - 1] !== one - 1).length;
  t.ok(Math.abs(struck.length / 20_000 - 0.02 / 0.27) < 0.02, `share in the bad state: ${struck.length / 20_000}`);
  t.ok(Math.abs(struck.length / bursts - 1 / 0.25) < 0.8, `mean burst: ${struck.length / bursts}`);
});

t.test('every rule that selects something counts it, and the first that strikes acts', async (t) => {
  const { faults, events } = engineOf();
  const first = faults.add(login({ every: 2 }, 'first'));
  const second = faults.add({ ...login({ times: 3 }, 'second'), then: { do: 'refuse', reason: 'two' } });
  const said = Array.from({ length: 4 }, () => faults.decision?.('authenticate', {})?.explanation);
  t.strictSame(said, ['two', 'The fault rule first caused this.', 'two', 'The fault rule first caused this.']);
  t.strictSame([first.seen(), first.hits(), second.seen(), second.hits()], [4, 2, 4, 2]);
  t.match(
    events.of('fault.injected').map(({ rule, hit }) => [rule, hit]),
    [
      ['second', 1],
      ['first', 1],
      ['second', 2],
      ['first', 2],
    ],
  );
});

t.test('rules select by session, user, address, name, port, and a condition in code', async (t) => {
  const remote = { address: '192.0.2.7', key: '192.0.2.7:5000' };
  const person = { username: '1234', signInName: 'Alice@contoso.com', objectId: '1234', tenantId: undefined };
  const reached = { protocol: 'tcp', target: 'http' } as const;
  const facts = { session: 'abc123', person, remote, name: 'Intranet.contoso.internal', port: 443, ...reached };
  const at = (on: object) => {
    const { faults } = engineOf();
    faults.add({ on: { seam: 'decision', kind: 'resource', ...on }, then: { do: 'refuse' } });
    return faults.resource?.(facts) !== undefined;
  };
  for (const on of [
    { session: ['x', 'abc123'] },
    { user: 'alice@contoso.com' },
    { user: ['x', '1234'] },
    { remote: '192.0.2.7' },
    { remote: '192.0.2.7:5000' },
    { remote: ['2001:db8::/32', '192.0.2.0/24'] },
    { name: 'intranet.contoso.internal' },
    { name: '*.contoso.internal' },
    { port: 443 },
    { where: ({ person }: Passing) => person?.username === '1234' },
  ]) {
    t.equal(at(on), true, JSON.stringify(on));
  }
  for (const on of [
    { session: 'abc124' },
    { user: 'bob' },
    { remote: '192.0.2.7:5001' },
    { remote: '198.51.100.0/24' },
    { name: '*.fabrikam.internal' },
    { name: 'contoso.internal' },
    { port: 80 },
    { where: () => false },
  ]) {
    t.equal(at(on), false, JSON.stringify(on));
  }
});

t.test('an IPv6 address selects its clients however it is spelled', async (t) => {
  const remote = { address: '2001:db8::7', key: '[2001:db8::7]:5000' };
  for (const spelled of ['2001:DB8:0::7', '[2001:0db8:0:0:0:0:0:7]:5000', '2001:db8::7', '[2001:db8::7]:5000']) {
    const { faults } = engineOf();
    faults.add({ on: { seam: 'decision', kind: 'connect', remote: spelled }, then: { do: 'refuse' } });
    t.ok(faults.decision?.('connect', { session: 'abc123', remote }), spelled);
  }
  {
    const { faults } = engineOf();
    faults.add({ on: { seam: 'decision', kind: 'resource', name: '2001:DB8:0::7' }, then: { do: 'refuse' } });
    t.ok(faults.resource?.({ session: 'abc123', name: '2001:db8::7', protocol: 'tcp', target: 'http' }), 'asked for');
  }
});

t.test('an unnamed rule leaves the names alone that the configuration gives to later ones', async (t) => {
  const drop = { on: { seam: 'udp' }, then: { do: 'drop' } } as const;
  const faults = new FaultEngine({
    clock: new ManualClock(),
    machine: new ManualClock(),
    emit: () => {},
    seed: 1,
    rules: [drop, { ...drop, name: 'udp-drop' }, { ...drop, name: 'udp-drop-2' }],
  });
  t.strictSame(
    faults.list().map(({ name }) => name),
    ['udp-drop-3', 'udp-drop', 'udp-drop-2'],
  );
  faults.reset();
  t.equal(faults.list().length, 3);
});

t.test('a condition that throws selects nothing, and is told once', async (t) => {
  const { faults, events } = engineOf();
  const where = () => {
    throw new Error('no way');
  };
  faults.add({ name: 'broken', on: { seam: 'decision', where }, then: { do: 'refuse' } });
  t.strictSame(refused(faults, 3), []);
  t.match(events.of('fault.limit'), [{ rule: 'broken', explanation: /condition in code threw.*no way/ }]);
});

t.test('a handle waits for strikes, and says why it waited in vain', async (t) => {
  const { faults } = engineOf();
  const rule = faults.add(login({ every: 2 }, 'second'));
  const twice = rule.struck(2);
  refused(faults, 4);
  await twice;
  await rule.struck();
  t.equal(rule.events().length, 2);
  await t.rejects(rule.struck(3, { timeout: 1 }), {
    code: 'ERR_TIMEOUT',
    message: 'Waited 1 ms for the fault rule second to strike 3 times: it selected 4, and struck 2 of them.',
  });
  const vain = rule.struck(3);
  rule.remove();
  await t.rejects(vain, { code: 'ERR_FAULT_UNKNOWN' });
  t.throws(() => faults.get('second'), { code: 'ERR_FAULT_UNKNOWN' });
  t.doesNotThrow(() => rule.remove());
});

t.test('a handle is asked for a number of times that there can be', async (t) => {
  const { faults } = engineOf();
  const rule = faults.add(login({ times: 1 }));
  refused(faults, 2);
  const told = {
    code: 'ERR_COUNT_INVALID',
    message: /^The number of strikes must be a whole number of at least 0/,
  };
  for (const times of [Number.NaN, -1, 1.5, Infinity, '2' as never]) await t.rejects(rule.struck(times), told);
  await rule.struck(0);
  await rule.struck();
  for (const timeout of [Number.NaN, -1, '5s' as never]) {
    await t.rejects(rule.struck(2, { timeout }), { code: 'ERR_DURATION_INVALID' });
  }
  for (const count of [Number.NaN, -1, 0, 1.5]) {
    t.throws(() => rule.release(count), {
      code: 'ERR_COUNT_INVALID',
      message: /^The number of items to release must be a whole number of at least 1/,
    });
  }
  t.equal(rule.release(Infinity), 0);
});

t.test('a rule ends with its block, and a seam without rules has none', async (t) => {
  const { faults, events } = engineOf();
  t.equal(faults.decision, undefined);
  {
    await using rule = faults.add(login(undefined));
    t.equal(rule.name, 'decision-refuse');
    t.equal(faults.add(login(undefined)).name, 'decision-refuse-2');
    t.type(faults.decision, 'function');
    t.equal(faults.datagrams, undefined);
  }
  faults.remove('decision-refuse-2');
  t.equal(faults.decision, undefined);
  t.match(events.of('fault.removed'), [
    { rule: 'decision-refuse', seen: 0 },
    { rule: 'decision-refuse-2', seen: 0 },
  ]);
});

t.test('what is wrong with a rule is said in words, with the member', async (t) => {
  const { faults } = engineOf();
  const cases: [unknown, RegExp][] = [
    [{ on: { seam: 'ucp' }, then: { do: 'drop' } }, /rule on\.seam: there is no seam "ucp".*Did you mean "udp"/],
    [{ on: { seam: 'udp' }, then: { do: 'dorp' } }, /rule then\.do: there is no action "dorp".*Did you mean "drop"/],
    [{ on: { seam: 'udp' } }, /rule: "then" is missing/],
    [{ on: { seam: 'udp', knd: 'x' }, then: { do: 'drop' } }, /rule on\.knd: .*Did you mean "kind"/],
    [
      { on: { seam: 'udp', kind: 'hello' }, then: { do: 'drop' } },
      /rule on\.kind: the seam udp has no items of the kind "hello", so the rule could never match, expected: client-hello/,
    ],
    [{ on: { seam: 'udp', kind: ['data', 'alert'] }, then: { do: 'drop' } }, /before and after decryption/],
    [{ on: { seam: 'udp', remote: '192.0.2.7:99999' }, then: { do: 'drop' } }, /rule on\.remote: .* is not an address/],
    [{ on: { seam: 'udp', remote: '192.0.2.0/24:80' }, then: { do: 'drop' } }, /rule on\.remote: .* is not an address/],
    [{ on: null, then: { do: 'drop' } }, /rule on: null is not valid here/],
    [{ on: { seam: 'udp', where: 'x' }, then: { do: 'drop' } }, /rule on\.where: it must be a function/],
    [{ on: { seam: 'udp', remote: 'there' }, then: { do: 'drop' } }, /rule on\.remote: "there" is not an address/],
    [{ on: { seam: 'udp', port: 80 }, then: { do: 'drop' } }, /rule on\.port: items at the seam udp have no port/],
    [{ on: { seam: 'udp', length: { min: 9, max: 3 } }, then: { do: 'drop' } }, /rule on\.length: min is above max/],
    [{ on: { seam: 'udp' }, then: { do: 'refuse' } }, /rule then\.do: refuse is not possible at the seam udp/],
    [{ on: { seam: 'udp' }, then: { do: 'delay' } }, /rule then: delay needs "ms"/],
    [{ on: { seam: 'udp' }, then: { do: 'drop', ms: 3 } }, /rule then\.ms: drop has no "ms", expected: only "do"/],
    [{ on: { seam: 'udp' }, when: { chance: 0 }, then: { do: 'drop' } }, /rule when\.chance: .*never strike/],
    [{ on: { seam: 'udp' }, when: { after: 'soon' }, then: { do: 'drop' } }, /rule when\.after: .*soon/],
    [{ on: { seam: 'decision', kind: 'accept' }, then: { do: 'refuse' } }, /refuse is not possible at accept/],
    [
      { on: { seam: 'decision', kind: 'accept', name: 'x' }, then: { do: 'reset' } },
      /rule on\.name: only resource has a name/,
    ],
    [null, /rule/],
  ];
  for (const [rule, message] of cases) {
    t.throws(() => faults.add(rule as FaultRuleInput), { code: 'ERR_FAULT_RULE', message }, String(message));
  }
  faults.add(login(undefined, 'one'));
  t.throws(() => faults.add(login(undefined, 'one')), { code: 'ERR_FAULT_EXISTS' });
  t.equal(faults.list().length, 1);
});

t.test('a rule that can never strike is told', async (t) => {
  const events = new Events();
  const clock = new ManualClock();
  const surroundings = { udpDisabled: true };
  const faults = new FaultEngine({ clock, machine: clock, emit: events.emit, seed: 1, surroundings });
  t.match(faults.add({ on: { seam: 'udp' }, then: { do: 'drop' } }).status.notes, [/UDP is turned off/]);
  faults.add(login(undefined, 'all'));
  t.match(faults.add(login({ times: 1 })).status.notes, [/The rule all was added before, and strikes everything/]);
  t.match(
    events.of('fault.added').map(({ notes }) => notes.length),
    [1, 0, 1],
  );
});

t.test('ten thousand rules about others cost nothing but their memory', async (t) => {
  const { faults } = engineOf();
  let asked = 0;
  for (let i = 0; i < 10_000; i++) {
    const where = (): boolean => {
      asked++;
      return true;
    };
    faults.add({ on: { seam: 'decision', kind: 'authenticate', session: `s${i}`, where }, then: { do: 'refuse' } });
  }
  t.strictSame(
    refused(faults, 10, () => ({ session: 's77' })),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  t.equal(asked, 10, 'each is held against the one rule that it may concern');
  t.equal(faults.clear(), 10_000);
  t.equal(faults.decision, undefined);
});
