import t from 'tap';
import { Arena } from '../support/hostile/arena.ts';

/* One session whose TCP is not what it should be. */

t.setTimeout(300_000);
const arena = await Arena.open(t);

t.test('resets, right and wrong ones', async (t) => {
  t.match(await arena.endure(t, 'resets', { held: 8 }), { flows: 4000 });
});

t.test('tiny segments, and selective acknowledgements all over them', async (t) => {
  await arena.endure(t, 'selectiveAcknowledgements', { held: 64 });
});

t.test('downloads that are taken byte by byte', async (t) => {
  await arena.endure(t, 'windowOfOne', { held: 24 });
});

t.test('single bytes ahead of their turn', async (t) => {
  await arena.endure(t, 'earlyBytes', { held: 24 });
});

t.test('segments of nonsense', async (t) => {
  await arena.endure(t, 'nonsense', { held: 16 });
});

t.test('sessions whose last segments come with their goodbye', async (t) => {
  const { flows } = await arena.endure(t, 'goodbyes', {
    held: 8,
    events: { 'resource.end The peer cannot be reached. allow': 1200 },
  });
  t.equal(flows, 1200);
});

t.test('nothing is left of all that', (t) => arena.calm(t));
