import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import type { SocketLimitReached } from '../../src/resources/upstream-sockets.ts';
import { ALICE, listen, setup, tcpRequest, udpRequest } from '../support/broker.ts';

t.test('a request for a service is accepted after one decision and ends with one entry', async (t) => {
  const { broker, journal, opened } = setup(t);
  const { request, outcome } = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(request, ALICE);
  t.ok(outcome.accepted);
  t.equal(opened.length, 1);
  const decided = journal.query({ name: 'resource.request' });
  t.equal(decided.length, 1);
  t.match(decided[0]!.fields, {
    session: 's1',
    user: 'alice',
    host: 'intranet',
    decision: 'allow',
    destination: '10.20.0.10:80',
  });
  opened[0]!.destroy();
  const end = await journal.waitFor({ name: 'resource.end' });
  t.match(end.fields, { request: decided[0]!.fields.request, bytesIn: 11, bytesOut: 22, reason: 'closed' });
});

t.test('a refused request is answered as the policy says, before anything is accepted', async (t) => {
  const { broker, journal } = setup(t);
  const closed = tcpRequest('10.20.0.10', 81);
  broker.handleTcp(closed.request, ALICE);
  t.match(closed.outcome, { accepted: false, refused: 'reset' });
  const foreign = tcpRequest('192.0.2.1', 443);
  broker.handleTcp(foreign.request, ALICE);
  t.match(foreign.outcome, { accepted: false, refused: 'prohibited' });
  t.strictSame(
    journal.query({ name: 'resource.request' }).map((event) => event.fields.rule),
    ['closed-port', 'default-deny'],
  );
});

t.test('a fault can refuse what the policy would allow, and the journal says so', async (t) => {
  const { broker, journal } = setup(t, { refuse: 'Maintenance.' });
  const { request, outcome } = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(request, ALICE);
  t.equal(outcome.refused, 'reset');
  t.match(journal.query({ name: 'resource.request' })[0]!.fields, { rule: 'fault', explanation: 'Maintenance.' });
});

t.test('an upstream is dialled first; bytes and half-close pass in both directions', async (t) => {
  const port = await listen(
    t,
    createServer({ allowHalfOpen: true }, (socket) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('end', () => socket.end(Buffer.concat(chunks).toString().toUpperCase()));
    }),
  );
  const { broker } = setup(t, { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] });
  const { request, outcome, settled, stream } = tcpRequest('192.0.2.1', 443);
  broker.handleTcp(request, ALICE);
  t.notOk(outcome.accepted, 'not before the upstream answered');
  await settled;
  t.ok(outcome.accepted);
  stream.end('hello');
  const answer: Buffer[] = [];
  for await (const chunk of stream) answer.push(chunk as Buffer);
  t.equal(Buffer.concat(answer).toString(), 'HELLO');
});

t.test('an upstream is not dead because the gateway stood still while it was dialled', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => void socket.on('error', () => {}).end()),
  );
  const clock = new ManualClock();
  // A name is looked up first, so that the upstream is dialled only some turns after the stall.
  const { broker } = setup(t, { clock, upstreams: [{ match: '192.0.2.1', to: { host: 'localhost', port } }] });
  const { request, outcome, settled } = tcpRequest('192.0.2.1', 443);
  broker.handleTcp(request, ALICE);
  clock.advance(9_999);
  clock.stall(3_600_000);
  clock.advance(0);
  await settled;
  t.match(outcome, { accepted: true, refused: undefined });
});

t.test('an upstream that refuses makes the request refused, not accepted and broken', async (t) => {
  const server = createServer();
  const port = await listen(t, server);
  server.close();
  await once(server, 'close');
  const { broker } = setup(t, { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] });
  const { request, outcome, settled } = tcpRequest('192.0.2.1', 443);
  broker.handleTcp(request, ALICE);
  await settled;
  t.match(outcome, { accepted: false, refused: 'reset' });
});

t.test('the connections of one session leave sockets to upstreams for the others', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => void socket.on('error', () => {})),
  );
  const limits: SocketLimitReached[] = [];
  const { broker, journal } = setup(t, {
    upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }],
    maxSockets: 3,
    onLimit: (reached) => limits.push(reached),
  });
  const [hostile, honest] = [{}, {}];
  const ask = async (owner: object) => {
    const asked = tcpRequest('192.0.2.1', 443, owner);
    broker.handleTcp(asked.request, ALICE);
    await asked.settled;
    return asked;
  };
  const first = await ask(hostile);
  await ask(hostile);
  await ask(hostile);
  t.match((await ask(hostile)).outcome, { accepted: false, refused: 'host-unreachable' });
  const lost = once(first.stream, 'close');
  t.match((await ask(honest)).outcome, { accepted: true });
  await lost;
  t.strictSame(limits, [
    { action: 'refused', owner: hostile },
    { action: 'evicted', owner: hostile },
  ]);
  t.match(
    journal.query({ name: 'resource.end' }).map(({ fields }) => fields.reason),
    [/has used its share of the sockets/, /to give other sessions their share/],
  );
});

t.test('a connection that is still being dialled is closed for others too', async (t) => {
  let answer = (): void => {};
  const lookUp = () => new Promise<never>((_, reject) => (answer = () => reject(new Error('too late'))));
  const { broker } = setup(t, {
    upstreams: [{ match: '192.0.2.1', to: { host: 'slow.example.com', port: 443 } }],
    maxSockets: 1,
    lookUp,
  });
  const [one, other] = [tcpRequest('192.0.2.1', 443, {}), tcpRequest('192.0.2.1', 443, {})];
  broker.handleTcp(one.request, ALICE);
  broker.handleTcp(other.request, ALICE);
  await one.settled;
  t.match(one.outcome, { accepted: false, refused: 'host-unreachable' });
  t.equal(other.outcome.refused, undefined, 'is dialled instead');
  answer();
});

t.test('a datagram to a service is answered from the address it was sent to', async (t) => {
  const { broker } = setup(t);
  const udp = udpRequest('10.20.0.10', 7, Buffer.from('one'));
  broker.handleUdp(udp.request, ALICE);
  await udp.next(1);
  udp.deliver(Buffer.from('two'), '10.20.0.10', 7);
  await udp.next(2);
  t.strictSame(udp.sent, [
    { payload: 'one', from: '10.20.0.10:7' },
    { payload: 'two', from: '10.20.0.10:7' },
  ]);
});

t.test('one mapping reaches several destinations, each with one decision of its own', async (t) => {
  const echo = createSocket('udp4');
  echo.on('message', (message, from) => echo.send(`re:${message}`, from.port, from.address));
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  t.teardown(() => echo.close());
  const { broker, journal } = setup(t, {
    upstreams: [{ match: '192.0.2.9', to: { host: '127.0.0.1', port: echo.address().port } }],
  });
  const udp = udpRequest('10.20.0.10', 7, Buffer.from('a'));
  broker.handleUdp(udp.request, ALICE);
  await udp.next(1);
  udp.deliver(Buffer.from('b'), '192.0.2.9', 5353);
  await udp.next(2);
  udp.deliver(Buffer.from('c'), '198.51.100.1', 53);
  udp.deliver(Buffer.from('d'), '192.0.2.9', 5353);
  await udp.next(3);
  t.strictSame(
    udp.sent.map(({ payload, from }) => `${payload} from ${from}`),
    ['a from 10.20.0.10:7', 're:b from 192.0.2.9:5353', 're:d from 192.0.2.9:5353'],
  );
  t.strictSame(
    journal.query({ name: 'resource.request' }).map((event) => event.fields.decision),
    ['allow', 'allow', 'deny'],
  );
  t.strictSame(udp.refusals, ['prohibited'], 'what is denied is told as without a mapping');
  udp.deliver(Buffer.from('e'), '198.51.100.1', 53);
  t.strictSame(udp.refusals, ['prohibited', 'prohibited'], 'each time');
  udp.deliver(Buffer.from('f'), '10.20.0.10', 9);
  t.equal(udp.refusals.at(-1), 'reset', 'a closed port is closed');
});

t.test('after close everything is refused and what was open is destroyed', async (t) => {
  const { broker, opened } = setup(t);
  broker.handleTcp(tcpRequest('10.20.0.10', 80).request, ALICE);
  await broker.close();
  await broker.close();
  t.ok(opened[0]!.destroyed);
  const late = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(late.request, ALICE);
  t.equal(late.outcome.refused, 'reset');
});

t.test('the mapping of a look-up ends with its answer, one of other datagrams goes on', async (t) => {
  const { broker, journal } = setup(t);
  const lookUp = udpRequest('10.20.0.10', 53, Buffer.from('question'));
  broker.handleUdp(lookUp.request, ALICE);
  // A and AAAA of one name come together, from one port.
  lookUp.deliver(Buffer.from('another'), '10.20.0.10', 53);
  await lookUp.next(2);
  t.same(lookUp.sent.map(({ payload }) => payload).toSorted(), ['another', 'question']);
  t.ok(lookUp.outcome.closed);
  t.match(journal.query({ name: 'resource.end' }), [{ fields: { reason: 'answered', bytesIn: 15, bytesOut: 15 } }]);
  const mixed = udpRequest('10.20.0.10', 7, Buffer.from('datagram'));
  broker.handleUdp(mixed.request, ALICE);
  await mixed.next(1);
  mixed.deliver(Buffer.from('question'), '10.20.0.10', 53);
  await mixed.next(2);
  t.notOk(mixed.outcome.closed);
});

t.test('the mapping of a look-up by a real name server ends with its answer', async (t) => {
  const server = createSocket('udp4');
  server.on('message', (message, from) => server.send(message, from.port, from.address));
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { broker } = setup(t, {
    upstreams: [{ match: '192.0.2.53', to: { host: '127.0.0.1', port: server.address().port } }],
  });
  const lookUp = udpRequest('192.0.2.53', 53, Buffer.from('question'));
  broker.handleUdp(lookUp.request, ALICE);
  await lookUp.next(1);
  t.ok(lookUp.outcome.closed);
});

/** A UDP server that answers with what it got. */
const listenUdp = async (t: Test, address = '127.0.0.1'): Promise<number> => {
  const server = createSocket('udp4');
  server.on('message', (message, from) => server.send(`re:${message}`, from.port, from.address));
  server.bind(0, address);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return server.address().port;
};

t.test('two destinations that lead to one endpoint answer each from its own address', async (t) => {
  const port = await listenUdp(t);
  const { broker } = setup(t, {
    upstreams: [
      { match: '192.0.2.0/24', to: { host: '127.0.0.1', port } },
      { match: 'api.example.com', to: { host: 'localhost', port } },
    ],
    names: { '10.20.240.1': ['api.example.com'] },
    lookUp: async () => ['127.0.0.1'],
  });
  const udp = udpRequest('192.0.2.1', 7, Buffer.from('a'));
  broker.handleUdp(udp.request, ALICE);
  udp.deliver(Buffer.from('b'), '192.0.2.2', 7);
  udp.deliver(Buffer.from('c'), '192.0.2.1', 8);
  udp.deliver(Buffer.from('d'), '10.20.240.1', 7);
  await udp.next(4);
  t.strictSame(udp.sent.map(({ payload, from }) => `${payload} from ${from}`).toSorted(), [
    're:a from 192.0.2.1:7',
    're:b from 192.0.2.2:7',
    're:c from 192.0.2.1:8',
    're:d from 10.20.240.1:7',
  ]);
  udp.deliver(Buffer.from('e'), '192.0.2.1', 7);
  await udp.next(5);
  t.strictSame(udp.sent.at(-1), { payload: 're:e', from: '192.0.2.1:7' }, 'whoever was asked last');
});

t.test('an upstream by name is resolved when it is dialled, over TCP and UDP, and the journal names it', async (t) => {
  const tcpPort = await listen(
    t,
    createServer((socket) => socket.end('hello')),
  );
  const udpPort = await listenUdp(t);
  const asked: string[] = [];
  const { broker, journal, kept } = setup(t, {
    upstreams: [{ match: '*.example.com', local: true }],
    names: { '10.20.240.2': ['web.example.com'] },
    lookUp: async (host) => {
      asked.push(host);
      return ['127.0.0.1'];
    },
  });
  for (let i = 1; i <= 2; i++) {
    const tcp = tcpRequest('10.20.240.2', tcpPort);
    broker.handleTcp(tcp.request, ALICE);
    await tcp.settled;
    t.ok(tcp.outcome.accepted);
    t.strictSame(kept, ['10.20.240.2'], 'the address keeps its name while the flow is open');
    tcp.stream.end();
    tcp.stream.resume();
    await once(tcp.stream, 'close');
    await journal.waitFor({ name: 'resource.end', fields: { request: `r${i}` } });
    t.strictSame(kept, []);
  }
  t.strictSame(asked, ['web.example.com', 'web.example.com'], 'each connection asks anew');
  const udp = udpRequest('10.20.240.2', udpPort, Buffer.from('a'));
  broker.handleUdp(udp.request, ALICE);
  await udp.next(1);
  t.strictSame(udp.sent, [{ payload: 're:a', from: `10.20.240.2:${udpPort}` }]);
  t.strictSame(kept, ['10.20.240.2']);
  t.match(journal.query({ name: 'resource.request' }).at(-1)?.fields, {
    host: 'web.example.com',
    destination: `10.20.240.2:${udpPort}`,
    rule: 'upstream *.example.com',
    explanation: `The upstream rule *.example.com allows web.example.com; it goes to web.example.com port ${udpPort}.`,
  });
  await broker.close();
  t.strictSame(kept, []);
});

t.test('an upstream whose name is not known is unreachable, with the reason in the journal', async (t) => {
  const { broker, journal, kept } = setup(t, {
    upstreams: [{ match: '192.0.2.1', to: { host: 'no-such-host', port: 80 } }],
    lookUp: async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND no-such-host'), { code: 'ENOTFOUND' });
    },
  });
  const explanation = 'no-such-host is unknown to the resolver of this machine (ENOTFOUND)';
  const tcp = tcpRequest('192.0.2.1', 80);
  broker.handleTcp(tcp.request, ALICE);
  await tcp.settled;
  t.match(tcp.outcome, { accepted: false, refused: 'host-unreachable' });
  t.match(journal.query({ name: 'resource.end' }), [{ fields: { request: 'r1', reason: explanation } }]);
  const udp = udpRequest('192.0.2.1', 5300, Buffer.from('a'));
  broker.handleUdp(udp.request, ALICE);
  await journal.waitFor({ name: 'resource.unreachable', fields: { request: 'r2' } });
  // Not told again for the same reason; and the way is open for whoever repeats the question.
  udp.deliver(Buffer.from('b'), '192.0.2.1', 5300);
  await new Promise(setImmediate);
  t.match(journal.query({ name: 'resource.unreachable' }), [
    { level: 'warn', fields: { request: 'r1', session: 's1', host: '192.0.2.1', explanation } },
    { fields: { request: 'r2', explanation } },
  ]);
  t.equal(journal.query({ name: 'resource.unreachable' }).length, 2);
  const lookUp = udpRequest('192.0.2.1', 53, Buffer.from('question'));
  broker.handleUdp(lookUp.request, ALICE);
  await journal.waitFor({ name: 'resource.end', fields: { request: 'r3', reason: explanation } });
  t.ok(lookUp.outcome.closed, 'a look-up that leads nowhere keeps no mapping');
  await broker.close();
  t.match(journal.query({ name: 'resource.end' }).at(-1)?.fields, { request: 'r2', reason: explanation });
  t.strictSame(kept, []);
});

t.test('each destination of a mapping has one entry at its end: what was denied at once', async (t) => {
  const port = await listenUdp(t);
  const { broker, journal } = setup(t, { upstreams: [{ match: '192.0.2.9', to: { host: '127.0.0.1', port } }] });
  const udp = udpRequest('10.20.0.10', 7, Buffer.from('aaa'));
  broker.handleUdp(udp.request, ALICE);
  udp.deliver(Buffer.from('b'), '192.0.2.9', 5000);
  udp.deliver(Buffer.from('c'), '198.51.100.1', 5000);
  await udp.next(2);
  udp.flow.close();
  t.match(
    journal.query({ name: 'resource.end' }).map(({ fields }) => fields),
    [
      { request: 'r3', bytesIn: 0, bytesOut: 0, outcome: 'denied', reason: 'denied' },
      { request: 'r1', bytesIn: 3, bytesOut: 3, outcome: 'completed', reason: 'idle' },
      { request: 'r2', bytesIn: 1, bytesOut: 4, outcome: 'completed', reason: 'idle' },
    ],
  );
  t.equal(journal.query({ name: 'resource.end' }).length, 3);
});

t.test('what is being dialled when everything closes is given up', async (t) => {
  const { broker, journal } = setup(t, {
    upstreams: [{ match: '192.0.2.1', to: { host: 'slow', port: 80 } }],
    lookUp: () => new Promise(() => {}),
  });
  const tcp = tcpRequest('192.0.2.1', 80);
  broker.handleTcp(tcp.request, ALICE);
  await broker.close();
  t.same(journal.query({ name: 'resource.unreachable' }), []);
  t.notOk(tcp.outcome.accepted);
});

t.test(
  'a name that comes to mean this machine is refused when it is dialled, over TCP and UDP (DNS rebinding)',
  async (t) => {
    const port = await listen(
      t,
      createServer((socket) => socket.end('secret')),
    );
    const { broker, journal } = setup(t, {
      upstreams: [{ match: '*.example.com' }],
      names: { '10.20.240.2': ['evil.example.com'] },
      lookUp: async () => ['::ffff:127.0.0.1'],
    });
    const tcp = tcpRequest('10.20.240.2', port);
    broker.handleTcp(tcp.request, ALICE);
    await tcp.settled;
    t.match(tcp.outcome, { accepted: false, refused: 'prohibited' });
    const reason = /evil\.example\.com resolves to ::ffff:(127\.0\.0\.1|7f00:1), which is this machine itself/;
    t.match(journal.query({ name: 'resource.end' }), [{ fields: { outcome: 'denied', reason } }]);
    const udp = udpRequest('10.20.240.2', 5300, Buffer.from('a'));
    broker.handleUdp(udp.request, ALICE);
    await journal.waitFor({ name: 'resource.unreachable', fields: { request: 'r2' } });
    t.match(journal.query({ name: 'resource.unreachable' }).at(-1)?.fields.explanation, reason);
  },
);

t.test('a removed rule ends the connections that it allowed, and says how many', async (t) => {
  const clients: Socket[] = [];
  const port = await listen(
    t,
    createServer((socket) => void clients.push(socket.on('error', () => {}))),
  );
  const to = { host: '127.0.0.1', port };
  const { broker, rules, journal, opened } = setup(t, {
    upstreams: [
      { match: '192.0.2.1', to },
      { match: '192.0.2.2', to },
    ],
  });
  const requests = ['192.0.2.1', '192.0.2.2'].map((address) => tcpRequest(address, 443));
  for (const { request, settled } of requests) {
    broker.handleTcp(request, ALICE);
    await settled;
  }
  broker.handleTcp(tcpRequest('10.20.0.10', 80).request, ALICE);
  t.equal(broker.rulesChanged(), 0, 'nothing was removed');
  rules.remove('u1');
  t.equal(broker.rulesChanged('u1'), 1);
  const end = await journal.waitFor({ name: 'resource.end' });
  t.match(end.fields, { target: /192\.0\.2\.1|127\.0\.0\.1/, outcome: 'broken', reason: 'The upstream was removed.' });
  rules.remove('u2');
  const since = journal.mark();
  t.equal(broker.accessChanged(), 1, 'what is allowed still goes on: the service, and nothing that is over counts');
  const second = await journal.waitFor({ name: 'resource.end', since });
  t.match(second.fields, { outcome: 'broken', reason: /^The rules changed: / });
  t.notOk(opened[0]!.destroyed);
  t.equal(broker.accessChanged(), 0);
});

t.test('a client that breaks off after the answer is told as such, with its reason', async (t) => {
  const { broker, journal, opened } = setup(t);
  const { request, stream } = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(request, ALICE);
  const answered = once(opened[0]!, 'finish');
  opened[0]!.end('answer');
  stream.resume();
  await answered;
  opened[0]!.destroy(new Error('connection reset by the client'));
  const { fields } = await journal.waitFor({ name: 'resource.end' });
  t.match(fields, { outcome: 'broken', reason: 'connection reset by the client' });
});
