import { once } from 'node:events';
import t from 'tap';
import { connectSimulator } from '../../src/index.ts';
import { connect, start } from '../support/running-simulator.ts';

/* Rules of access that come and go while the simulator runs, from in process and over REST. */

t.setTimeout(120_000);

const ECHO = 'tcpecho.contoso.internal';
const API = 'http://api.contoso.internal/status/200';

for (const remote of [false, true]) {
  t.test(
    `rules are added, replaced and removed while sessions go on, ${remote ? 'over REST' : 'in process'}`,
    async (t) => {
      const sim = await start(t, {
        resources: {
          access: { otherwise: 'allow', rules: [{ name: 'no pings', action: 'deny', protocols: ['icmp'] }] },
        },
      });
      const { access } = remote ? await connectSimulator(sim.urls.admin, { secret: sim.admin.secret }) : sim;
      const alice = await connect(t, sim);
      const bob = await connect(t, sim, 'bob@contoso.com');
      t.match(await access.list(), {
        otherwise: 'allow',
        rules: [
          { id: 'a1', name: 'no pings', action: 'deny', protocols: ['icmp'], users: [], source: 'configuration' },
        ],
      });
      const open = async (one: typeof alice) => {
        const stream = await one.client.openTcp(ECHO, 7);
        stream.write('hello');
        t.equal(String((await once(stream, 'data'))[0]), 'hello');
        stream.on('error', () => {});
        return stream;
      };
      const [ofAlice, ofBob] = [await open(alice), await open(bob)];
      const closed = new Promise((resolve) => ofBob.once('close', resolve));

      const added = await access.add({ action: 'deny', match: [ECHO], users: ['bob@contoso.com'] });
      t.match(added, { id: 'a2', name: null, source: 'added', ended: 1 });
      await closed;
      await t.rejects(bob.client.openTcp(ECHO, 7), { code: 'ERR_CLIENT_OPEN' });
      const denied = () => sim.journal.query({ name: 'resource.end', fields: { outcome: 'denied' } }).at(-1)?.fields;
      t.match(denied(), {
        rule: 'access a2',
        explanation: /^the access rule a2 denies tcpecho\.contoso\.internal tcp port 7 to bob@contoso\.com\.$/,
      });
      ofAlice.write('still there');
      t.equal(String((await once(ofAlice, 'data'))[0]), 'still there', 'of somebody else');
      t.equal((await bob.client.fetch(API)).status, 200, 'something else');
      t.match(sim.journal.query({ name: 'access.changed' }).at(-1)?.fields, {
        what: 'the rule a2 was added',
        rules: 2,
        otherwise: 'allow',
        ended: 1,
      });

      const last = await access.add({ name: 'first', action: 'allow', users: ['bob@contoso.com'] });
      t.same(
        (await access.list()).rules.map(({ id }) => id),
        [last.id, 'a2', 'a1'],
        'the latest comes first',
      );
      const allowed = await open(bob);
      const over = new Promise((resolve) => allowed.once('close', resolve));
      t.match(await access.remove(last.id), { ended: 1 }, 'what it had allowed ends with it');
      await over;
      await t.rejects(bob.client.openTcp(ECHO, 7));

      const gone = new Promise((resolve) => ofAlice.once('close', resolve));
      const replaced = await access.replace({
        rules: [{ name: 'api only', action: 'allow', match: ['api.contoso.internal'] }],
      });
      t.match(replaced, { otherwise: 'deny', rules: [{ id: 'a4', name: 'api only', source: 'added' }], ended: 1 });
      await gone;
      t.equal((await bob.client.fetch(API)).status, 200);
      await t.rejects(alice.client.openTcp(ECHO, 7));
      t.match(denied(), { rule: 'access', explanation: /^No rule of resources\.access allows tcpecho/ });
      t.match(await access.remove('a4'), { ended: 0 });
      t.strictSame(await access.list(), { otherwise: 'deny', rules: [] });
      (await open(alice)).destroy();

      await access.add({ action: 'deny' });
      t.equal(sim.sessions.list().filter(({ state }) => state === 'connected').length, 2, 'no session was dropped');
      await sim.reset();
      t.match(await access.list(), { otherwise: 'allow', rules: [{ name: 'no pings', source: 'configuration' }] });
      t.equal((await access.list()).rules.length, 1);
    },
  );

  t.test(`rules that cannot be meant are refused, ${remote ? 'over REST' : 'in process'}`, async (t) => {
    const sim = await start(t);
    const { access } = remote ? await connectSimulator(sim.urls.admin, { secret: sim.admin.secret }) : sim;
    const code = remote ? 'ERR_REQUEST_INVALID' : 'ERR_ACCESS_RULE';
    const bad: readonly (readonly [object, string, RegExp])[] = [
      [{}, code, /action/],
      [{ action: 'perhaps' }, code, /action/],
      [{ action: 'deny', match: ['*.*.example.com'] }, code, /match/],
      [{ action: 'deny', ports: [0] }, code, /ports/],
      [{ action: 'deny', ports: [Number.MAX_SAFE_INTEGER] }, code, /ports/],
      [{ action: 'deny', devices: ['jailbroken'] }, code, /devices/],
      [{ action: 'deny', whom: ['bob'] }, code, /whom/],
      [{ action: 'deny', ports: [80], protocols: ['icmp'] }, 'ERR_ACCESS_RULE', /Pings have no ports/],
    ];
    const add = async (rule: object) => access.add(rule as never);
    for (const [rule, expected, message] of bad) {
      await t.rejects(add(rule), { code: expected, message }, JSON.stringify(rule));
    }
    await t.rejects(
      (async () =>
        access.replace({
          rules: [
            { action: 'deny', name: 'a' },
            { action: 'deny', name: 'a' },
          ],
        }))(),
      {
        code: 'ERR_ACCESS_RULE',
        message: /two rules a/,
      },
    );
    for (const id of ['a1', '__proto__', 'x'.repeat(64), '💥']) {
      await t.rejects((async () => access.remove(id))(), { code: 'ERR_ACCESS_UNKNOWN' }, id);
    }
    t.strictSame(await access.list(), { otherwise: 'deny', rules: [] });
    t.strictSame(sim.journal.query({ name: 'access.changed' }), []);
  });
}

t.test('a reload takes over rules of the configuration, and leaves what was added', async (t) => {
  const sim = await start(t, { resources: { access: { rules: [{ name: 'old', action: 'allow' }] } } });
  sim.access.add({ name: 'mine', action: 'deny', protocols: ['icmp'] });
  await sim.reload({ log: { level: 'error' }, resources: { access: { rules: [{ name: 'old', action: 'allow' }] } } });
  t.match(sim.access.list().rules, [{ name: 'mine' }, { name: 'old' }]);
  await sim.reload({ resources: { access: { rules: [{ name: 'new', action: 'allow' }] } } });
  t.match(sim.access.list().rules, [
    { name: 'mine', source: 'added' },
    { name: 'new', source: 'configuration' },
  ]);
  t.equal(sim.access.list().rules.length, 2);
});
