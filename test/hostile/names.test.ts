import t from 'tap';
import { Arena, NOW_AND_THEN } from '../support/hostile/arena.ts';
import { WILDCARD } from '../support/hostile/attacks/tables.ts';

/* One session that takes all it can get of names, and of answers to where it may not go. */

t.setTimeout(300_000);
const arena = await Arena.open(t, {
  upstreams: { domain: WILDCARD },
  config: { resources: { upstreams: [{ match: `*.${WILDCARD}` }] } },
});

t.test('33,000 look-ups from as many ports', async (t) => {
  await arena.endure(t, 'lookUps', { held: 8 });
});

t.test('10,000 names that were never asked for', async (t) => {
  await arena.endure(t, 'newNames', { held: 8 });
});

t.test('10,000 names that an upstream rule brings in', async (t) => {
  await arena.endure(t, 'wildcardNames', { held: 16 });
});

t.test('10,000 connections to where nobody may go', async (t) => {
  const events = {
    'resource.request deny': 10_000,
    'resource.end denied deny': 10_000,
    'netstack.limit icmp-errors refused': NOW_AND_THEN,
  };
  await arena.endure(t, 'forbiddenTargets', { held: 8, events });
});

t.test('nothing is left of all that', (t) => arena.calm(t));
