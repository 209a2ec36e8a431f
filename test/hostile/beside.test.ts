import t from 'tap';
import { Arena, NOW_AND_THEN } from '../support/hostile/arena.ts';

/* What comes to the UDP port, and to the listeners beside the gateway. */

t.setTimeout(300_000);
const arena = await Arena.open(t);

t.test('datagrams that are no DTLS, or nearly', async (t) => {
  const events = { 'channel.dtls.refused malformed': NOW_AND_THEN, 'channel.dtls.refused rate-limited': NOW_AND_THEN };
  await arena.endure(t, 'junkDatagrams', { held: 8, events });
});

t.test('handshakes of sessions that do not exist, whole and in fragments', async (t) => {
  await arena.endure(t, 'strangeHellos', { held: 8, events: { 'channel.dtls.refused unknown-session': NOW_AND_THEN } });
});

t.test('a known session id in the name of an address that did not ask', async (t) => {
  const { sent, received } = await arena.endure(t, 'amplification');
  t.ok(received! > 0 && received! <= 3 * sent!, `${received} bytes for ${sent} (RFC 9000 §8.1)`);
});

t.test('records that may be of any of 100 sessions', async (t) => {
  // Whether one more of these is told depends on how long ago the last was.
  await arena.endure(t, 'junkRecords', { held: 16, events: { 'channel.dtls.refused rate-limited': [0, 40] } });
});

t.test('10,000 look-ups over DTLS', async (t) => {
  await arena.endure(t, 'lookUpsOverDtls', { held: 8 });
});

t.test('token requests that lead to nothing', async (t) => {
  const { 400: invalid = 0, 401: unauthorized = 0 } = await arena.endure(t, 'tokenRequests', { held: 16 });
  t.equal(invalid + unauthorized, 1000);
});

t.test('sign-ins and device codes that nobody goes on with', async (t) => {
  await arena.endure(t, 'signIns', { held: 16 });
});

t.test('requests to the administration, with and without a wrong secret', async (t) => {
  t.match(await arena.endure(t, 'administration', { held: 16 }), { 200: 200, 401: 200, 404: 100 });
});

t.test('nothing is left of all that', (t) => arena.calm(t));
