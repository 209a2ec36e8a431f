import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// A gateway that is restarted, stopped and drained under a stock client.

t.setTimeout(300_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl'], namespaces: true, tun: true });

for (const dtls of [true, false]) {
  const over = dtls ? 'DTLS' : 'TLS';
  t.test(`after a restart the client comes back by itself over ${over}, with its address`, { skip }, async (t) => {
    const one = await desk(t);
    const run = await one.connect(await one.sim.token(), ...(dtls ? [] : ['--no-dtls']));
    t.equal(run.outcome, 'connected', run.text());
    const before = one.sim.journal.query({ name: 'session.connect' })[0]!;
    const { port } = one.sim.gateway;
    await one.server.inside(() => one.sim.gateway.restart());
    t.equal(one.sim.gateway.port, port);
    const after = await one.sim.journal.waitFor({ name: 'session.connect', after: before.seq }, { timeout: 60_000 });
    t.match(after.fields, {
      resumed: true,
      session: before.fields.session,
      address4: before.fields.address4,
      address6: before.fields.address6,
    });
    if (dtls) await one.sim.journal.waitFor({ name: 'channel.dtls.open', after: after.seq }, { timeout: 90_000 });
    const page = JSON.parse((await one.curl('-4', 'http://10.20.0.10/whoami')).toString());
    t.match(page, { session: before.fields.session });
    t.ok((await one.server.inside(() => one.sim.check())).every((check) => check.ok));
    await run.stop();
    t.match(
      one.sim.journal.query({ name: 'session.disconnect' }).map((event) => event.fields.reason),
      ['restart', 'user'],
    );
  });
}

t.test(
  'after a restart that loses the cookies the client is refused and ends, as at a real server',
  { skip },
  async (t) => {
    const one = await desk(t);
    const run = await one.connect(await one.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    await one.server.inside(() => one.sim.gateway.restart({ cookies: 'lose' }));
    t.equal(await run.ended, 2, run.text());
    t.match(one.sim.journal.query({ name: 'session.refused' }), [{ fields: { reason: 'unknown-cookie' } }]);
  },
);

t.test('told of the restart the client ends at once', { skip }, async (t) => {
  const one = await desk(t);
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  await one.server.inside(() => one.sim.gateway.restart({ notify: true }));
  t.equal(await run.ended, 1, run.text());
});

t.test('a draining gateway turns a second client away; the first one stays until it leaves', { skip }, async (t) => {
  const one = await desk(t);
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const drained = one.sim.gateway.drain();
  await one.sim.journal.waitFor({ name: 'gateway.draining' });
  t.match(
    (await one.server.inside(() => one.sim.check())).find((check) => check.name === 'gateway'),
    { ok: false, explanation: /draining/ },
  );
  const second = await one.connect(await one.sim.token({ user: 'bob@contoso.com' }), '--interface=tun-second');
  t.equal(second.outcome, 1, second.text());
  t.match(JSON.parse((await one.curl('-4', 'http://10.20.0.10/whoami')).toString()), { scheme: 'http' });
  await run.stop();
  t.strictSame(await drained, { left: 1, ended: 0, complete: true });
});

t.test('a client survives a while in which the gateway is stopped', { skip }, async (t) => {
  const one = await desk(t);
  const run = await one.connect(await one.sim.token(), '--reconnect-timeout=60');
  t.equal(run.outcome, 'connected', run.text());
  const { seq } = one.sim.journal.query({ name: 'session.connect' })[0]!;
  await one.sim.gateway.stop();
  await run.printed(/Failed to reconnect|[Ss]leep 10s|Connection refused/);
  await one.server.inside(() => one.sim.gateway.start());
  const after = await one.sim.journal.waitFor({ name: 'session.connect', after: seq }, { timeout: 60_000 });
  t.match(after.fields, { resumed: true });
  await run.stop();
});
