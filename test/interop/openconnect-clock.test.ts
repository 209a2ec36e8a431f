import { readFile } from 'node:fs/promises';
import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// A stock client whose own clock stays where it is, at a gateway whose clock is moved.

t.setTimeout(300_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl'], namespaces: true, tun: true });

for (const dtls of [true, false]) {
  const over = dtls ? 'DTLS' : 'TLS';
  const options = dtls ? [] : ['--no-dtls'];

  t.test(
    `a live client survives an hour over ${over}, and its connections too; the session limit ends it`,
    { skip },
    async (t) => {
      const one = await desk(t, { gateway: { dpd: 30, sessionTimeout: 3 * 3600 } });
      const run = await one.connect(await one.sim.token(), ...options);
      t.equal(run.outcome, 'connected', run.text());
      const slow = one.client.spawn('curl', [
        '-sS',
        '--limit-rate',
        '200k',
        '--output',
        '/dev/null',
        '--write-out',
        '%{http_code} %{size_download}',
        'http://10.20.0.10/bytes/600000',
      ]);
      let said = '';
      slow.stdout!.on('data', (chunk: Buffer) => (said += chunk));
      const ended = new Promise((resolve) => slow.once('close', resolve));
      await one.sim.journal.waitFor({ name: 'resource.request', fields: { protocol: 'tcp' } });
      await one.sim.clock.advance('1h');
      t.equal(await ended, 0);
      t.equal(said, '200 600000', 'the download went on');
      t.match(one.sim.gateway.sessions(), [{ state: 'connected', dataChannel: dtls ? 'dtls' : 'cstp' }]);
      t.strictSame(
        one.sim.journal.query({
          name: ['session.disconnect', 'channel.cstp.dead', 'channel.switch'],
          where: (event) => event.name !== 'channel.switch' || event.fields.to === 'cstp',
        }),
        [],
      );
      await one.sim.clock.advance('2h');
      t.equal(await run.ended, 1, 'told to end, it ends');
      t.match(one.sim.journal.query({ name: 'session.disconnect' }), [{ fields: { reason: 'session-timeout' } }]);
      t.equal(one.sim.gateway.sessions().length, 0);
    },
  );

  t.test(
    `a client that was stopped over ${over} is found dead, and comes back to life with a refused cookie`,
    { skip },
    async (t) => {
      const one = await desk(t, { gateway: { dpd: 30, cookieTimeout: 300 } });
      const run = await one.connect(await one.sim.token(), ...options);
      t.equal(run.outcome, 'connected', run.text());
      run.child.kill('SIGSTOP');
      while (!/\) T /.test(await readFile(`/proc/${run.child.pid}/stat`, 'utf8')));
      await one.sim.clock.advance('90s');
      t.match(one.sim.gateway.sessions(), [{ state: 'disconnected' }], 'found in one leap');
      t.match(one.sim.journal.query({ name: 'session.disconnect' }), [{ fields: { reason: 'dpd' } }]);
      await one.sim.clock.advance('316s');
      t.strictSame(one.sim.gateway.sessions(), [], 'and its cookie has run out');
      run.child.kill('SIGCONT');
      t.equal(await run.ended, 2, run.text());
      t.match(
        run.text(),
        /[Cc]ookie (was rejected|is no longer valid|is not acceptable)|Unexpected.*401|401 Cookie is not acceptable/,
      );
      t.match(one.sim.journal.query({ name: 'session.refused' }), [{ fields: { reason: 'unknown-cookie' } }]);
    },
  );
}

t.test('a token that has expired by the moved clock is refused when the client connects anew', { skip }, async (t) => {
  const one = await desk(t);
  const token = await one.sim.token({ expiresIn: 3600 });
  const first = await one.connect(token);
  t.equal(first.outcome, 'connected', first.text());
  await first.stop();
  await one.sim.clock.advance('2h');
  const second = await one.connect(token);
  t.equal(second.outcome, 1, second.text());
  t.match(one.sim.journal.query({ name: 'auth.refused' }), [{ fields: { reason: 'expired' } }]);
  const third = await one.connect(await one.sim.token());
  t.equal(third.outcome, 'connected', 'with a token of the new time it connects');
  await third.stop();
});

t.test(
  'a tunnel that a leap makes too old is renewed: the client comes back with its cookie and new keys',
  { skip },
  async (t) => {
    const one = await desk(t, { gateway: { rekeyTime: 3600, sessionTimeout: null } });
    const run = await one.connect(await one.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    const { seq, fields } = one.sim.journal.query({ name: 'session.connect' })[0]!;
    await one.sim.clock.advance('61m');
    const again = await one.sim.journal.waitFor({ name: 'session.connect', after: seq }, { timeout: 30_000 });
    t.match(again.fields, { session: fields.session, resumed: true, address4: fields.address4 });
    t.match(one.sim.journal.query({ name: 'session.disconnect' }), [{ fields: { reason: 'rekey' } }]);
    await one.sim.journal.waitFor({ name: 'channel.dtls.open', after: again.seq }, { timeout: 30_000 });
    t.match(JSON.parse((await one.curl('http://10.20.0.10/whoami')).toString()), { session: fields.session });
    await run.stop();
  },
);

t.test('a renewed certificate is accepted by a client whose own clock was not moved', { skip }, async (t) => {
  const one = await desk(t);
  await one.sim.clock.advance('2y');
  t.match(
    one.sim.journal.query({ name: 'certificate.renewed' }).map((event) => event.fields.certificate),
    ['gateway', 'identity', 'services'],
  );
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const page = await one.curl('-4', 'https://intranet.contoso.internal/whoami');
  t.match(JSON.parse(page.toString()), { scheme: 'https' });
  await run.stop();
});
