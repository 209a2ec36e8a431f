import t from 'tap';
import { Arena } from '../support/hostile/arena.ts';

/* Sessions whose CSTP is not what it should be. */

t.setTimeout(300_000);
const arena = await Arena.open(t);

t.test('200,000 packets of no length', async (t) => {
  await arena.endure(t, 'emptyFrames', { held: 8 });
});

t.test('packets that are longer than may be, or none', async (t) => {
  const events = {
    'channel.protocol-error length': 24,
    'channel.protocol-error version': 12,
    'channel.protocol-error reserved': 12,
    'channel.protocol-error magic': 12,
  };
  await arena.endure(t, 'wrongFrames', { events });
});

t.test('packets that come byte by byte', async (t) => {
  await arena.endure(t, 'dribbledFrames', { held: 8 });
});

t.test('probes whose answers are not taken', async (t) => {
  await arena.endure(t, 'deafProbes', { held: 8 });
});

t.test('six clients that read nothing', async (t) => {
  await arena.endure(t, 'deafReaders', { held: 32 });
});

t.test('a cookie with which one connection takes over from the other', async (t) => {
  t.match(await arena.endure(t, 'takeOvers', { held: 8 }), { taken: 100 });
});

t.test('half a packet, and then nothing', async (t) => {
  await arena.endure(t, 'halfFrames', { held: 8 });
});

t.test('nothing is left of all that', (t) => arena.calm(t));
