import t from 'tap';
import { connect, start } from '../support/running-simulator.ts';

t.test('answers of the resolver fail, lie, come late, or do not come', async (t) => {
  const sim = await start(t);
  const { client, id } = await connect(t, sim);
  const right = await client.resolve('intranet.contoso.internal');
  t.ok(right.length > 0);
  for (const [action, words] of [
    ['nxdomain', /NXDOMAIN|no such|exist|not found/i],
    ['servfail', /SERVFAIL|fail/i],
    ['refused', /answers only for the on-premises network/],
  ] as const) {
    await using rule = sim.faults.add({
      on: { seam: 'dns', name: '*.contoso.internal', session: id },
      then: { do: action },
    });
    await t.rejects(client.resolve('intranet.contoso.internal'), { message: words }, action);
    t.ok(rule.hits() > 0);
    t.match(sim.journal.query({ name: 'dns.query' }).at(-1)!.fields, { answers: 0, outcome: /fault rule dns-/ });
  }
  {
    await using wrong = sim.faults.add({ on: { seam: 'dns' }, then: { do: 'wrong_address', addresses: '10.20.0.99' } });
    t.strictSame(await client.resolve('intranet.contoso.internal'), ['10.20.0.99'], 'and none of the other family');
    t.ok(wrong.hits() > 0);
  }
  {
    await using cut = sim.faults.add({ on: { seam: 'dns', kind: 'A' }, then: { do: 'truncate' } });
    await t.rejects(client.resolve('intranet.contoso.internal'), { message: /too long for a datagram/ });
    t.equal(cut.hits(), 1);
  }
  {
    await using late = sim.faults.add({ on: { seam: 'dns' }, then: { do: 'delay', ms: 20, jitter: 5 } });
    t.strictSame((await client.resolve('intranet.contoso.internal')).sort(), [...right].sort());
    t.ok(late.hits() > 0);
  }
  {
    await using silent = sim.faults.add({ on: { seam: 'dns' }, when: { times: 1 }, then: { do: 'drop' } });
    t.strictSame((await client.resolve('intranet.contoso.internal')).sort(), [...right].sort(), 'it asks again');
    t.equal(silent.hits(), 1);
  }
  {
    await using other = sim.faults.add({
      on: { seam: 'dns', name: 'files.contoso.internal' },
      then: { do: 'servfail' },
    });
    await client.resolve('intranet.contoso.internal');
    t.equal(other.seen(), 0);
  }
});

t.test('rules about names that could never match are refused', async (t) => {
  const sim = await start(t);
  const add = (on: object, then: object) => () => sim.faults.add({ on: { seam: 'dns', ...on }, then } as never);
  t.throws(add({ kind: 'AAA' }, { do: 'servfail' }), { message: /Did you mean "A(AAA)?"\?/ });
  t.throws(add({ kind: 'MX' }, { do: 'wrong_address', addresses: '10.0.0.1' }), { message: /is not possible at MX/ });
  t.throws(add({}, { do: 'wrong_address', addresses: ['10.0.0.1', 'ten'] }), { message: /"ten" is not an IP address/ });
  t.throws(add({}, { do: 'wrong_address' }), { message: /wrong_address needs "addresses"/ });
  t.throws(add({ port: 53 }, { do: 'servfail' }), { message: /items at the seam dns have no port/ });
  t.throws(add({}, { do: 'hold' }), { message: /hold is not possible at the seam dns, expected: .*nxdomain/ });
});
