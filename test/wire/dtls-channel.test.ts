import fc from 'fast-check';
import t from 'tap';
import { isTunneliteError } from '../../src/lib/errors.ts';
import {
  answerDpdInPlace,
  DtlsPacketType,
  describeDtlsPacket,
  parseDtlsPacket,
  serializeDpdRequest,
  serializeDtlsPacket,
} from '../../src/wire/dtls-channel.ts';

t.test('a data packet is its type byte and the IP packet [§7.5]', async (t) => {
  // 00                          type: data
  // 45 00 00 14 ...             IPv4, header of 20 bytes, total length 20
  const bytes = Buffer.from(`00${'4500001400000000400100000a0000010a000002'}`, 'hex');
  const packet = parseDtlsPacket(bytes);
  t.equal(packet.type, DtlsPacketType.Data);
  t.equal(packet.payload[0], 0x45);
  t.equal(packet.payload.buffer, bytes.buffer, 'the payload is a view');
  t.same(serializeDtlsPacket(DtlsPacketType.Data, packet.payload), bytes);
});

t.test("openconnect's MTU probe is answered at its full length [§7.6]", async (t) => {
  // 03 5a 5a ...                type: DPD request, padded with 5a to MTU + 1
  const probe = serializeDpdRequest(1435);
  t.equal(probe.length, 1435);
  t.equal(probe[0], 3);
  t.ok(probe.subarray(1).every((byte) => byte === 0x5a));
  answerDpdInPlace(probe, 0);
  const answer = parseDtlsPacket(probe);
  t.equal(answer.type, DtlsPacketType.DpdResponse);
  t.equal(answer.payload.length, 1434);
  t.equal(serializeDpdRequest(0).length, 1, 'never shorter than its type');
});

t.test('an empty or oversized plaintext is refused by its own error', async (t) => {
  for (const [bytes, max] of [
    [Buffer.alloc(0), 100],
    [Buffer.alloc(101), 100],
    [Buffer.alloc(16_385), undefined],
  ] as const) {
    let thrown: unknown;
    try {
      parseDtlsPacket(bytes, max);
    } catch (error) {
      thrown = error;
    }
    t.ok(isTunneliteError(thrown, 'ERR_DTLS_PACKET_INVALID'));
  }
});

t.test('what was serialized is parsed again, and no other input raises anything else', async (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(DtlsPacketType)),
      fc.uint8Array({ maxLength: 2000 }),
      (type, payload) => {
        const packet = parseDtlsPacket(serializeDtlsPacket(type, payload));
        return packet.type === type && packet.payload.equals(payload);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(80), (bytes, max) => {
      try {
        return parseDtlsPacket(Buffer.from(bytes), max).payload.length === bytes.length - 1;
      } catch (error) {
        return isTunneliteError(error, 'ERR_DTLS_PACKET_INVALID');
      }
    }),
  );
  t.pass();
});

t.test('a packet is described in words', async (t) => {
  t.equal(describeDtlsPacket({ type: 7, payload: Buffer.alloc(0) }), 'keepalive, 0 bytes');
  t.equal(describeDtlsPacket({ type: 99, payload: Buffer.alloc(3) }), 'unknown type 99, 3 bytes');
});
