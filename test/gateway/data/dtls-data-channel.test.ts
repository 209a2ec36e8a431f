import t from 'tap';
import type { DtlsAssociation, DtlsPeer } from '../../../src/dtls/association/types.ts';
import type { FaultPorts } from '../../../src/faults/ports.ts';
import { DataPath } from '../../../src/gateway/data/channel-selection.ts';
import { NEVER_ARRIVED_MS, UNANSWERED_SWITCH_MS } from '../../../src/gateway/data/data-channel-constants.ts';
import { DtlsDataChannel, newDataChannelCounters } from '../../../src/gateway/data/dtls-data-channel.ts';
import type { TunnelPort } from '../../../src/gateway/session/channel-ports.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import type { EventMap, EventName } from '../../../src/telemetry/events.ts';

const PEER: DtlsPeer = { address: '10.99.0.2', port: 40_000, family: 'IPv4' };

/** A channel between a session and an association that only write down what is asked of them. */
function setup(options: { mtu?: number; dpd?: number; faults?: FaultPorts } = {}) {
  const clock = new ManualClock();
  const calls: string[] = [];
  /** Where data went when the tunnel heard that its channel has changed. */
  const moves: string[] = [];
  const received: string[] = [];
  const events: { name: EventName; fields: EventMap[EventName] }[] = [];
  const counters = newDataChannelCounters();
  const tunnel: TunnelPort = {
    id: 'abc123',
    mtu: options.mtu ?? 1434,
    dpd: options.dpd ?? 30,
    receive: (buffer, offset, length) => void received.push(buffer.toString('hex', offset, offset + length)),
    disconnectedByClient: (payload) => void calls.push(`disconnect ${payload.toString('hex')}`),
    answersDpd: () => true,
    channelChanged: () => void moves.push(channel.active ? 'dtls' : 'cstp'),
    protocolError: (channel, reason) => void calls.push(`error ${channel} ${reason}`),
  };
  const channel = new DtlsDataChannel({
    tunnel,
    port: 8443,
    key: 'an id',
    clock,
    emit: (name, fields) => void events.push({ name, fields }),
    counters,
    faults: options.faults,
    onSooner: () => {},
    onClose: () => void calls.push('forgotten'),
  });
  const associate = (): { association: DtlsAssociation<DtlsDataChannel>; sent: string[] } => {
    const sent: string[] = [];
    let closed = false;
    const association: DtlsAssociation<DtlsDataChannel> = {
      peer: PEER,
      context: channel,
      cipherSuite: 'TLS_PSK_WITH_AES_256_GCM_SHA384',
      recordOverhead: 37,
      maxPlaintext: 16_384,
      get closed() {
        return closed;
      },
      stats: { recordsIn: 0, recordsOut: 0, bytesIn: 0, bytesOut: 0, replayed: 0, notAuthentic: 0 },
      send(buffer, offset, length) {
        if (closed) return false;
        sent.push(buffer.toString('hex', offset, offset + length));
        return true;
      },
      close() {
        if (closed) return;
        closed = true;
        calls.push('association closed');
        channel.disconnected(association, 'local', {}, clock.monotonic());
      },
    };
    return { association, sent };
  };
  const input = (association: DtlsAssociation<DtlsDataChannel>, hex: string): void => {
    const bytes = Buffer.from(hex, 'hex');
    channel.input(association, bytes, 0, bytes.length, clock.monotonic());
  };
  const named = (name: EventName) => events.filter((event) => event.name === name).map((event) => event.fields);
  return { channel, clock, calls, moves, received, counters, associate, input, named };
}

t.test('after the handshake data goes out with its type byte, written into the headroom', async (t) => {
  const { channel, associate, named } = setup();
  t.equal(channel.active, false);
  t.equal(channel.remote, undefined);
  const { association, sent } = associate();
  channel.connected(association, 0);
  t.equal(channel.active, true);
  t.match(channel, { cipher: 'TLS_PSK_WITH_AES_256_GCM_SHA384', remote: '10.99.0.2:40000' });
  const buffer = Buffer.from('ffffffff4500', 'hex');
  t.equal(channel.send(buffer, 4, 2), 'sent');
  t.same(sent, ['004500']);
  t.match(named('channel.dtls.open'), [{ session: 'abc123', remote: '10.99.0.2:40000', mtu: 1434 }]);
  t.match(named('channel.switch'), [{ from: 'cstp', to: 'dtls' }]);
});

t.test('packets and bytes of data are counted each way, without the type byte', async (t) => {
  const { channel, associate, input, counters } = setup();
  t.strictSame(new Set(Object.values(counters)), new Set([0]), 'from zero');
  const { association } = associate();
  channel.connected(association, 0);
  channel.send(Buffer.alloc(100), 16, 84);
  channel.send(Buffer.alloc(100), 16, 40);
  input(association, '0045010203');
  input(association, '03');
  t.match(counters, { packetsOut: 2, bytesOut: 124, packetsIn: 1, bytesIn: 4, dpdAnswered: 1, switches: 1 });
});

t.test('a packet above the MTU is left to CSTP, and nothing is sent without an association', async (t) => {
  const { channel, associate, counters } = setup({ mtu: 1300 });
  t.equal(channel.send(Buffer.alloc(100), 16, 84), 'dropped');
  channel.connected(associate().association, 0);
  t.equal(channel.send(Buffer.alloc(1400), 16, 1301), 'too-large');
  t.equal(counters.tooLarge, 1);
  t.equal(channel.active, true, 'for that packet only [§9]');
});

t.test('each packet type gets the reaction of the real server [§6, §7.5, §7.6]', async (t) => {
  const { channel, associate, input, received, calls, named, counters } = setup();
  const { association, sent } = associate();
  channel.connected(association, 0);
  input(association, '004501');
  t.same(received, ['4501']);
  input(association, `03${'5a'.repeat(1434)}`);
  t.same(sent, [`04${'5a'.repeat(1434)}`], 'a DPD request is answered at its full length');
  input(association, '04');
  input(association, '07');
  t.same(calls, []);
  input(association, '2a');
  input(association, '2a');
  t.equal(named('channel.protocol-error').length, 1, 'an unknown type is ignored, and told once');
  t.equal(counters.unknownTypes, 2);
  input(association, '');
  input(association, 'b0'.padStart(4, '05'));
  input(association, '0801');
  t.same(calls, ['disconnect b0', 'error dtls compressed']);
});

t.test('data moves to CSTP when it is not answered, and back at the first sign of life', async (t) => {
  const { channel, associate, input, clock, moves, named, counters } = setup();
  const { association, sent } = associate();
  channel.connected(association, 0);
  channel.send(Buffer.alloc(100), 16, 84);
  for (let i = 0; i < UNANSWERED_SWITCH_MS / 500; i++) {
    clock.advance(500);
    channel.check(clock.monotonic());
  }
  t.equal(channel.active, false);
  t.equal(channel.path, DataPath.DtlsSilent);
  t.ok(counters.probes >= 2);
  t.equal(sent.at(-1), '03');
  input(association, '04');
  t.equal(channel.active, true);
  t.match(
    named('channel.switch').map((fields) => (fields as EventMap['channel.switch']).to),
    ['dtls', 'cstp', 'dtls'],
  );
  t.strictSame(moves, ['dtls', 'cstp', 'dtls'], 'the tunnel hears of it once data goes the new way');
});

t.test('time in which nobody listened does not move data away from DTLS', async (t) => {
  const { channel, associate, clock, counters } = setup({ dpd: 3 });
  const { association } = associate();
  channel.connected(association, 0);
  channel.send(Buffer.alloc(100), 16, 84);
  clock.advance(500);
  channel.check(clock.monotonic());
  clock.stall(12_500);
  channel.check(clock.monotonic(), 12_000);
  t.equal(channel.active, true);
  t.equal(counters.probes, 1, 'the client is asked');
  clock.advance(3_000);
  channel.check(clock.monotonic());
  t.equal(channel.active, false, 'and judged when it does not answer');
});

t.test('data over CSTP moves data there until the client uses DTLS again', async (t) => {
  const { channel, associate, input, clock } = setup();
  const { association } = associate();
  channel.controlDataReceived();
  channel.connected(association, 0);
  clock.advance(100);
  channel.controlDataReceived();
  t.equal(channel.active, true, 'what TCP delivered late does not count');
  clock.advance(1000);
  channel.controlDataReceived();
  t.equal(channel.active, false);
  input(association, '07');
  t.equal(channel.active, false);
  input(association, '0045');
  t.equal(channel.active, true);
});

t.test('a client whose datagrams never arrive is told of once, one that begins a handshake is not', async (t) => {
  for (const arrives of [false, true]) {
    const { channel, clock, named } = setup();
    clock.advance(NEVER_ARRIVED_MS - 1);
    channel.check(clock.monotonic());
    t.strictSame(named('channel.dtls.missing'), []);
    if (arrives) channel.helloArrived();
    clock.advance(1);
    channel.check(clock.monotonic());
    channel.check(clock.monotonic());
    const told = arrives ? [] : [{ session: 'abc123', port: 8443, explanation: /port mapping.*announcedUdpPort/ }];
    t.match(named('channel.dtls.missing'), told);
    t.equal(named('channel.dtls.missing').length, told.length);
  }
});

t.test('a second handshake replaces the first association, whose end changes nothing', async (t) => {
  const { channel, associate, input, received, named } = setup();
  const first = associate();
  const second = associate();
  channel.connected(first.association, 0);
  channel.connected(second.association, 10);
  first.association.close();
  t.equal(channel.active, true);
  t.equal(named('channel.dtls.close').length, 0);
  channel.send(Buffer.alloc(100), 16, 4);
  t.same([first.sent.length, second.sent.length], [0, 1]);
  input(first.association, '0001');
  t.same(received, [], 'packets of the first no longer count');
});

t.test('when the association ends data goes over CSTP, and the client may come again', async (t) => {
  const { channel, associate, named } = setup();
  const { association } = associate();
  channel.connected(association, 0);
  channel.closeAssociation();
  t.equal(channel.active, false);
  t.equal(channel.cipher, undefined);
  t.match(named('channel.dtls.close'), [{ reason: 'local' }]);
  channel.connected(associate().association, 10);
  t.equal(channel.active, true);
});

t.test('close ends the association once, and nothing reaches the session afterwards', async (t) => {
  const { channel, associate, input, calls, received, named } = setup();
  const { association } = associate();
  channel.connected(association, 0);
  channel.close();
  channel.close();
  t.same(calls, ['forgotten', 'association closed']);
  t.equal(named('channel.dtls.close').length, 1);
  input(association, '0045');
  channel.controlDataReceived();
  t.same(received, []);
  t.equal(channel.active, false);
  const late = associate();
  channel.connected(late.association, 10);
  t.equal(late.association.closed, true, 'a handshake that completes too late is closed');
});

t.test('a packet is nobody’s when the channel ends while a fault looks at it', async (t) => {
  const { channel, associate, input, received, counters } = setup({
    faults: {
      packets: {
        pass() {
          channel.close();
          return true;
        },
      },
    },
  });
  const { association } = associate();
  channel.connected(association, 0);
  input(association, '0045');
  t.strictSame(received, []);
  t.equal(counters.packetsIn, 0);
  t.equal(channel.active, false);
});
