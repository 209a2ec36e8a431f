import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { CstpType, serializeCstp } from '../../../src/wire/cstp.ts';
import { cookieOf, header, ipv4Packet, startTestGateway, statusLine, TUNNEL_HEADERS } from '../../support/gateway.ts';

const REFUSED = 'HTTP/1.1 401 Cookie is not acceptable';
const CONNECTED = 'HTTP/1.1 200 CONNECTED';

/** Resolves at the next `session.disconnect`, so that what the client did has been noticed. */
const noticed = (lab: { events: { next(name: 'session.disconnect'): Promise<unknown> } }): Promise<unknown> =>
  lab.events.next('session.disconnect');

t.test('after an abrupt end of TCP the cookie gives the same addresses', async (t) => {
  await using lab = await startTestGateway();
  const first = await lab.dial();
  const cookie = cookieOf(await first.login());
  const before = await first.connectTunnel();
  const gone = noticed(lab);
  first.close();
  await gone;
  t.equal(lab.gateway.sessions()[0]?.state, 'disconnected');
  const second = await lab.dial();
  const after = await second.connectTunnel(cookie);
  for (const name of ['X-CSTP-Address', 'X-CSTP-Netmask', 'X-CSTP-Address-IP6']) {
    t.equal(header(after, name), header(before, name));
  }
  t.equal(lab.events.of('session.connect')[1]?.resumed, true);
  second.close();
});

t.test('a second CONNECT with the cookie takes over; the first connection is told and closed', async (t) => {
  await using lab = await startTestGateway();
  const first = await lab.dial();
  const cookie = cookieOf(await first.login());
  const before = await first.connectTunnel();
  const second = await lab.dial();
  const after = await second.connectTunnel(cookie);
  t.equal(statusLine(after), CONNECTED);
  t.equal(header(after, 'X-CSTP-Address'), header(before, 'X-CSTP-Address'));
  t.strictSame(await first.packet(), { type: CstpType.Disconnect, payload: Buffer.alloc(0) });
  t.equal(await first.packet(), undefined);
  second.sendPacket(CstpType.DpdRequest);
  t.equal(
    (await second.packet())?.type,
    CstpType.DpdResponse,
    'the end of the old connection does not hurt the new one',
  );
  t.equal(lab.gateway.sessions().length, 1);
  second.close();
});

t.test('what a disconnect packet says decides whether the cookie lives on', async (t) => {
  for (const [label, payload, status, explanation] of [
    ['nothing: for now', Buffer.alloc(0), CONNECTED, /left temporarily/],
    ['b0 and a text: by the user', Buffer.from('\xb0bye', 'latin1'), REFUSED, /user disconnected.*"bye"/],
    ['91: to come again', Buffer.from('\x91rekey', 'latin1'), CONNECTED, /will reconnect.*"rekey"/],
    ['anything else: the tunnel ends', Buffer.from('hello'), CONNECTED, /left temporarily.*"ello"/],
  ] as const) {
    await using lab = await startTestGateway();
    const client = await lab.dial();
    const cookie = cookieOf(await client.login());
    await client.connectTunnel();
    client.sendPacket(CstpType.Disconnect, payload);
    t.equal(await client.packet(), undefined, label);
    t.match(lab.events.of('session.disconnect'), [{ explanation }], label);
    t.strictSame(lab.events.of('channel.protocol-error'), [], label);
    const again = await lab.dial();
    t.equal(statusLine(await again.connectTunnel(cookie)), status, label);
    again.close();
  }
});

t.test('the user leaving frees the addresses at once', async (t) => {
  await using lab = await startTestGateway();
  const released: string[] = [];
  lab.gateway.attach({
    onPacket() {},
    onBatchEnd() {},
    onPathChanged() {},
    onAddressReleased: (address) => void released.push(address),
  });
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel();
  t.ok(lab.gateway.sessionAt('192.168.77.2'));
  client.sendPacket(CstpType.Disconnect, Buffer.from([0xb0]));
  await client.ended;
  t.strictSame(released, ['192.168.77.2', 'fda9:4efe:7e3b::2']);
  t.strictSame(lab.gateway.sessions(), []);
  t.equal(lab.gateway.sessionAt('192.168.77.2'), undefined);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'user' }]);
});

t.test('a client that comes back is told to whoever sends to it, as its path may carry other packets', async (t) => {
  await using lab = await startTestGateway();
  const changed: (string | number | undefined)[] = [];
  lab.gateway.attach({
    onPacket() {},
    onBatchEnd() {},
    onPathChanged: (address) => void changed.push(address, lab.gateway.mtuOf(address)),
    onAddressReleased() {},
  });
  const client = await lab.dial();
  const cookie = cookieOf(await client.login());
  await client.connectTunnel();
  t.strictSame(changed, [], 'nothing can be under way to a new session');
  const before = lab.gateway.mtuOf('192.168.77.2')!;
  const again = await lab.dial();
  await again.connectTunnel(
    cookie,
    TUNNEL_HEADERS.map((line) => line.replace('1500', '1300')),
  );
  t.strictSame(changed.slice(0, 1), ['192.168.77.2']);
  t.ok(Number(changed[1]) < before, `${changed[1]} instead of ${before}`);
});

t.test('addresses are free only after the last packets of the batch, and that batch has its end', async (t) => {
  await using lab = await startTestGateway();
  const order: string[] = [];
  const freed = new Promise<void>((resolve) => {
    lab.gateway.attach({
      onPacket: (_buffer, _offset, length, session) => void order.push(`packet ${length} of ${session.username}`),
      onBatchEnd: () => void order.push('batch end'),
      onPathChanged() {},
      onAddressReleased: (address) => {
        order.push(`free ${address}`);
        if (address.includes(':')) resolve();
      },
    });
  });
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel();
  client.send(
    Buffer.concat([
      serializeCstp(CstpType.Data, ipv4Packet('192.168.77.2', '10.20.0.1', 60)),
      serializeCstp(CstpType.Disconnect, Buffer.from([0xb0])),
    ]),
  );
  await freed;
  t.strictSame(order, ['packet 60 of adele@example.com', 'batch end', 'free 192.168.77.2', 'free fda9:4efe:7e3b::2']);
});

t.test('GET /logout ends neither the session nor the cookie', async (t) => {
  await using lab = await startTestGateway();
  const first = await lab.dial();
  const cookie = cookieOf(await first.login());
  await first.connectTunnel();
  const other = await lab.dial();
  t.equal(statusLine(await other.request('GET', '/logout', [`Cookie: webvpn=${cookie}`])), 'HTTP/1.1 200 OK');
  first.sendPacket(CstpType.DpdRequest);
  t.equal((await first.packet())?.type, CstpType.DpdResponse);
  first.close();
  other.close();
});

t.test('an administrator ends the session, tells the client, and the cookie is invalid at once', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const cookie = cookieOf(await client.login());
  await client.connectTunnel();
  const [session] = lab.gateway.sessions();
  t.equal(lab.gateway.disconnect('nobody'), false);
  t.equal(lab.gateway.disconnect(session!.id, 'Maintenance.'), true);
  t.strictSame(await client.packet(), { type: CstpType.Disconnect, payload: Buffer.alloc(0) });
  await client.ended;
  t.match(lab.events.of('session.disconnect'), [{ reason: 'admin', explanation: 'Maintenance.' }]);
  const again = await lab.dial();
  t.equal(statusLine(await again.connectTunnel(cookie)), REFUSED);
  again.close();
});

t.test('a session that is not connected can be ended too, and that is told', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const cookie = cookieOf(await client.login());
  t.equal(lab.gateway.sessions()[0]?.state, 'authenticated');
  t.equal(lab.gateway.disconnect(lab.gateway.sessions()[0]!.id), true);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'admin', seconds: 0 }]);
  t.equal(statusLine(await client.connectTunnel()), REFUSED, 'even on the connection that authenticated');
  const other = await lab.dial();
  t.equal(statusLine(await other.connectTunnel(cookie)), REFUSED);
  for (const each of [client, other]) each.close();
});

t.test('a cookie that nobody uses expires after its time and the slack', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { cookieTimeout: 5 } });
  const client = await lab.dial();
  const cookie = cookieOf(await client.login());
  clock.advance(19_000);
  t.equal(lab.gateway.sessions().length, 1);
  clock.advance(2_000);
  t.match(lab.events.of('session.expired'), [{ user: 'adele@example.com' }]);
  const late = await lab.dial();
  t.equal(statusLine(await late.connectTunnel(cookie)), REFUSED);
  client.close();
  late.close();
});

t.test('a cookie in use does not expire, and starts anew when its connection ends', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { cookieTimeout: 5, dpd: 0 } });
  const client = await lab.dial();
  const cookie = cookieOf(await client.login());
  await client.connectTunnel();
  clock.advance(100_000);
  const gone = noticed(lab);
  client.close();
  await gone;
  clock.advance(12_000);
  const soon = await lab.dial();
  t.equal(statusLine(await soon.connectTunnel(cookie)), CONNECTED);
  const goneAgain = noticed(lab);
  soon.close();
  await goneAgain;
  clock.advance(27_000);
  const late = await lab.dial();
  t.equal(statusLine(await late.connectTunnel(cookie)), REFUSED);
  late.close();
});

t.test('with roaming denied the cookie is good from its own address only, and not spoilt by the attempt', async (t) => {
  await using lab = await startTestGateway({ host: '0.0.0.0', settings: { denyRoaming: true } });
  const first = await lab.dial();
  const cookie = cookieOf(await first.login());
  await first.connectTunnel();
  const stranger = await lab.dial({ host: '127.0.0.1', localAddress: '127.0.0.9' } as object);
  t.equal(statusLine(await stranger.connectTunnel(cookie)), REFUSED);
  t.match(lab.events.of('session.refused'), [{ reason: 'roaming' }]);
  first.sendPacket(CstpType.DpdRequest);
  t.equal((await first.packet())?.type, CstpType.DpdResponse, 'the session goes on');
  for (const client of [first, stranger]) client.close();
});

t.test('without that, a client may come back from elsewhere', async (t) => {
  await using lab = await startTestGateway({ host: '0.0.0.0' });
  const first = await lab.dial();
  const cookie = cookieOf(await first.login());
  await first.connectTunnel();
  const elsewhere = await lab.dial({ host: '127.0.0.1', localAddress: '127.0.0.9' } as object);
  t.equal(statusLine(await elsewhere.connectTunnel(cookie)), CONNECTED);
  t.equal(lab.gateway.sessions()[0]?.remoteAddress, '127.0.0.9');
  for (const client of [first, elsewhere]) client.close();
});

t.test('a store that outlives the gateway lets a session be resumed with its addresses', async (t) => {
  const { MemorySessionStore } = await import('../../../src/gateway/session/session-store.ts');
  const kept = new MemorySessionStore();
  // A gateway that closes ends its sessions; a store shared between servers keeps what it is told to keep.
  const store = { get: kept.get.bind(kept), put: kept.put.bind(kept), delete: async () => {} };
  let cookie: string;
  {
    await using lab = await startTestGateway({ store });
    const other = await lab.dial();
    await other.login('good:other');
    await other.connectTunnel();
    const client = await lab.dial();
    cookie = cookieOf(await client.login());
    t.equal(header(await client.connectTunnel(), 'X-CSTP-Address'), '192.168.77.3');
    const gone = noticed(lab);
    client.close();
    await gone;
    other.close();
  }
  await using next = await startTestGateway({ store });
  const client = await next.dial();
  t.equal(header(await client.connectTunnel(cookie), 'X-CSTP-Address'), '192.168.77.3');
  t.equal(next.gateway.sessions()[0]?.username, 'adele@example.com');
  client.close();
});
