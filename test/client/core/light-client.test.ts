import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { TunneliteError } from '../../../src/lib/errors.ts';
import { echoGateway, LightLab, pass } from '../../support/light-lab.ts';

t.test('data goes over DTLS as soon as its handshake is complete, and over TLS until then', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway);
  const { address4, mtu } = await lab.client.connect();
  t.match(address4, /^192\.168\.77\./);
  t.equal(mtu, 1434);
  t.equal(await lab.echo(), 'tls tls');
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.echo(), 'dtls dtls');
  // The probe of the largest size has an answer.
  while (lab.client.mtu < 1434) await lab.echo();
  t.equal(await lab.echo(1434), 'dtls dtls', 'the largest packet of the tunnel');
  t.match(lab.client.ciphers, { tls: /AES_256_GCM/, dtls: 'TLS_PSK_WITH_AES_256_GCM_SHA384' });
  t.strictSame(gateway.gateway.sessions().length, 1);
  await lab.client.close();
  t.match(lab.error, { code: 'ERR_CLOSED' });
  t.strictSame(gateway.gateway.sessions(), [], 'the gateway heard the goodbye');
});

t.test('legacy DTLS resumes a session that never was', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { dtls: 'legacy' });
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  t.match(lab.client.ciphers.dtls, /^TLS_ECDHE_RSA_WITH_AES_256_GCM/);
  t.equal(await lab.echo(), 'dtls dtls');
});

t.test('a client that wants no DTLS, or is offered none, stays on TLS', async (t) => {
  await using gateway = await echoGateway();
  await using off = new LightLab(gateway, { dtls: 'off' });
  t.equal((await off.client.connect()).dtls, undefined);
  t.equal(await off.echo(), 'tls tls');
  t.equal(off.carrier.ports, 0);
  await using without = await echoGateway({ disableUdp: true });
  await using none = new LightLab(without);
  t.equal((await none.client.connect()).dtls, undefined);
  t.equal(await none.echo(), 'tls tls');
});

t.test('data that is not answered over DTLS moves to TLS, and comes back when DTLS does', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway({}, clock);
  await using lab = new LightLab(gateway, { clock });
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  lab.carrier.udpDown = true;
  t.equal(lab.send(), 'dtls');
  clock.advance(3_400);
  t.equal(lab.client.channel, 'dtls', 'patience is not over');
  clock.advance(200);
  t.equal(lab.client.channel, 'tls');
  t.match(lab.told.at(-1), /^tls: data was unanswered for 3\.5 s/);
  t.equal(await lab.echo(), 'tls tls', 'the gateway follows');
  t.equal(lab.carrier.ports, 2, 'from another port');
  // The handshake that began at once fails after 12 s, and the next one comes at most 10 s later.
  clock.advance(12_100);
  t.equal(lab.carrier.ports, 2);
  lab.carrier.udpDown = false;
  clock.advance(10_000);
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(lab.carrier.ports, 3);
  t.equal(await lab.echo(), 'dtls dtls');
});

t.test('pauses between handshakes that fail grow up to a minute', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway({ dpd: 100_000 });
  await using lab = new LightLab(gateway, { clock });
  lab.carrier.udpDown = true;
  await lab.client.connect();
  await pass(clock, 3_600);
  // Each handshake takes 12 s, and the pauses are 30 to 60 s long in the end.
  t.ok(lab.carrier.ports >= 48 && lab.carrier.ports <= 90, `${lab.carrier.ports} tries in an hour`);
  t.equal(await lab.echo(), 'tls tls');
});

t.test('without that patience, DTLS is given up after two periods of silence, as openconnect does', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock, unansweredLimit: 0 });
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  await lab.echo();
  lab.carrier.udpDown = true;
  lab.send();
  await pass(clock, 59);
  t.equal(lab.client.channel, 'dtls');
  await pass(clock, 2);
  t.equal(lab.client.channel, 'tls');
  t.match(lab.told.at(-1), /nothing was received over DTLS for 60 s/);
});

t.test('a path that lets only small datagrams through is found out, and larger packets go over TLS', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock });
  lab.carrier.udpLimit = 1000;
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.echo(500), 'dtls dtls');
  t.equal(lab.send(1400), 'tls', 'before it was looked for, none is lost either');
  await pass(clock, 30);
  t.ok(lab.client.mtu > 700 && lab.client.mtu <= 1000 - 38, `${lab.client.mtu}`);
  t.equal(lab.send(1400), 'tls');
  t.equal(lab.client.channel, 'dtls');
});

t.test('a broken connection is had again with the cookie, the same address and new keys for DTLS', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock });
  const { address4 } = await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  lab.carrier.cut();
  await lab.until(() => lab.client.state === 'waiting');
  clock.advance(10);
  await lab.until(() => lab.client.state === 'connected');
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(lab.client.configuration!.address4, address4);
  t.equal(await lab.echo(), 'dtls dtls');
  t.equal(gateway.events.of('session.connect').length, 2);
  t.equal(gateway.gateway.sessions().length, 1);
  t.strictSame(
    lab.told.filter((each) => !each.includes(':')),
    ['connecting', 'connected', 'waiting', 'reconnecting', 'connected'],
  );
});

t.test('tries to get a lost tunnel back come at growing pauses, and end when the time is over', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock, reconnectTimeout: 300_000 });
  await lab.client.connect();
  lab.carrier.tcpDown = true;
  lab.carrier.cut();
  await lab.until(() => lab.client.state === 'waiting');
  const before = lab.carrier.connections;
  await pass(clock, 400, () => lab.error !== undefined);
  t.match(lab.error, { code: 'ERR_CLIENT_DISCONNECTED', message: /300 s.*the network is down/ });
  const tries = lab.carrier.connections - before;
  t.ok(tries >= 12 && tries <= 26, `${tries} tries`);
});

t.test('a cookie that the gateway does not know ends the client, for it is of no use to try again', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock });
  await lab.client.connect();
  await gateway.gateway.stop({ cookies: 'lose' });
  await gateway.gateway.start();
  await lab.until(() => lab.client.state === 'waiting' || lab.error !== undefined);
  clock.advance(10);
  await lab.until(() => lab.error !== undefined);
  t.match(lab.error, { code: 'ERR_CLIENT_SESSION_REFUSED', message: /401/ });
});

t.test('a session that the gateway ends is over', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway);
  await lab.client.connect();
  gateway.gateway.disconnect(gateway.gateway.sessions()[0]!.id);
  await lab.until(() => lab.error !== undefined);
  t.match(lab.error, { code: 'ERR_CLIENT_DISCONNECTED', message: /ended the session/ });
});

t.test('a gateway that is silent on TLS is asked, and left for a new connection', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock, dtls: 'off' });
  await lab.client.connect();
  await pass(clock, 120);
  t.equal(lab.client.state, 'connected', 'asked and answered');
});

t.test('keys are renewed by a new tunnel, while the old one carries data', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway({ rekeyTime: 600, dpd: 3_000 });
  await using lab = new LightLab(gateway, { clock });
  const { rekeyTime, address4 } = await lab.client.connect();
  t.equal(rekeyTime, 600);
  await lab.until(() => lab.client.channel === 'dtls');
  clock.advance(600_000);
  t.equal(lab.client.state, 'rekeying');
  t.equal(await lab.echo(), 'dtls dtls');
  await lab.until(() => lab.client.state === 'connected');
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.echo(), 'dtls dtls');
  t.equal(lab.client.configuration!.address4, address4);
  t.equal(gateway.events.of('session.connect').length, 2);
  clock.advance(600_000);
  t.equal(lab.client.state, 'rekeying', 'and again');
  await lab.until(() => lab.client.state === 'connected');
  t.notOk(lab.told.includes('reconnecting'), 'there was a tunnel all the time');
});

t.test('in another network, the client connects anew with its session, from other ports', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway);
  const { address4 } = await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  lab.client.networkChanged();
  t.equal(lab.client.state, 'reconnecting');
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(lab.client.configuration!.address4, address4);
  t.strictSame([lab.carrier.connections, lab.carrier.ports], [2, 2]);
  t.equal(await lab.echo(), 'dtls dtls');
});

t.test('a phone that slept goes on with the tunnel that it had, when the gateway kept it', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { clock });
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  lab.client.suspend();
  t.equal(lab.send(), undefined, 'nothing is sent');
  clock.advance(3_600_000);
  t.equal(lab.client.state, 'asleep', 'nobody is judged');
  lab.client.resume();
  t.equal(await lab.echo(), 'dtls dtls');
  clock.advance(1_000);
  t.equal(lab.client.state, 'connected');
  t.equal(lab.carrier.connections, 1);
});

t.test('a phone whose tunnel went while it slept connects anew', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway);
  await lab.client.connect();
  lab.client.suspend();
  await gateway.gateway.stop();
  await gateway.gateway.start();
  lab.client.resume();
  await lab.until(() => lab.carrier.connections === 2 && lab.client.state === 'connected');
  t.match(await lab.echo(), /tls|dtls/);
});

t.test('a client that is closed while it connects says so, and leaves nothing behind', async (t) => {
  await using gateway = await echoGateway();
  const lab = new LightLab(gateway);
  const connecting = lab.client.connect();
  await lab.client.close();
  await t.rejects(connecting, { code: 'ERR_CLOSED' });
  await t.rejects(lab.client.connect(), { code: 'ERR_CLOSED' });
  await lab.client.close();
});

t.test('a token that is refused ends the first connection', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway, { token: 'expired' });
  await t.rejects(lab.client.connect(), { code: 'ERR_CLIENT_TOKEN_REFUSED' });
  t.equal(lab.client.state, 'ended');
});

t.test('whoever closes the client when told of something leaves nothing behind', async (t) => {
  const states: readonly [string, string][] = [
    ['state', 'connecting'],
    ['state', 'connected'],
    ['state', 'waiting'],
    ['state', 'reconnecting'],
    ['state', 'rekeying'],
    ['channel', 'dtls'],
    ['channel', 'tls'],
    ['tunnel', ''],
    ['lost', ''],
  ];
  for (const [kind, wanted] of states) {
    await using gateway = await echoGateway();
    const closed = Promise.withResolvers<void>();
    const closing = (is: string, value: string) => (): void => {
      if (is === kind && value === wanted) lab.client.close().then(closed.resolve);
    };
    const ends: unknown[] = [];
    await using lab = new LightLab(gateway, {
      observer: {
        onPacket: () => {},
        onState: (_client, state) => closing('state', state)(),
        onChannel: (_client, channel) => closing('channel', channel)(),
        onTunnel: closing('tunnel', ''),
        onLost: closing('lost', ''),
        onEnd: (_client, error) => {
          ends.push(error.code);
        },
      },
    });
    const connected = await lab.client.connect().then(
      () => true,
      ({ code }) => code,
    );
    t.ok(connected === true || connected === 'ERR_CLOSED', `${kind} ${wanted}: ${connected}`);
    if (wanted === 'rekeying') lab.client.rekey();
    if (wanted === 'tls') {
      while (lab.client.channel !== 'dtls') await new Promise((resolve) => setImmediate(resolve));
      lab.client.renewDtls();
    }
    if (/waiting|reconnecting/.test(wanted) || kind === 'lost') lab.carrier.cut();
    await closed.promise;
    t.equal(lab.client.state, 'ended', `${kind} ${wanted}`);
    t.strictSame(ends, ['ERR_CLOSED'], `${kind} ${wanted}: told once`);
    await lab.carrier.idle();
  }
});

t.test('packets come between the begin and the end of a batch, on each channel', async (t) => {
  await using gateway = await echoGateway();
  const log: string[] = [];
  await using lab: LightLab = new LightLab(gateway, {
    observer: {
      onBatch: () => log.push('begin'),
      onPacket: (_client, _buffer, _offset, _length, channel) => log.push(channel),
      onBatchEnd: () => log.push('end'),
    },
  });
  await lab.client.connect();
  const echo = async (): Promise<void> => {
    log.length = 0;
    lab.send();
    while (log.at(-1) !== 'end' || log.length < 3) await new Promise((resolve) => setImmediate(resolve));
  };
  await echo();
  t.strictSame(log, ['begin', 'tls', 'end']);
  while (lab.client.channel !== 'dtls') await new Promise((resolve) => setImmediate(resolve));
  await echo();
  await echo();
  t.strictSame(log.slice(-3), ['begin', 'dtls', 'end']);
});

t.test('a phone that wakes up where datagrams do not pass any more leaves DTLS in half the time', async (t) => {
  const clock = new ManualClock();
  await using gateway = await echoGateway({ dpd: 3_000 });
  await using lab = new LightLab(gateway, { clock });
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  lab.client.suspend();
  clock.advance(3_600_000);
  lab.carrier.udpDown = true;
  lab.client.resume();
  await pass(clock, 2);
  t.equal(lab.client.channel, 'dtls', 'there is time for an answer');
  clock.advance(600);
  t.equal(lab.client.channel, 'tls');
  t.equal(lab.client.state, 'connected', 'TLS has answered');
});

t.test('whoever sends when told of a state loses the packet or has it sent', async (t) => {
  await using gateway = await echoGateway();
  const sent: unknown[] = [];
  await using lab = new LightLab(gateway, {
    observer: {
      onPacket: () => {},
      onState: (client, state) => sent.push(state, client.send(Buffer.alloc(40), 8, 20)),
    },
  });
  await lab.client.connect();
  t.strictSame(sent, ['connecting', undefined, 'connected', undefined]);
});

t.test('what happens to a client that has ended does not change why', async (t) => {
  await using gateway = await echoGateway();
  await using lab = new LightLab(gateway);
  await lab.client.connect();
  await lab.client.close();
  lab.client.tunnelEnded(new TunneliteError('ERR_CLIENT_DISCONNECTED', 'The gateway closed the connection.'), false);
  lab.client.networkChanged();
  lab.client.suspend();
  lab.client.resume();
  t.equal(lab.client.ended?.code, 'ERR_CLOSED');
});
