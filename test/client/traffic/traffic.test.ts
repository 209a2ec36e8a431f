import type { lookup as systemLookup } from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import t from 'tap';
import { fetch } from 'undici';
import { TunnelClient, type TunnelUdpSocket } from '../../../src/client/index.ts';
import { connect, start } from '../../support/running-simulator.ts';

/* Traffic of a program that has no root: streams, agents, names and datagrams by way of the tunnel. */

t.setTimeout(90_000);

const WHOAMI = 'http://intranet.contoso.internal/whoami';

/** One request by Node's own client. */
async function get(
  url: string,
  options: http.RequestOptions | https.RequestOptions,
): Promise<{ body: string; port: number }> {
  const request = (url.startsWith('https:') ? https : http).get(url, options);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return { body, port: (request.socket as { localPort?: number }).localPort ?? 0 };
}

t.test('connections, agents, names and datagrams go through the tunnel, and end with it', async (t) => {
  const sim = await start(t);
  const ends: Error[] = [];
  const client = await TunnelClient.connect({
    onDisconnect: (error) => ends.push(error),
    server: sim.urls.gateway,
    ca: sim.ca,
    resourceCa: sim.ca,
    token: await sim.token(),
  });
  t.teardown(() => client.close());

  await t.test('a stream carries bytes both ways', async (t) => {
    const stream = await client.connect({ host: 'tools.contoso.internal', port: 7 });
    stream.end('hello');
    let heard = '';
    for await (const chunk of stream) heard += chunk;
    t.equal(heard, 'hello');
  });

  await t.test('an abort gives up what is not open yet, and cuts what is', async (t) => {
    const early = new AbortController();
    const opening = client.connect({ host: 'blackhole.contoso.internal', port: 80, signal: early.signal });
    await sim.journal.waitFor({ name: 'dns.query', where: ({ fields }) => fields.question.startsWith('blackhole') });
    early.abort(new Error('enough'));
    await t.rejects(opening, { message: 'enough' });
    await t.rejects(client.connect({ host: '10.20.0.20', port: 7, signal: AbortSignal.abort(new Error('before')) }), {
      message: 'before',
    });
    const late = new AbortController();
    const stream = await client.connect({ host: 'tools.contoso.internal', port: 7, signal: late.signal });
    const failed = once(stream, 'error');
    late.abort();
    t.match(await failed, [{ name: 'AbortError' }]);
    t.ok(stream.destroyed);
  });

  await t.test('an agent keeps connections, and limits their silence', async (t) => {
    const agent = client.httpAgent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    const mark = sim.journal.mark();
    for (let i = 0; i < 3; i++) t.match((await get(WHOAMI, { agent })).body, /alice@contoso\.com/);
    const requests = sim.journal.query({ name: 'resource.request', since: mark });
    t.equal(requests.filter(({ fields }) => fields.destination.endsWith(':80')).length, 1, 'one connection for all');
    const slow = http.get('http://api.contoso.internal/delay/30000', { agent, timeout: 300 });
    await once(slow, 'timeout');
    slow.on('error', () => {});
    slow.destroy();
  });

  await t.test('the agent for https verifies the resource end to end', async (t) => {
    const agent = client.httpsAgent({ keepAlive: true });
    t.teardown(() => agent.destroy());
    t.match((await get('https://intranet.contoso.internal/whoami', { agent })).body, /alice@contoso\.com/);
    t.match((await get('https://10.20.0.10/whoami', { agent })).body, /alice/, 'by its address');
    for (const host of ['untrusted', 'wrongname', 'expired']) {
      await t.rejects(get(`https://${host}.contoso.internal/`, { agent }), { code: 'ERR_CLIENT_FETCH' }, host);
    }
    const careless = client.httpsAgent({ rejectUnauthorized: false });
    t.ok((await get('https://untrusted.contoso.internal/', { agent: careless })).body.length > 0);
    careless.destroy();
    const untrusting = client.httpsAgent({ ca: [] });
    await t.rejects(get('https://intranet.contoso.internal/', { agent: untrusting }), { code: 'ERR_CLIENT_FETCH' });
    untrusting.destroy();
  });

  await t.test('roots for resources are trusted for resources, and not for the gateway', async (t) => {
    t.match((await client.fetch('https://intranet.contoso.internal/whoami')).tls, { protocol: /^TLSv1/ });
    const strict = { server: sim.urls.gateway, resourceCa: sim.ca, token: 'none' };
    await t.rejects(TunnelClient.connect(strict), { code: 'ERR_CLIENT_UNTRUSTED' });
    const { client: plain } = await connect(t, sim, 'bob@contoso.com');
    await t.rejects(
      plain.fetch('https://intranet.contoso.internal/'),
      { code: 'ERR_CLIENT_FETCH' },
      'nor the other way',
    );
    const broken = await TunnelClient.connect({
      server: sim.urls.gateway,
      ca: sim.ca,
      resourceCa: 'no certificate',
      token: await sim.token(),
    });
    await t.rejects(broken.fetch('https://intranet.contoso.internal/'), {
      code: 'ERR_CLIENT_FETCH',
      message: /certificates to trust for resources cannot be read/,
    });
    await broken.close();
  });

  await t.test('a dispatcher serves undici, and an abort ends its request', async (t) => {
    const dispatcher = await client.dispatcher();
    t.teardown(() => dispatcher.destroy());
    t.equal((await fetch('https://intranet.contoso.internal/whoami', { dispatcher })).status, 200);
    const control = new AbortController();
    const hung = client.fetch('http://api.contoso.internal/delay/30000', { signal: control.signal });
    await sim.journal.waitFor({ name: 'dns.query', where: ({ fields }) => fields.question.startsWith('api') });
    control.abort(new Error('enough'));
    await t.rejects(hung, { message: 'enough' });
  });

  await t.test('names are looked up as by dns.lookup, in each of its forms', async (t) => {
    const name = 'intranet.contoso.internal';
    const { lookup } = client;
    const one = promisify(lookup as typeof systemLookup);
    t.equal(await one(name), '10.20.0.10' as never);
    t.strictSame(await one(name, { all: true }), [{ address: '10.20.0.10', family: 4 }] as never);
    t.equal(await one('127.0.0.1', 4), '127.0.0.1' as never, 'an address is itself');
    await t.rejects(one(name, { family: 6 }), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name });
    await t.rejects(one('nothing.contoso.internal'), { code: 'ENOTFOUND', cause: { code: 'ERR_CLIENT_DNS' } });
    for (const bad of ['', 'a\0b', `${'a'.repeat(64)}.contoso.internal`, 'x.'.repeat(200)]) {
      await t.rejects(one(bad), { code: /^(ENOTFOUND|EAI_AGAIN)$/ }, JSON.stringify(bad.slice(0, 20)));
    }
    const callbackForm = await new Promise((resolve) =>
      lookup(name, (_error, address, family) => resolve([address, family])),
    );
    t.strictSame(callbackForm, ['10.20.0.10', 4]);
  });

  await t.test('datagrams come and go, and their absence is told', async (t) => {
    await using socket = await client.openUdp('udpecho.contoso.internal', 7);
    const heard = once(socket, 'message');
    t.ok(socket.send(Buffer.from('hello')));
    t.match(await heard, [Buffer.from('hello')]);
    t.equal(socket.remoteAddress, '10.20.0.22');
    t.equal(socket.remotePort, 7);
    t.equal(socket.localAddress, client.configuration.address4);
    t.notOk(socket.send(Buffer.alloc(70_000)), 'larger than any packet');
    const refused = await client.openUdp('refused.contoso.internal', 9);
    const undelivered = once(refused, 'undelivered');
    refused.send(Buffer.from('x'));
    t.match(await undelivered, ['unreachable']);
    const closed = once(refused, 'close');
    refused.close();
    await closed;
    refused.close();
    t.notOk(refused.send(Buffer.from('x')));
  });

  await t.test('what cannot be is refused with a code', async (t) => {
    for (const port of [-1, 65_536, 1.5, Number.NaN]) {
      await t.rejects(client.connect({ host: 'tools.contoso.internal', port }), { code: 'ERR_CLIENT_OPEN' });
      await t.rejects(client.openUdp('tools.contoso.internal', port), { code: 'ERR_CLIENT_OPEN' });
    }
    for (const host of ['', '\0', 'tools\0.contoso.internal', '💥', 'a b', '..', 'x'.repeat(300), '__proto__']) {
      await t.rejects(client.connect({ host, port: 7 }), { code: 'ERR_CLIENT_DNS' }, JSON.stringify(host.slice(0, 20)));
    }
  });

  await t.test('sockets beyond what the stack has room for are refused, and no others harmed', async (t) => {
    const sockets: TunnelUdpSocket[] = [];
    let refusal: unknown;
    for (let i = 0; i < 70_000 && refusal === undefined; i++) {
      await client.openUdp('10.20.0.22', 7).then(
        (socket) => sockets.push(socket),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    t.match(refusal, { code: 'ERR_CLIENT_OPEN' });
    t.equal((await client.fetch('http://10.20.0.10/whoami')).status, 200);
    for (const socket of sockets) socket.close();
  });

  await t.test('all that is open ends with the tunnel', async (t) => {
    const stream = await client.connect({ host: 'tools.contoso.internal', port: 7 });
    const socket = await client.openUdp('udpecho.contoso.internal', 7);
    const agent = client.httpAgent({ keepAlive: true });
    await get(WHOAMI, { agent });
    const closed = [once(stream, 'close'), once(socket, 'close')];
    await client.close();
    await Promise.all(closed);
    t.strictSame(ends, [], 'whoever closes knows that it ends');
    t.ok(stream.destroyed && socket.closed);
    await t.rejects(client.connect({ host: 'tools.contoso.internal', port: 7 }), { code: 'ERR_CLOSED' });
    await t.rejects(client.openUdp('udpecho.contoso.internal', 7), { code: 'ERR_CLOSED' });
    await t.rejects(get(WHOAMI, { agent }), { code: 'ERR_CLOSED' });
    agent.destroy();
  });
});
