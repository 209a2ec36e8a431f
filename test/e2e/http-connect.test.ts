import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import { type ConfigInput, type Simulator, startSimulator, TunnelClient } from '../../src/index.ts';

t.setTimeout(120_000);

const start = async (t: Test, config: ConfigInput = {}, runtime: Parameters<typeof startSimulator>[1] = {}) => {
  const sim = await startSimulator({ ...config, gateway: { httpConnect: true, ...config.gateway } }, runtime);
  t.teardown(() => sim.close());
  return sim;
};

const listen = async (t: Test, server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
};

/** A connection to the gateway's port, on which a request has been sent. */
async function ask(sim: Simulator, request: string): Promise<TLSSocket> {
  const socket = tlsConnect({ host: '127.0.0.1', port: sim.gateway.port, ca: sim.ca, servername: 'localhost' });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  socket.write(request);
  return socket;
}

interface Answer {
  readonly status: number;
  readonly head: string;
  /** What came behind the head so far. */
  readonly rest: string;
}

async function answerOn(socket: TLSSocket): Promise<Answer> {
  let text = '';
  while (!text.includes('\r\n\r\n')) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) text += chunk.toString();
    else if (socket.readableEnded || socket.destroyed) break;
    else await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
  const [head = '', ...rest] = text.split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, rest: rest.join('\r\n\r\n') };
}

/** The whole answer to a CONNECT that is refused. */
async function refusal(sim: Simulator, request: string): Promise<Answer> {
  const socket = await ask(sim, request);
  const answer = await answerOn(socket);
  let { rest } = answer;
  for await (const chunk of socket) rest += (chunk as Buffer).toString();
  return { ...answer, rest };
}

const connectTo = (target: string, token?: string, more = ''): string =>
  `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${token === undefined ? '' : `Proxy-Authorization: Bearer ${token}\r\n`}${more}\r\n`;

const GET = 'GET /whoami HTTP/1.1\r\nHost: intranet.contoso.internal\r\nConnection: close\r\n\r\n';

async function text(socket: TLSSocket): Promise<string> {
  let all = '';
  for await (const chunk of socket) all += (chunk as Buffer).toString();
  return all;
}

t.test('a mock service is reached by name, short name and address, with a token, and one entry tells it', async (t) => {
  const sim = await start(t);
  const token = await sim.token();
  for (const target of ['intranet.contoso.internal:80', 'INTRANET:80', '10.20.0.10:80', '[fd10:20::10]:80']) {
    const socket = await ask(sim, connectTo(target, token));
    t.equal((await answerOn(socket)).status, 200, target);
    socket.write(GET);
    t.match(await text(socket), /HTTP\/1\.1 200 OK/);
    socket.destroy();
  }
  const { fields } = await sim.journal.waitFor({
    name: 'resource.end',
    where: ({ fields }) => fields.request === 'r1',
  });
  t.match(fields, {
    channel: 'http-connect',
    protocol: 'tcp',
    session: undefined,
    signInName: 'alice@contoso.com',
    host: 'intranet.contoso.internal',
    destination: '10.20.0.10:80',
    decision: 'allow',
    rule: 'mock-service',
    target: 'service intranet-http',
    outcome: 'completed',
    bytesIn: GET.length,
  });
  t.ok(fields.bytesOut > 100);
  t.equal(sim.journal.count({ name: 'resource.request', fields: { host: 'intranet.contoso.internal' } }), 4);
  sim.journal.expectNoProblems();
});

t.test('credentials are a token or a session cookie, in a header or as Basic; a trace id is taken over', async (t) => {
  const sim = await start(t);
  const token = await sim.token();
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token });
  t.teardown(() => client.close());
  const login = await ask(
    sim,
    `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
  );
  const cookie = /webvpn=([^;]+)/.exec((await answerOn(login)).head)![1]!;
  login.destroy();
  const basic = (user: string, password: string) =>
    `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
  const trace = '0af7651916cd43dd8448eb211c80319c';
  for (const [credentials, session] of [
    [`Proxy-Authorization: Bearer ${token}\r\n`, false],
    [basic('bearer', token), false],
    [basic('cookie', cookie), true],
    [`Cookie: a=b; webvpn=${cookie}\r\n`, true],
  ] as const) {
    const before = sim.journal.mark();
    const more = `${credentials}traceparent: 00-${trace}-b7ad6b7169203331-01\r\n`;
    const socket = await ask(sim, connectTo('tcpecho.contoso.internal:7', undefined, more));
    t.equal((await answerOn(socket)).status, 200, credentials.slice(0, 30));
    socket.end('hello');
    t.equal(await text(socket), 'hello', 'one direction ends before the other');
    const { fields } = await sim.journal.waitFor({ name: 'resource.end', since: before });
    t.match(fields, { trace, bytesIn: 5, bytesOut: 5, outcome: 'completed' });
    t.equal(fields.session !== undefined, session);
  }
  sim.journal.expectNoProblems();
});

t.test('without good credentials there is 407, which says what to show', async (t) => {
  const sim = await start(t);
  const none = await refusal(sim, connectTo('intranet:80'));
  t.equal(none.status, 407);
  t.match(none.head, /Proxy-Authenticate: Bearer realm="tunnelite"\r\nProxy-Authenticate: Basic/);
  t.match(none.rest, /had no credentials\. Send a token \(Proxy-Authorization: Bearer/);
  for (const [more, why] of [
    ['Proxy-Authorization: Bearer nonsense\r\n', /token/i],
    [
      `Proxy-Authorization: Basic ${Buffer.from('alice:secret').toString('base64')}\r\n`,
      /user name must name the kind of password/,
    ],
    ['Proxy-Authorization: Digest x\r\n', /only Bearer is accepted/],
    ['Proxy-Authorization: Bearer a\r\nProxy-Authorization: Bearer b\r\n', /2 Proxy-Authorization headers/],
    [`Cookie: webvpn=${'A'.repeat(43)}\r\n`, /session cookie is unknown/],
    ['Cookie: webvpn=x\r\n', /session cookie is unknown/],
  ] as const) {
    const answer = await refusal(sim, connectTo('intranet:80', undefined, more));
    t.equal(answer.status, 407, more);
    t.match(answer.rest, why);
  }
  t.equal(sim.journal.count({ name: 'auth.refused' }), 6);
  t.equal(sim.journal.count({ name: 'resource.request' }), 0, 'and nothing is decided');
});

t.test('what leads nowhere is answered in the terms of HTTP, with the reason and the rule', async (t) => {
  const closed = createServer();
  const port = await listen(t, closed);
  closed.close();
  await once(closed, 'close');
  const sim = await start(
    t,
    {
      gateway: { splitDns: [] },
      resources: {
        upstreams: [
          { match: 'gone.example.com', to: { host: '127.0.0.1', port } },
          { match: 'rebound.example.com' },
          { match: 'unknown.example.com' },
          { match: 'loop.example.com', to: { host: '127.0.0.1' } },
        ],
      },
    },
    { lookUp: async (host) => (host === 'rebound.example.com' ? ['127.0.0.1'] : []) },
  );
  const token = await sim.token();
  for (const [target, status, why] of [
    ['evil.example.com:443', 403, /evil\.example\.com does not exist here.*resources\.upstreams/],
    ['192.0.2.1:443', 403, /No mock host has the address 192\.0\.2\.1/],
    ['intranet:81', 403, /has no service on tcp port 81/],
    ['gone.example.com:443', 502, /ECONNREFUSED/],
    ['unknown.example.com:443', 502, /has no address/],
    ['rebound.example.com:443', 403, /resolves to 127\.0\.0\.1, which is this machine itself/],
    [`loop.example.com:${sim.gateway.port}`, 403, /is the gateway itself: the connection would loop/],
  ] as const) {
    const answer = await refusal(sim, connectTo(target, token));
    t.equal(answer.status, status, target);
    t.match(answer.rest, why);
    t.match(answer.head, /\r\nX-Tunnelite-Rule: [^\r]+\r\nX-Tunnelite-Request: r\d+\r\n/);
  }
  t.equal(sim.journal.count({ name: 'resource.end', fields: { outcome: 'denied' } }), 5);
  t.equal(sim.journal.count({ name: 'resource.end', fields: { outcome: 'failed' } }), 2);
});

t.test('what not everybody on the way would understand alike is refused before anything else', async (t) => {
  const sim = await start(t);
  const token = await sim.token();
  const authorization = `Proxy-Authorization: Bearer ${token}\r\n`;
  for (const [request, why] of [
    [connectTo('http://intranet.contoso.internal/', token), /is a URL/],
    [connectTo('alice@intranet:80', token), /user name/],
    [connectTo('2130706433:80', token), /programs interpret differently/],
    [connectTo('0x7f.1:80', token), /programs interpret differently/],
    [connectTo('0177.0.0.1:80', token), /programs interpret differently/],
    [connectTo('[::ffff:127.0.0.1]:80', token), /is the IPv4 address 127\.0\.0\.1/],
    [`CONNECT intranet:80 HTTP/1.1\r\n${authorization}\r\n`, /0 Host headers/],
    [`CONNECT intranet:80 HTTP/1.1\r\nHost: intranet:80\r\nHost: other:80\r\n${authorization}\r\n`, /2 Host headers/],
    [`CONNECT intranet:80 HTTP/1.1\r\nHost: other:80\r\n${authorization}\r\n`, /Host is other:80/],
    [
      connectTo('intranet:80', token, 'Content-Length: 5\r\n'),
      /must not have content, but this one has content-length/,
    ],
    [connectTo('intranet:80', token, 'Transfer-Encoding: chunked\r\n'), /this one has transfer-encoding/],
  ] as const) {
    const answer = await refusal(sim, request);
    t.equal(answer.status, 400, request.slice(0, 50));
    t.match(answer.rest, why);
  }
  t.equal(sim.journal.count({ name: 'http.rejected' }), 11, 'each is told');
  t.equal(sim.journal.count({ name: 'resource.request' }), 0);
  // What comes behind a CONNECT that is refused is no request, whatever it looks like.
  const smuggled = await refusal(sim, `${connectTo('192.0.2.1:80', token)}GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n`);
  t.equal(smuggled.status, 403);
  t.notMatch(smuggled.rest, /CERTIFICATE/);
  t.equal(sim.journal.count({ name: 'http.request', fields: { path: '/ca.pem' } }), 0);
});

t.test('it is off by default, and can be turned on and off while connections go on', async (t) => {
  const sim = await startSimulator();
  t.teardown(() => sim.close());
  const token = await sim.token();
  const off = await refusal(sim, connectTo('intranet:80', token));
  t.equal(off.status, 503, 'as the real server: CONNECT without a cookie');
  await sim.reload({ gateway: { httpConnect: true } });
  const socket = await ask(sim, connectTo('tcpecho:7', token));
  t.equal((await answerOn(socket)).status, 200);
  await sim.reload({ gateway: { httpConnect: false } });
  t.equal((await refusal(sim, connectTo('intranet:80', token))).status, 503);
  socket.end('still there');
  t.equal(await text(socket), 'still there');
});

t.test('a tunnel is opened as before', async (t) => {
  const sim = await start(t);
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  t.equal((await client.fetch('http://intranet.contoso.internal/')).status, 200);
  sim.journal.expectNoProblems();
});

t.test('a client that takes nothing holds its resource up, and little is kept for it', async (t) => {
  let sent = 0;
  const port = await listen(
    t,
    createServer((socket) => {
      socket.on('error', () => {});
      const piece = Buffer.alloc(65_536);
      const fill = (): void => {
        while (!socket.destroyed) {
          sent += piece.length;
          if (!socket.write(piece)) return void socket.once('drain', fill);
        }
      };
      fill();
    }),
  );
  const sim = await start(t, { resources: { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] } });
  const socket = await ask(sim, connectTo('192.0.2.1:80', await sim.token()));
  await answerOn(socket);
  socket.pause();
  // It has come to a standstill when nothing more is taken for many turns of the event loop.
  for (let last = -1, still = 0; still < 50; still = sent === last ? still + 1 : 0) {
    last = sent;
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  }
  t.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken from the resource`);
  socket.destroy();
  const { fields } = await sim.journal.waitFor({ name: 'resource.end' });
  t.match(fields, { outcome: 'broken' });
});

t.test('a fault that lets little through to the client holds its resource up, and little is kept for it', async (t) => {
  let sent = 0;
  const port = await listen(
    t,
    createServer((socket) => {
      socket.on('error', () => {});
      const piece = Buffer.alloc(65_536);
      const fill = (): void => {
        while (!socket.destroyed) {
          sent += piece.length;
          if (!socket.write(piece)) return void socket.once('drain', fill);
        }
      };
      fill();
    }),
  );
  const sim = await start(t, { resources: { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] } });
  const socket = await ask(sim, connectTo('192.0.2.1:80', await sim.token()));
  await answerOn(socket);
  const rule = sim.faults.add({ on: { seam: 'tcp', direction: 'out' }, then: { do: 'stall' } });
  await rule.struck();
  // It has come to a standstill when nothing more is taken for many turns of the event loop.
  for (let last = -1, still = 0; still < 50; still = sent === last ? still + 1 : 0) {
    last = sent;
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  }
  t.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken from the resource`);
  const before = sent;
  rule.remove();
  socket.resume();
  while (sent < before + 8 * 1024 * 1024) await new Promise(setImmediate);
  socket.destroy();
});

t.test('a client that leaves while its resource is dialled is not waited for, and the entry says so', async (t) => {
  const sim = await start(
    t,
    { gateway: { splitDns: [] }, resources: { upstreams: [{ match: 'slow.example.com' }] } },
    { lookUp: () => new Promise(() => {}) },
  );
  const socket = await ask(sim, connectTo('slow.example.com:80', await sim.token()));
  await sim.journal.waitFor({ name: 'resource.request' });
  socket.destroy();
  const { fields } = await sim.journal.waitFor({ name: 'resource.end' });
  t.match(fields, { outcome: 'failed', reason: 'The client disconnected before an answer.', answered: undefined });
});

t.test('a resource that breaks breaks the client’s connection, without a clean end', async (t) => {
  const sockets: Socket[] = [];
  const port = await listen(
    t,
    createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      socket.write('half of it');
    }),
  );
  const sim = await start(t, { resources: { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] } });
  const socket = await ask(sim, connectTo('192.0.2.1:80', await sim.token()));
  await answerOn(socket);
  let ended = false;
  socket.on('end', () => {
    ended = true;
  });
  socket.resume();
  sockets[0]!.resetAndDestroy();
  await once(socket, 'close');
  const { fields } = await sim.journal.waitFor({ name: 'resource.end' });
  t.match(fields, { outcome: 'broken' });
  t.notOk(ended && fields.outcome === 'completed');
});
