import { createHash } from 'node:crypto';
import t from 'tap';
import { fetch } from 'undici';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { patternChunk } from '../../src/services/index.ts';
import { matchesPattern } from '../support/pattern.ts';

t.test('one call starts everything, on free ports, and closing it leaves nothing behind', async (t) => {
  const sim = await startSimulator();
  t.match(sim.urls.gateway, /^https:\/\/localhost:\d+$/);
  t.match(sim.urls.authority, /^https:\/\/localhost:\d+\/[0-9a-f-]{36}$/);
  t.ok((await sim.check()).every((one) => one.ok));
  t.ok(sim.journal.query({ name: 'simulator.ready' }).length === 1);
  await sim.close();
  await sim.close();
  t.ok(
    (await sim.check()).some((one) => !one.ok),
    'a closed simulator is not ready',
  );
});

t.test('two simulators run side by side', async (t) => {
  await using one = await startSimulator();
  await using two = await startSimulator();
  t.not(one.urls.gateway, two.urls.gateway);
  await using client = await TunnelClient.connect({ server: two.urls.gateway, ca: two.ca, token: await two.token() });
  t.equal((await client.fetch('http://intranet.contoso.internal/whoami')).status, 200);
  t.equal(one.gateway.sessions().length, 0);
});

t.test('a client signs in, resolves a name and fetches pages over HTTP and HTTPS', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: () => sim.token() });
  t.match(client.configuration, {
    address4: '169.254.0.2',
    dnsServers: ['10.20.0.53'],
    defaultDomain: 'contoso.internal',
  });
  t.strictSame(await client.resolve('intranet.contoso.internal'), ['10.20.0.10']);
  const plain = await client.fetch('http://intranet.contoso.internal/whoami');
  t.match(JSON.parse(plain.body.toString()), { scheme: 'http', source: { address: '169.254.0.2' } });
  const secure = await client.fetch('https://intranet.contoso.internal/whoami', { ca: sim.ca });
  t.equal(secure.tls?.protocol, 'TLSv1.3');
  t.match(JSON.parse(secure.body.toString()), { scheme: 'https', session: sim.gateway.sessions()[0]!.id });
  const decided = sim.journal.query({ name: 'resource.request', fields: { host: 'intranet.contoso.internal' } });
  t.equal(decided.length, 2, 'one decision for each connection');
});

t.test('a page at an address is fetched without SNI, which knows names only', async (t) => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.equal((await client.fetch('https://10.20.0.10/whoami', { ca: sim.ca })).status, 200);
  t.strictSame(warnings, []);
});

t.test('fetch of undici goes through the tunnel, and connections are reused', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  const dispatcher = await client.dispatcher({ ca: sim.ca });
  const ports = new Set<number>();
  for (let i = 0; i < 5; i++) {
    const response = await fetch('https://intranet.contoso.internal/whoami', { dispatcher });
    ports.add(((await response.json()) as { source: { port: number } }).source.port);
  }
  t.ok(ports.size < 5, `${ports.size} connections for five requests`);
  const posted = await fetch('http://intranet.contoso.internal/upload', { dispatcher, method: 'POST', body: 'hello' });
  t.match(await posted.json(), { bytes: 5 });
  await dispatcher.close();
});

t.test('a fetch that cannot work says why', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  await t.rejects(client.fetch('https://intranet.contoso.internal/'), {
    code: 'ERR_CLIENT_FETCH',
    message: /TLS with .*certificate/,
  });
  await t.rejects(client.fetch('http://nothing.contoso.internal/'), { code: 'ERR_CLIENT_DNS' });
  await t.rejects(client.fetch('http://intranet.contoso.internal:81/'), { code: 'ERR_CLIENT_OPEN' });
  await t.rejects(client.fetch('http://intranet.contoso.internal/bytes/1000', { maxBytes: 999 }), {
    code: 'ERR_CLIENT_FETCH',
    message: /999 bytes/,
  });
});

t.test('large bodies are byte-exact in both directions', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  const down = await client.fetch('http://intranet.contoso.internal/bytes/5000000');
  t.equal(down.body.length, 5_000_000);
  t.ok(matchesPattern(down.body, 0));
  const body = Buffer.concat(Array.from({ length: 40 }, (_, i) => patternChunk(i * 65_536, 65_536)));
  const up = await client.fetch('http://intranet.contoso.internal/upload', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(body.length) },
  });
  t.strictSame(JSON.parse(up.body.toString()), {
    bytes: body.length,
    sha256: createHash('sha256').update(body).digest('hex'),
  });
});

t.test('what is not allowed is refused, with the reason in the journal', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  await t.rejects(client.openTcp('10.20.0.10', 81), { code: 'ERR_CLIENT_OPEN' }, 'a closed port');
  await t.rejects(client.openTcp('192.0.2.1', 443), { code: 'ERR_CLIENT_OPEN' }, 'an address that no rule names');
  await t.rejects(client.resolve('example.com'), {
    code: 'ERR_CLIENT_DNS',
    message: /only for the on-premises network/,
  });
  await t.rejects(client.resolve('nothing.contoso.internal'), {
    code: 'ERR_CLIENT_DNS',
    message: /the name does not exist/,
  });
  t.strictSame(
    sim.journal
      .query({ name: 'resource.request', where: (event) => event.fields.decision === 'deny' })
      .map((event) => event.fields.rule),
    ['closed-port', 'default-deny'],
  );
});

t.test('a token for another audience is refused, and the journal explains it', async (t) => {
  await using sim = await startSimulator();
  const token = await sim.token({ wrong: 'aud' });
  await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token }), {
    code: 'ERR_CLIENT_TOKEN_REFUSED',
  });
  const { fields } = await sim.journal.waitFor({ name: 'auth.refused' });
  t.equal(fields.reason, 'audience');
  t.match(fields.explanation, /3678c9e9-9681-447a-974d-d19f668fcd88/);
});

t.test('a client that does not trust the CA is told what to do', async (t) => {
  await using sim = await startSimulator();
  await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, token: 'x' }), {
    code: 'ERR_CLIENT_UNTRUSTED',
    hint: /tunnelite ca/,
  });
});

t.test('an administrator’s disconnect reaches the client, and its address is free again', async (t) => {
  await using sim = await startSimulator();
  const ended = new Promise<Error>((resolve) => {
    TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: () => sim.token(), onDisconnect: resolve });
  });
  const { fields } = await sim.journal.waitFor({ name: 'session.connect' });
  t.ok(sim.gateway.disconnect(fields.session));
  t.match(await ended, { code: 'ERR_CLIENT_DISCONNECTED' });
  await sim.journal.waitFor({ name: 'session.disconnect', fields: { session: fields.session, reason: 'admin' } });
  t.notOk(sim.gateway.sessionAt(fields.address4!));
});

t.test('UDP to a mock service is echoed through the tunnel, fragments included', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  const payload = Buffer.from(patternChunk(0, 5_000));
  t.ok((await client.exchangeUdp('tools.contoso.internal', 7, payload)).equals(payload));
});

t.test('hosts of the mock network answer a ping through the tunnel, others do not', async (t) => {
  await using sim = await startSimulator();
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.ok((await client.ping('intranet.contoso.internal')) >= 0);
  t.ok((await client.ping('10.20.0.53')) >= 0);
  await t.rejects(client.ping('10.20.0.99', 300), { code: 'ERR_CLIENT_OPEN', message: /did not answer the ping/ });
  await t.rejects(client.exchangeUdp('10.20.0.10', 9, Buffer.from('x')), {
    code: 'ERR_CLIENT_OPEN',
    message: /refused the datagram/,
  });
});

t.test('the smallest link that the gateway can have carries everything', async (t) => {
  await using sim = await startSimulator({ gateway: { mtu: 576 } });
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.ok(client.configuration.mtu < 576, `${client.configuration.mtu} bytes`);
  const { body } = await client.fetch('https://intranet.contoso.internal/bytes/100000', { ca: sim.ca });
  t.ok(matchesPattern(body, 0));
  const payload = Buffer.from(patternChunk(0, 2_000));
  t.ok((await client.exchangeUdp('tools.contoso.internal', 7, payload)).equals(payload));
});

t.test('closing the simulator ends its clients', async (t) => {
  const sim = await startSimulator();
  let disconnected: unknown;
  const client = await TunnelClient.connect({
    server: sim.urls.gateway,
    ca: sim.ca,
    token: await sim.token(),
    // It would look for the gateway for minutes, which may be back.
    reconnectTimeout: 0,
    onDisconnect: (error) => {
      disconnected = error;
    },
  });
  const stream = await client.openTcp('tools.contoso.internal', 7);
  const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
  await sim.close();
  t.match(await failed, { code: 'ERR_NETSTACK_CLOSED' }, 'an open stream learns that it was cut');
  t.match(disconnected, { code: 'ERR_CLIENT_DISCONNECTED' });
  t.notOk(client.connected);
});
