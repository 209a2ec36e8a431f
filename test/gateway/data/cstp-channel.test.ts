import t from 'tap';
import type { PacketPort } from '../../../src/gateway/types.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { CstpType, serializeCstp } from '../../../src/wire/cstp.ts';
import {
  cookieOf,
  ipv4Packet,
  type RawClient,
  startTestGateway,
  statusLine,
  type TestGateway,
  withHeadroom,
} from '../../support/gateway.ts';

type Lab = Awaited<ReturnType<typeof startTestGateway>>;

async function tunnel(lab: Lab): Promise<{ client: RawClient; cookie: string }> {
  const client = await lab.dial();
  const cookie = cookieOf(await client.login());
  await client.connectTunnel();
  return { client, cookie };
}

/** Collects packets, and lets a test wait for the next batch. */
class Sink implements PacketPort {
  readonly packets: Buffer[] = [];
  batches = 0;
  #wake: (() => void) | undefined;

  onPacket(buffer: Buffer, offset: number, length: number): void {
    this.packets.push(Buffer.from(buffer.subarray(offset, offset + length)));
  }

  onBatchEnd(): void {
    this.batches++;
    this.#wake?.();
  }

  onPathChanged(): void {}
  onAddressReleased(): void {}

  async until(count: number): Promise<void> {
    while (this.packets.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const OWN = '192.168.77.2';

t.test('DPD requests are echoed with their payload', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  for (const payload of [Buffer.alloc(0), Buffer.from('abcd'), Buffer.alloc(1500, 0x5a)]) {
    client.sendPacket(CstpType.DpdRequest, payload);
    t.strictSame(await client.packet(), { type: CstpType.DpdResponse, payload });
  }
  client.close();
});

t.test('after bulk data an answer to DPD that no longer fits one record is cut to fit', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  for (let i = 0; i < 2; i++) {
    const { buffer, offset, length } = withHeadroom(ipv4Packet('192.168.77.1', OWN, 1472));
    lab.gateway.deliver(buffer, offset, length);
  }
  for (let i = 0; i < 2; i++) t.equal((await client.packet())?.payload.length, 1472);
  client.sendPacket(CstpType.DpdRequest, Buffer.alloc(4000, 0x5a));
  t.strictSame(await client.packet(), { type: CstpType.DpdResponse, payload: Buffer.alloc(1472, 0x5a) });
  client.close();
});

t.test('what needs no answer gets none, unknown types included', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  for (const type of [CstpType.DpdResponse, CstpType.Keepalive, CstpType.Terminate, 6, 200]) client.sendPacket(type);
  client.sendPacket(CstpType.Data, Buffer.from('abcdef'));
  client.sendPacket(CstpType.Data);
  client.sendPacket(CstpType.DpdRequest, Buffer.from('still here'));
  t.strictSame(await client.packet(), { type: CstpType.DpdResponse, payload: Buffer.from('still here') });
  client.close();
});

t.test(
  'bytes that are no CSTP end the connection with a disconnect packet and an explanation; the cookie stays valid',
  async (t) => {
    const good = serializeCstp(CstpType.DpdRequest);
    const bad = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[at] = value;
      return bytes;
    };
    for (const [label, bytes, reason] of [
      ['bad magic', bad(2, 0x58), 'magic'],
      ['version 2', bad(3, 2), 'version'],
      ['last byte 1', bad(7, 1), 'reserved'],
      ['a length above the limit', bad(4, 0xff), 'length'],
      ['compressed without agreement', serializeCstp(CstpType.Compressed, Buffer.from('abcdef')), 'compressed'],
      ['a request instead of CSTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'magic'],
    ] as const) {
      await using lab = await startTestGateway();
      const { client, cookie } = await tunnel(lab);
      client.send(bytes);
      t.strictSame(await client.packet(), { type: CstpType.Disconnect, payload: Buffer.alloc(0) }, label);
      await client.ended;
      t.match(lab.events.of('channel.protocol-error'), [{ reason }], label);
      const again = await lab.dial();
      t.equal(statusLine(await again.connectTunnel(cookie)), 'HTTP/1.1 200 CONNECTED', label);
      again.close();
    }
  },
);

t.test('packets split over records and packed into one are taken as they are', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  client.send(Buffer.concat([serializeCstp(3, Buffer.from('a')), serializeCstp(3, Buffer.from('b'))]));
  t.equal((await client.packet())?.payload.toString(), 'a');
  t.equal((await client.packet())?.payload.toString(), 'b');
  const split = serializeCstp(3, Buffer.from('split'));
  client.send(split.subarray(0, 5));
  await new Promise((resolve) => client.tls.write(split.subarray(5), resolve));
  t.equal((await client.packet())?.payload.toString(), 'split');
  client.close();
});

t.test('data sent together with CONNECT arrives', async (t) => {
  await using lab = await startTestGateway();
  const sink = new Sink();
  lab.gateway.attach(sink);
  const client = await lab.dial();
  await client.login();
  const packet = ipv4Packet(OWN, '192.168.77.1', 60);
  client.send(
    Buffer.concat([
      Buffer.from('CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\n\r\n'),
      serializeCstp(CstpType.Data, packet),
    ]),
  );
  t.equal(statusLine(await client.answer()), 'HTTP/1.1 200 CONNECTED');
  await sink.until(1);
  t.strictSame(sink.packets, [packet]);
  client.close();
});

t.test('packets come in with their session, and with one end of batch for many', async (t) => {
  await using lab = await startTestGateway();
  const sink = new Sink();
  lab.gateway.attach(sink);
  const { client } = await tunnel(lab);
  const packets = Array.from({ length: 50 }, (_, i) => ipv4Packet(OWN, '192.168.77.1', 100 + i));
  client.send(Buffer.concat(packets.map((packet) => serializeCstp(CstpType.Data, packet))));
  await sink.until(50);
  t.strictSame(sink.packets, packets);
  t.ok(sink.batches < 10, `${sink.batches} batches`);
  t.equal(
    lab.gateway.sessions()[0]?.bytesIn,
    packets.reduce((sum, packet) => sum + packet.length, 0),
  );
  client.close();
});

t.test('a packet with a foreign source address is dropped and counted', async (t) => {
  await using lab = await startTestGateway();
  const sink = new Sink();
  lab.gateway.attach(sink);
  const { client } = await tunnel(lab);
  const foreign6 = Buffer.alloc(40);
  foreign6[0] = 0x60;
  foreign6.write('20010db8', 8, 'hex');
  const solicitation = Buffer.alloc(48);
  solicitation[0] = 0x60;
  solicitation.write('fe80', 8, 'hex');
  for (const packet of [
    ipv4Packet('192.168.77.3', '192.168.77.1', 60),
    ipv4Packet('8.8.8.8', '192.168.77.1', 60),
    foreign6,
    solicitation,
    Buffer.from('no packet'),
    ipv4Packet(OWN, '192.168.77.1', 60),
  ]) {
    client.sendPacket(CstpType.Data, packet);
  }
  await sink.until(1);
  t.equal(sink.packets.length, 1);
  t.match(lab.gateway.stats(), { spoofed: 3, malformed: 1, packetsIn: 1 });
  client.close();
  await lab.events.first('session.disconnect');
  const told = lab.events.of('channel.spoofed');
  t.equal(
    told.reduce((sum, { count }) => sum + count, 0),
    3,
    'all are told, at the latest when the tunnel ends',
  );
  t.match(lab.events.of('channel.malformed'), [{ count: 1 }], 'what is no packet as well');
});

t.test('a packet for a session goes to that session, one for nobody goes nowhere', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  const packet = ipv4Packet('192.168.77.1', OWN, 1472);
  const { buffer, offset, length } = withHeadroom(packet);
  t.equal(lab.gateway.deliver(buffer, offset, length), true);
  t.strictSame(await client.packet(), { type: CstpType.Data, payload: packet });
  const stray = withHeadroom(ipv4Packet('192.168.77.1', '192.168.77.99', 60));
  t.equal(lab.gateway.deliver(stray.buffer, stray.offset, stray.length), false);
  const large = withHeadroom(ipv4Packet('192.168.77.1', OWN, 1473));
  t.equal(lab.gateway.deliver(large.buffer, large.offset, large.length), false, 'larger than the MTU');
  t.match(lab.gateway.stats(), { undeliverable: 1, dropped: 1, packetsOut: 1, bytesOut: 1472 });
  t.equal(lab.gateway.mtuOf(OWN), 1472);
  t.equal(lab.gateway.mtuOf('192.168.77.99'), undefined);
  client.close();
});

t.test('an IPv6 packet finds its session', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  const packet = Buffer.alloc(60);
  packet[0] = 0x60;
  packet.write('fda94efe7e3b00000000000000000002', 24, 'hex');
  const { buffer, offset, length } = withHeadroom(packet);
  t.equal(lab.gateway.deliver(buffer, offset, length), true);
  t.strictSame(await client.packet(), { type: CstpType.Data, payload: packet });
  t.equal(lab.gateway.sessionAt('fda9:4efe:7e3b::2')?.username, 'adele@example.com');
  client.close();
});

t.test('a client that stops reading has its packets dropped, and nobody else notices', async (t) => {
  await using lab = await startTestGateway();
  const { client } = await tunnel(lab);
  client.tls.pause();
  const other = await lab.dial();
  await other.login('good:other');
  await other.connectTunnel();
  const slow = withHeadroom(ipv4Packet('192.168.77.1', OWN, 1400));
  let dropped = 0;
  for (let i = 0; i < 20_000 && dropped < 100; i++) {
    if (!lab.gateway.deliver(slow.buffer, slow.offset, slow.length)) dropped++;
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(dropped, 100);
  const packet = ipv4Packet('192.168.77.1', '192.168.77.3', 500);
  const { buffer, offset, length } = withHeadroom(packet);
  t.equal(lab.gateway.deliver(buffer, offset, length), true);
  t.strictSame(await other.packet(), { type: CstpType.Data, payload: packet });
  client.close();
  other.close();
});

t.test('a silent client is probed after two DPD periods and dropped after three; its cookie lives on', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { dpd: 30 } });
  const { client, cookie } = await tunnel(lab);
  clock.advance(59_000);
  clock.advance(3_000);
  t.strictSame(await client.packet(), { type: CstpType.DpdRequest, payload: Buffer.alloc(0) });
  clock.advance(30_000);
  t.equal((await client.packet())?.type, CstpType.DpdRequest, 'and again after half a period');
  await client.ended;
  t.match(lab.events.of('session.disconnect'), [{ reason: 'dpd' }]);
  const again = await lab.dial();
  t.equal(statusLine(await again.connectTunnel(cookie)), 'HTTP/1.1 200 CONNECTED');
  again.close();
});

t.test('an answer to the probe keeps the session', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { dpd: 30 } });
  const { client } = await tunnel(lab);
  for (let i = 0; i < 3; i++) {
    clock.advance(62_000);
    t.equal((await client.packet())?.type, CstpType.DpdRequest);
    client.sendPacket(CstpType.DpdResponse);
    client.sendPacket(CstpType.DpdRequest);
    t.equal((await client.packet())?.type, CstpType.DpdResponse);
  }
  t.equal(lab.gateway.sessions()[0]?.state, 'connected');
  client.close();
});

t.test('a session without data ends by the idle limit; ping does not keep it', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { idleTimeout: 60, dpd: 0 } });
  const sink = new Sink();
  lab.gateway.attach(sink);
  const { client, cookie } = await tunnel(lab);
  clock.advance(40_000);
  client.sendPacket(CstpType.Data, ipv4Packet(OWN, '192.168.77.1', 60, 17));
  await sink.until(1);
  clock.advance(40_000);
  client.sendPacket(CstpType.Data, ipv4Packet(OWN, '192.168.77.1', 60, 1));
  await sink.until(2);
  t.equal(lab.gateway.sessions()[0]?.state, 'connected');
  clock.advance(22_000);
  t.strictSame(await client.packet(), { type: CstpType.Disconnect, payload: Buffer.alloc(0) });
  t.match(lab.events.of('session.disconnect'), [{ reason: 'idle' }]);
  const again = await lab.dial();
  t.equal(statusLine(await again.connectTunnel(cookie)), 'HTTP/1.1 200 CONNECTED');
  again.close();
  client.close();
});

t.test('a session ends by its limit even while data flows, and its cookie with it', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { sessionTimeout: 3600, dpd: 0 } });
  const { client, cookie } = await tunnel(lab);
  clock.advance(3_599_000);
  t.equal(lab.gateway.sessions()[0]?.state, 'connected');
  clock.advance(2_000);
  t.strictSame(await client.packet(), { type: CstpType.Disconnect, payload: Buffer.alloc(0) });
  const again = await lab.dial();
  t.equal(statusLine(await again.connectTunnel(cookie)), 'HTTP/1.1 401 Cookie is not acceptable');
  again.close();
  client.close();
});

t.test('one timer serves all sessions', async (t) => {
  const clock = new ManualClock();
  await using lab: TestGateway = await startTestGateway({ clock });
  const before = clock.pending;
  const clients = [];
  for (let i = 0; i < 5; i++) clients.push(await tunnel(lab));
  t.equal(clock.pending, before);
  for (const { client } of clients) client.close();
});
