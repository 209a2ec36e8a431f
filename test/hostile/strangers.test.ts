import t from 'tap';
import { Arena, NOW_AND_THEN } from '../support/hostile/arena.ts';

/* Whoever reaches the TLS port, without a token. */

t.setTimeout(300_000);
const arena = await Arena.open(t);

t.test('a body of 60,000 chunks, and then 600 records of one byte', async (t) => {
  await arena.endure(t, 'tinyChunks', { held: 4 });
});

t.test('bodies of chunk extensions', async (t) => {
  await arena.endure(t, 'chunkExtensions', { held: 4, events: { 'http.rejected bad-chunk': 20 } });
});

t.test('headers that come byte by byte', async (t) => {
  await arena.endure(t, 'slowHeaders', { held: 24 });
});

t.test('headers without end', async (t) => {
  await arena.endure(t, 'endlessHeaders', { held: 32, events: { 'http.rejected too-many-headers': 50 } });
});

t.test('TLS 1.2 renegotiated again and again', async (t) => {
  t.match(await arena.endure(t, 'renegotiation'), { refused: 100 });
});

t.test('more connections than may wait for a tunnel', async (t) => {
  await arena.endure(t, 'pendingConnections', { held: 96, events: { 'http.rejected pending': NOW_AND_THEN } });
});

t.test('logins with wrong tokens', async (t) => {
  const { refused } = await arena.endure(t, 'wrongTokens');
  t.equal(refused, 100);
});

t.test('what is not TLS', async (t) => {
  // A hundred within ten seconds.
  const told = [100, 250] as const;
  await arena.endure(t, 'garbage', { events: { 'tls.failed plain-http': told, 'tls.failed not-tls': told } });
});

t.test('nothing is left of all that', (t) => arena.calm(t));
