import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// Faults as a stock client meets them, that needs no root: what goes into its tunnel comes from ocproxy.

t.setTimeout(300_000);
const skip = skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS });

const WHOAMI = 'http://intranet.contoso.internal/whoami';
const LONG = { timeout: 100_000 };

t.test('UDP is blocked and freed again from the command line, under a running client', { skip }, async (t) => {
  const folder = t.testdir();
  const certs = join(folder, 'certs');
  const args = ['--port', '0', '--certs', certs, '--set', 'gateway.dpd=3', '--json', '--log-level', 'silent'];
  const started = spawnCli(['start', ...args]);
  t.teardown(() => started.child.kill('SIGKILL'));
  const ready = JSON.parse(await started.waitFor(/\n/)) as { gateway: string; ca: string };
  const run = async (...argv: string[]) => {
    const { code, out, err } = await cli([...argv, '--certs', certs]);
    t.equal(code, 0, `${argv.join(' ')}: ${out}${err}`);
    return out;
  };
  const gateway = { ca: readFileSync(ready.ca, 'utf8'), urls: { gateway: ready.gateway } };
  await using tunnel = await SocksTunnel.open(gateway, (await run('token')).trim(), folder);
  await run('wait-for', 'channel.dtls.open', '--timeout', '20');
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);

  const newest = async () => String(JSON.parse(await run('journal', '--json', '-n', '1')).seq);
  const blocked = await newest();
  t.match(await run('fault', 'add', 'udp', 'drop', '--name', 'no-udp'), /The fault rule no-udp is active/);
  await run('wait-for', 'channel.switch', '--where', 'to=cstp', '--since', blocked, '--timeout', '60');
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, 'pages come over TLS');
  t.match(await run('fault', 'list'), /^no-udp +udp +drop +[1-9]\d* +[1-9]/m);
  await run('wait-for', 'fault.injected', '--where', 'rule=no-udp', '--timeout', '5');

  const freed = await newest();
  t.match(await run('fault', 'remove', 'no-udp'), /it struck [1-9]\d* of [1-9]\d* times/);
  await run('wait-for', 'channel.switch', '--where', 'to=dtls', '--since', freed, '--timeout', '120');
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, 'pages come over DTLS again');
  t.equal(await run('fault', 'list'), 'There are no fault rules.\n');
});

async function connected(t: Test, gateway: object = {}) {
  const sim = await startSimulator({ gateway: { dpd: 3, ...gateway } });
  t.teardown(() => sim.close());
  const open = async () => {
    const tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
    t.teardown(() => tunnel[Symbol.asyncDispose]());
    return tunnel;
  };
  return { sim, open };
}

t.test('the first flight of a handshake is lost: the client asks again', { skip }, async (t) => {
  const { sim, open } = await connected(t);
  const hellos = sim.faults.add({
    on: { seam: 'udp', direction: 'in', kind: 'client-hello' },
    when: { times: 2, per: 'session' },
    then: { do: 'drop' },
  });
  const third = sim.faults.add({
    name: 'third',
    on: { seam: 'udp', direction: 'out', kind: 'handshake' },
    when: { skip: 2, times: 1, per: 'session' },
    then: { do: 'drop' },
  });
  const tunnel = await open();
  await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
  t.equal(hellos.hits(), 2);
  const [session] = sim.sessions.list();
  t.ok(
    hellos.events().every((one) => one.session === session!.id),
    'a session is known from its first datagram on',
  );
  t.equal(third.hits(), third.seen() >= 3 ? 1 : 0);
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
});

t.test('pages come through a line that loses, repeats, turns round and changes datagrams', { skip }, async (t) => {
  const { sim, open } = await connected(t);
  const tunnel = await open();
  await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
  const application = { seam: 'udp', kind: 'application' } as const;
  const rules = [
    sim.faults.add({ on: application, when: { every: 20 }, then: { do: 'drop' } }),
    sim.faults.add({ on: application, when: { every: 4 }, then: { do: 'duplicate' } }),
    sim.faults.add({ on: application, when: { every: 9 }, then: { do: 'reorder' } }),
    sim.faults.add({ on: application, when: { every: 23 }, then: { do: 'corrupt' } }),
    sim.faults.add({ on: application, then: { do: 'delay', ms: 10, jitter: 5 } }),
  ];
  const size = 100_000;
  t.equal((await tunnel.fetch(`http://intranet.contoso.internal/bytes/${size}`)).length, size);
  for (const rule of rules) t.ok(rule.hits() > 0, rule.name);
});

t.test('pages come through a line that is narrow, jitters, and loses in bursts', { skip }, async (t) => {
  const { sim, open } = await connected(t, { dpd: 30 });
  const tunnel = await open();
  await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
  const application = { seam: 'udp', kind: 'application' } as const;
  const page = async (size: number) =>
    t.equal((await tunnel.fetch(`http://intranet.contoso.internal/bytes/${size}`)).length, size);
  {
    // Gilbert and Elliott: bad times and good ones, in which other shares are lost.
    await using bursts = sim.faults.add({
      on: application,
      when: { burst: { start: 0.05, end: 0.5, bad: 0.6, good: 0.01 } },
      then: { do: 'drop' },
    });
    await page(100_000);
    t.ok(bursts.hits() > 0 && bursts.hits() < bursts.seen() / 2, `${bursts.hits()} of ${bursts.seen()} are lost`);
  }
  {
    await using jitter = sim.faults.add({ on: application, then: { do: 'jitter', ms: 8 } });
    await page(50_000);
    t.ok(jitter.hits() > 50);
  }
  {
    await using narrow = sim.faults.add({
      on: { ...application, direction: 'out' },
      then: { do: 'rate', kbps: 1000, ms: 20, jitter: 5, queue: 1000 },
    });
    const began = performance.now();
    await page(50_000);
    const took = performance.now() - began;
    t.ok(took >= 400, `50,000 bytes at 1000 kbit/s take 400 ms or more, and these ${took.toFixed(0)} ms`);
    t.ok(narrow.hits() > 30);
  }
  sim.journal.expect({ name: 'session.disconnect' }, 0);
});

t.test('behind a NAT that forgets it, the client is followed to its new port', { skip }, async (t) => {
  const { sim, open } = await connected(t);
  const tunnel = await open();
  await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
  await using rule = sim.faults.add({
    on: { seam: 'udp', direction: 'in', kind: 'application' },
    when: { times: 1, per: 'session' },
    then: { do: 'nat_rebind' },
  });
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
  await rule.struck();
  await sim.journal.waitFor({ name: 'channel.dtls.move' }, LONG);
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
  sim.journal.expect({ name: 'channel.switch', fields: { to: 'cstp' } }, 0);
});

t.test(
  'packets are chosen by what is in them: probes unanswered, and data held until it is let go',
  { skip },
  async (t) => {
    const { sim, open } = await connected(t);
    const tunnel = await open();
    await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
    {
      await using held = sim.faults.add({
        name: 'held',
        on: { seam: 'udp', kind: 'data', direction: 'out' },
        when: { times: 1 },
        then: { do: 'hold' },
      });
      const page = tunnel.fetch(WHOAMI);
      await held.struck();
      t.equal(held.held(), 1);
      t.equal(held.release(), 1);
      t.match((await page).toString(), /alice/);
    }
    await using mute = sim.faults.add({ name: 'mute', on: { seam: 'udp', kind: 'dpd' }, then: { do: 'drop' } });
    await mute.struck(2, LONG);
    t.ok(mute.events().every((one) => one.kind === 'dpd'));
  },
);

t.test('a refused login and a reset connection look to the client as real ones do', { skip }, async (t) => {
  const { sim, open } = await connected(t);
  {
    await using refuse = sim.faults.add({
      on: { seam: 'decision', kind: 'authenticate', user: 'alice@contoso.com' },
      when: { times: 1 },
      then: { do: 'refuse', reason: 'Not today.' },
    });
    await t.rejects(open(), /401|failed|denied/i);
    await refuse.struck();
    sim.journal.expect({ name: 'auth.refused', fields: { reason: 'fault', explanation: 'Not today.' } });
  }
  await using reset = sim.faults.add({
    on: { seam: 'decision', kind: 'traffic' },
    when: { times: 1 },
    then: { do: 'reset' },
  });
  const tunnel = await open();
  await reset.struck(1, LONG);
  await sim.journal.waitFor({ name: 'session.connect', fields: { resumed: true } }, LONG);
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
  sim.journal.expectNoProblems();
});

t.test('a client whose cookie is refused as it comes back ends', { skip }, async (t) => {
  const { sim, open } = await connected(t);
  const tunnel = await open();
  await using cookie = sim.faults.add({
    on: { seam: 'decision', kind: 'cookie' },
    then: { do: 'refuse', reason: 'Too old.' },
  });
  sim.sessions.rekey(sim.sessions.list()[0]!.id);
  t.not(await tunnel.ended, 0);
  t.equal(cookie.hits(), 1);
  sim.journal.expect({ name: 'session.refused', fields: { reason: 'fault', explanation: 'Too old.' } });
});

t.test('a session that is ended as its client sends something ends the client', { skip }, async (t) => {
  const { sim, open } = await connected(t, { disableUdp: true });
  const tunnel = await open();
  await using rule = sim.faults.add({
    on: { seam: 'decision', kind: 'traffic' },
    when: { times: 1 },
    then: { do: 'terminate', reason: 'Enough.' },
  });
  const page = tunnel.fetch(WHOAMI).catch(() => {});
  t.not(await tunnel.ended, 0);
  await page;
  t.equal(rule.hits(), 1);
});
