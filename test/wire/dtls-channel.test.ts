import t from 'tap';
import { answerDpdInPlace, DtlsPacketType, serializeDpdRequest } from '../../src/wire/dtls-channel.ts';

t.test("openconnect's MTU probe is answered at its full length [§7.6]", async (t) => {
  // 03 5a 5a ...                type: DPD request, padded with 5a to MTU + 1
  const probe = serializeDpdRequest(1435);
  t.equal(probe.length, 1435);
  t.equal(probe[0], 3);
  t.ok(probe.subarray(1).every((byte) => byte === 0x5a));
  answerDpdInPlace(probe, 0);
  t.equal(probe[0], DtlsPacketType.DpdResponse);
  t.equal(probe.length, 1435);
  t.equal(serializeDpdRequest(0).length, 1, 'never shorter than its type');
});

t.test('an answer is written where the request stands, and nothing beside it is', async (t) => {
  const buffer = Buffer.from('aa03bbcc', 'hex');
  answerDpdInPlace(buffer, 1);
  t.equal(buffer.toString('hex'), 'aa04bbcc');
});
