import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import t, { type Test } from 'tap';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import type {
  TcpConnectRequest,
  TcpFlow,
  UdpDatagramHandler,
  UdpFlow,
  UdpFlowRequest,
} from '../../src/netstack/types.ts';
import { ResourceBroker } from '../../src/resources/broker.ts';
import { createPolicy } from '../../src/resources/policy.ts';
import type { ServiceHandlers } from '../../src/resources/types.ts';
import { Telemetry } from '../../src/telemetry/index.ts';

/** A connect request as the netstack would raise it, with what became of it. */
function tcpRequest(address: string, port: number) {
  const [near, far] = duplexPair();
  const outcome = { accepted: false, refused: undefined as string | undefined, dropped: false };
  let settle: () => void;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const request = {
    family: 4,
    localAddress: address,
    localPort: port,
    remoteAddress: '169.254.0.2',
    remotePort: 40_000,
    accept: () => {
      outcome.accepted = true;
      settle();
      return { toDuplex: () => far, stats: () => ({ bytesIn: 11, bytesOut: 22 }) } as unknown as TcpFlow;
    },
    refuse: (how = 'reset') => {
      outcome.refused = how;
      settle();
    },
    drop: () => {
      outcome.dropped = true;
      settle();
    },
  } satisfies TcpConnectRequest;
  return { request, outcome, settled, stream: near };
}

function udpRequest(address: string, port: number, first: Buffer) {
  const sent: { payload: string; from: string }[] = [];
  let waiting: (() => void) | undefined;
  let deliver: UdpDatagramHandler = () => {};
  const flow = {
    family: 4,
    remoteAddress: '169.254.0.2',
    remotePort: 40_000,
    handler: () => {},
    onClose: undefined,
    onError: undefined,
    send: (payload: Uint8Array, localAddress: string, localPort: number) => {
      sent.push({ payload: Buffer.from(payload).toString(), from: `${localAddress}:${localPort}` });
      waiting?.();
      return true;
    },
    close: () => {},
  } as UdpFlow;
  const outcome = { refused: undefined as string | undefined };
  const request = {
    family: 4,
    localAddress: address,
    localPort: port,
    remoteAddress: '169.254.0.2',
    remotePort: 40_000,
    accept: (handler: UdpDatagramHandler) => {
      deliver = handler;
      handler(first, address, port);
      return flow;
    },
    refuse: (how = 'reset') => {
      outcome.refused = how;
    },
    drop: () => {},
  } satisfies UdpFlowRequest;
  const next = (count: number) =>
    new Promise<void>((resolve) => {
      waiting = () => sent.length >= count && resolve();
      waiting();
    });
  return { request, outcome, sent, next, flow, deliver: (...args: Parameters<UdpDatagramHandler>) => deliver(...args) };
}

const setup = (
  t: Test,
  options: { upstreams?: { match: string; to?: { host: string; port: number } }[]; refuse?: string } = {},
) => {
  const telemetry = new Telemetry({ clock: new ManualClock() });
  const opened: Duplex[] = [];
  const services: ServiceHandlers = {
    stream: (service) => (service === 'web' ? { open: (stream) => void opened.push(stream) } : undefined),
    datagram: (service) => (service === 'echo' ? { answer: (payload) => payload } : undefined),
  };
  const broker = new ResourceBroker({
    policy: createPolicy({
      services: {
        find: (address, port, protocol) =>
          address === '10.20.0.10'
            ? {
                host: 'intranet',
                service:
                  protocol === 'tcp' && port === 80 ? 'web' : protocol === 'udp' && port === 7 ? 'echo' : undefined,
              }
            : undefined,
      },
      upstreams: (options.upstreams ?? []).map((rule) => ({ ports: [], to: undefined, ...rule })),
    }),
    services,
    emit: telemetry.emit,
    clock: systemClock,
    requesterOf: (address) => ({
      session: address === '169.254.0.2' ? 's1' : undefined,
      user: 'alice',
      signInName: undefined,
      tenantId: undefined,
    }),
    hostOf: (address) => (address === '10.20.0.10' ? 'intranet' : undefined),
    ...(options.refuse
      ? { faults: { decision: () => ({ kind: 'refuse', explanation: options.refuse! }) as const } }
      : {}),
  });
  t.teardown(() => broker.close());
  return { broker, journal: telemetry.journal, opened };
};

const listen = async (t: Test, server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
};

t.test('a request for a service is accepted after one decision and ends with one entry', async (t) => {
  const { broker, journal, opened } = setup(t);
  const { request, outcome } = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(request);
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
  broker.handleTcp(closed.request);
  t.match(closed.outcome, { accepted: false, refused: 'reset' });
  const foreign = tcpRequest('192.0.2.1', 443);
  broker.handleTcp(foreign.request);
  t.match(foreign.outcome, { accepted: false, refused: 'prohibited' });
  t.strictSame(
    journal.query({ name: 'resource.request' }).map((event) => event.fields.rule),
    ['closed-port', 'default-deny'],
  );
});

t.test('a fault can refuse what the policy would allow, and the journal says so', async (t) => {
  const { broker, journal } = setup(t, { refuse: 'Maintenance.' });
  const { request, outcome } = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(request);
  t.equal(outcome.refused, 'prohibited');
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
  broker.handleTcp(request);
  t.notOk(outcome.accepted, 'not before the upstream answered');
  await settled;
  t.ok(outcome.accepted);
  stream.end('hello');
  const answer: Buffer[] = [];
  for await (const chunk of stream) answer.push(chunk as Buffer);
  t.equal(Buffer.concat(answer).toString(), 'HELLO');
});

t.test('an upstream that refuses makes the request refused, not accepted and broken', async (t) => {
  const server = createServer();
  const port = await listen(t, server);
  server.close();
  await once(server, 'close');
  const { broker } = setup(t, { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] });
  const { request, outcome, settled } = tcpRequest('192.0.2.1', 443);
  broker.handleTcp(request);
  await settled;
  t.match(outcome, { accepted: false, refused: 'reset' });
});

t.test('a datagram to a service is answered from the address it was sent to', async (t) => {
  const { broker } = setup(t);
  const udp = udpRequest('10.20.0.10', 7, Buffer.from('one'));
  broker.handleUdp(udp.request);
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
  broker.handleUdp(udp.request);
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
});

t.test('after close everything is refused and what was open is destroyed', async (t) => {
  const { broker, opened } = setup(t);
  broker.handleTcp(tcpRequest('10.20.0.10', 80).request);
  await broker.close();
  await broker.close();
  t.ok(opened[0]!.destroyed);
  const late = tcpRequest('10.20.0.10', 80);
  broker.handleTcp(late.request);
  t.equal(late.outcome.refused, 'reset');
});
