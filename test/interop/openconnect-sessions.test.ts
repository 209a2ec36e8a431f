import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// What an operator does to the session of a stock client.

t.setTimeout(200_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl'], namespaces: true, tun: true });

for (const dtls of [true, false]) {
  t.test(
    `told to rekey, the client renews its tunnel over ${dtls ? 'DTLS' : 'TLS'}, and a download goes on`,
    { skip },
    async (t) => {
      const one = await desk(t);
      const run = await one.connect(await one.sim.token(), ...(dtls ? [] : ['--no-dtls']));
      t.equal(run.outcome, 'connected', run.text());
      const [session] = one.sim.sessions.list();
      const slow = one.client.spawn('curl', [
        '-sS',
        '--limit-rate',
        '300k',
        '--output',
        '/dev/null',
        'http://10.20.0.10/bytes/900000',
      ]);
      const ended = new Promise((resolve) => slow.once('close', resolve));
      await one.sim.journal.waitFor({ name: 'resource.request', fields: { protocol: 'tcp' } });
      const mark = one.sim.journal.mark();
      one.sim.sessions.rekey(session!.id);
      const { fields } = await one.sim.journal.waitFor({ name: 'session.connect', since: mark }, { timeout: 30_000 });
      t.match(fields, { session: session!.id, resumed: true, address4: session!.address4 });
      if (dtls) await one.sim.journal.waitFor({ name: 'channel.dtls.open', since: mark }, { timeout: 90_000 });
      t.equal(await ended, 0, 'the connection through the tunnel has not noticed');
      await run.stop();
    },
  );
}

for (const [what, reason] of [
  ['expire', 'session-timeout'],
  ['disconnect', 'admin'],
] as const) {
  t.test(`${what} ends the client, and it does not try again`, { skip }, async (t) => {
    const one = await desk(t);
    const run = await one.connect(await one.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    one.sim.sessions[what](one.sim.sessions.list()[0]!.id);
    t.equal(await run.ended, 1, run.text());
    one.sim.journal.expect({ name: 'session.disconnect', fields: { reason } });
    t.equal(one.sim.journal.count({ name: 'session.connect' }), 1);
  });
}

t.test(
  'a reset ends a client, also one that does not listen, and the next one finds all as new',
  { skip },
  async (t) => {
    const one = await desk(t);
    const first = await one.connect(await one.sim.token());
    t.equal(first.outcome, 'connected', first.text());
    await one.sim.reset();
    t.equal(await first.ended, 1, first.text());
    one.sim.journal.expect({ name: 'session.disconnect', fields: { reason: 'reset' } });
    const deaf = await one.connect(await one.sim.token());
    t.equal(deaf.outcome, 'connected', deaf.text());
    deaf.child.kill('SIGSTOP');
    const { sessions } = await one.sim.reset();
    t.equal(sessions, 1);
    t.strictSame(one.sim.sessions.list(), []);
    deaf.child.kill('SIGCONT');
    t.equal(await deaf.ended, 1, 'the disconnect packet waited for it');
    const third = await one.connect(await one.sim.token());
    t.equal(third.outcome, 'connected', third.text());
    t.match(JSON.parse((await one.curl('-4', 'http://10.20.0.10/whoami')).toString()), {
      source: { address: '169.254.0.2' },
    });
    await third.stop();
  },
);
