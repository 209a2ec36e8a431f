import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/index.ts';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// What goes wrong behind the tunnel and with its session, as a stock client and the kernel behind it meet it: packets, names, resources.

t.setTimeout(300_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl', 'dig', 'ping'], namespaces: true, tun: true });

const INTRANET = '10.20.0.10';
const PAGE = `http://${INTRANET}/whoami`;
const resource = { seam: 'decision', kind: 'resource' } as const;

async function connected(t: Test, config: ConfigInput = {}) {
  const one = await desk(t, config);
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const out = async (program: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await one.client.output(program, args);
    return `${stdout}${stderr}`;
  };
  const dig = (...args: string[]) => out('dig', '@10.20.0.53', '+tries=1', '+time=3', ...args);
  const curl = (...args: string[]) =>
    out('curl', '-sS', '--max-time', '30', '-o', '/dev/null', '-w', '%{http_code} %{size_download} ', ...args);
  return { sim: one.sim, run, out, dig, curl };
}

t.test(
  'dig sees names that are not there, fail, are refused, lie, are cut off, come late, or do not come',
  { skip },
  async (t) => {
    const { sim, dig } = await connected(t);
    const name = 'intranet.contoso.internal';
    for (const [action, status] of [
      ['nxdomain', 'NXDOMAIN'],
      ['servfail', 'SERVFAIL'],
      ['refused', 'REFUSED'],
    ] as const) {
      await using rule = sim.faults.add({
        on: { seam: 'dns', name: '*.contoso.internal', user: 'alice@contoso.com' },
        then: { do: action },
      });
      for (const transport of ['+notcp', '+tcp'])
        t.match(await dig(transport, name), `status: ${status}`, `${action} ${transport}`);
      t.equal(rule.hits(), 2);
    }
    {
      await using _ = sim.faults.add({
        on: { seam: 'dns', kind: ['A', 'AAAA'] },
        then: { do: 'wrong_address', addresses: ['10.20.0.99', 'fd10:20::99'] },
      });
      t.equal((await dig('+short', name, 'A')).trim(), '10.20.0.99');
      t.equal((await dig('+short', name, 'AAAA')).trim(), 'fd10:20::99');
    }
    {
      await using cut = sim.faults.add({ on: { seam: 'dns' }, then: { do: 'truncate' } });
      t.match(await dig('+ignore', name), /flags: qr aa tc rd ra[\s\S]*ANSWER: 0/);
      t.match(await dig(name), /Truncated, retrying in TCP mode[\s\S]*10\.20\.0\.10/);
      t.equal(cut.hits(), 3);
    }
    {
      await using late = sim.faults.add({ on: { seam: 'dns', kind: 'A' }, then: { do: 'delay', ms: 50 } });
      t.match(await dig(name, 'A'), /10\.20\.0\.10/);
      t.match(await dig('+tcp', name, 'A'), /10\.20\.0\.10/);
      t.equal(late.hits(), 2);
    }
    await using silent = sim.faults.add({ on: { seam: 'dns' }, then: { do: 'drop' } });
    t.match(await dig('+time=1', name), /timed out|no servers could be reached/);
    t.equal(silent.hits(), 1);
  },
);

t.test('the kernel loses packets, has them late and twice, and learns what the way takes', { skip }, async (t) => {
  const { sim, out, curl } = await connected(t);
  const ping = (...args: string[]) => out('ping', '-n', '-c', '3', '-i', '0.2', '-W', '2', ...args, INTRANET);
  {
    await using lost = sim.faults.add({
      on: { seam: 'packet', kind: 'icmp', direction: 'in', address: INTRANET },
      when: { every: 3 },
      then: { do: 'drop' },
    });
    t.match(await ping(), /3 packets transmitted, 2 received/);
    t.strictSame([lost.seen(), lost.hits()], [3, 1]);
  }
  {
    await using twice = sim.faults.add({
      on: { seam: 'packet', kind: 'icmp', direction: 'out', address: INTRANET },
      then: { do: 'duplicate' },
    });
    t.match(await ping(), /\(DUP!\)/);
    t.equal(twice.hits(), 3);
  }
  {
    await using changed = sim.faults.add({
      on: { seam: 'packet', kind: 'icmp', direction: 'in', address: INTRANET },
      then: { do: 'corrupt', bit: 300 },
    });
    t.match(await ping(), /3 packets transmitted, 0 received/, 'the checksum tells');
    t.equal(changed.hits(), 3);
  }
  {
    await using hole = sim.faults.add({
      on: { seam: 'packet', direction: 'in' },
      then: { do: 'mtu_blackhole', bytes: 1200 },
    });
    t.match(await ping('-M', 'do', '-s', '1300'), /3 packets transmitted, 0 received(?![\s\S]*Frag)/);
    t.equal(hole.hits(), 3);
  }
  {
    await using told = sim.faults.add({
      on: { seam: 'packet', direction: 'in' },
      then: { do: 'mtu_blackhole', bytes: 1200, icmp: true },
    });
    t.match(await ping('-M', 'do', '-s', '1300'), /Frag needed and DF set \(mtu = 1200\)|message too long, mtu=1200/);
    t.ok(told.hits() >= 1);
  }
  {
    // The stack behind the gateway learns it too: the page comes in smaller packets.
    await using small = sim.faults.add({
      on: { seam: 'packet', direction: 'out', kind: 'tcp' },
      then: { do: 'mtu_blackhole', bytes: 1000, icmp: true },
    });
    t.match(await curl(`http://${INTRANET}/bytes/200000`), /^200 200000 /);
    t.ok(small.hits() >= 1);
  }
  {
    await using syn = sim.faults.add({
      on: { seam: 'packet', direction: 'in', flags: ['syn', '!ack'], port: 80 },
      when: { times: 1 },
      then: { do: 'drop' },
    });
    t.match(await curl(PAGE), /^200 /, 'the SYN is sent again');
    t.strictSame([syn.seen(), syn.hits()], [2, 1]);
  }
  for (const then of [
    { do: 'delay', ms: 150, jitter: 20 },
    { do: 'rate', kbps: 8, queue: 5000 },
  ] as const) {
    await using late = sim.faults.add({
      on: { seam: 'packet', kind: 'icmp', direction: 'in', address: INTRANET },
      then,
    });
    const [, least] = (await ping()).match(/min\/avg\/max\/mdev = ([\d.]+)/) ?? [];
    // An echo request of 84 bytes takes 84 ms at 8 kbit/s.
    t.ok(Number(least) >= (then.do === 'delay' ? 150 : 84), `${then.do}: ${least} ms`);
    t.equal(late.hits(), 3);
  }
  for (const then of [
    { do: 'reorder', by: 1 },
    { do: 'jitter', ms: 10 },
  ] as const) {
    await using turned = sim.faults.add({
      on: { seam: 'packet', kind: 'tcp', direction: 'out' },
      when: { every: then.do === 'reorder' ? 5 : 1 },
      then,
    });
    t.match(await curl(`http://${INTRANET}/bytes/200000`), /^200 200000 /, `TCP puts in order: ${then.do}`);
    t.ok(turned.hits() > 10);
  }
  const loss = sim.faults.add({
    on: { seam: 'packet', kind: 'tcp' },
    when: { burst: { start: 0.02, end: 0.5 } },
    then: { do: 'drop' },
  });
  t.match(await curl(`http://${INTRANET}/bytes/300000`), /^200 300000 /, 'TCP makes up for losses in bursts');
  t.ok(loss.hits() > 0);
  loss.remove();
  await using held = sim.faults.add({ on: { seam: 'packet', direction: 'out', kind: 'tcp' }, then: { do: 'hold' } });
  const page = curl(PAGE);
  await held.struck();
  held.remove();
  t.match(await page, /^200 /, 'a rule that is removed lets go what it holds');
});

t.test(
  'curl meets resources that refuse, are out of reach, keep silent, break off, and answer with a status',
  { skip },
  async (t) => {
    const { sim, curl, dig } = await connected(t);
    for (const [action, words] of [
      ['refuse', /Connection refused|Failed to connect/],
      ['unreachable', /No route to host|Failed to connect/],
    ] as const) {
      await using rule = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: action } });
      t.match(await curl(PAGE), words, action);
      t.ok(rule.hits() >= 1);
    }
    {
      await using _ = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: 'filter' } });
      t.match(await curl('--connect-timeout', '2', PAGE), /timed out|Timeout/i);
    }
    {
      await using _ = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: 'reset', bytes: 5000 } });
      t.match(await curl(`http://${INTRANET}/bytes/100000`), /reset by peer/i);
    }
    {
      await using _ = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: 'rate', kbps: 4000 } });
      t.match(await curl(`http://${INTRANET}/bytes/100000`), /^200 100000 /);
    }
    {
      await using late = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: 'delay', ms: 400 } });
      const took = (await curl('-w', '%{time_connect} %{http_code} ', PAGE)).match(/([\d.]+) 200 /);
      t.ok(Number(took?.[1]) >= 0.4, `connected after ${took?.[1]} s`);
      t.equal(late.hits(), 1);
    }
    for (const then of [
      { do: 'delay', ms: 400 },
      { do: 'rate', kbps: 4 },
    ] as const) {
      // A question and its answer have some 50 to 100 bytes.
      await using late = sim.faults.add({ on: { ...resource, port: 53 }, then });
      const [, milliseconds] = (await dig('intranet.contoso.internal')).match(/Query time: (\d+) msec/) ?? [];
      t.ok(Number(milliseconds) >= 180, `a slow resolver answers by UDP after ${milliseconds} ms`);
      t.equal(late.hits(), 1);
    }
    await using busy = sim.faults.add({
      on: { ...resource, port: 80 },
      then: { do: 'status', status: 503, retryAfter: 5 },
    });
    t.match(await curl(PAGE), /^503 /);
    t.equal(busy.hits(), 1);
  },
);

t.test('a session is ended at once, and one whose cookie expired does not come back', { skip }, async (t) => {
  const one = await desk(t);
  for (const action of ['terminate', 'cookie_expire'] as const) {
    const run = await one.connect(await one.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    const [session] = one.sim.sessions.list();
    await using rule = one.sim.faults.add({ on: { seam: 'decision', session: session!.id }, then: { do: action } });
    t.equal(rule.hits(), 1);
    if (action === 'cookie_expire') {
      t.match((await one.client.output('curl', ['-sS', PAGE])).stdout.toString(), /alice/, 'the tunnel goes on');
      one.sim.sessions.rekey(session!.id);
    }
    await run.ended;
    t.match(run.text(), action === 'terminate' ? /terminat|disconnect/i : /Cookie|401|expired|rejected/i);
    t.strictSame(one.sim.sessions.list(), []);
  }
});

t.test('a gateway that does not answer whether it lives is given up, and called anew', { skip }, async (t) => {
  const { sim, run } = await connected(t, { gateway: { dpd: 2, disableUdp: true } });
  const mark = sim.journal.mark();
  const mute = sim.faults.add({ on: { seam: 'decision' }, then: { do: 'dpd_mute' } });
  await mute.struck(1, { timeout: 60_000 });
  await sim.journal.waitFor({ name: 'session.connect', fields: { resumed: true }, since: mark }, { timeout: 100_000 });
  mute.remove();
  t.match(run.text(), /dead peer/i);
});
