import t from 'tap';
import { Arena, NOW_AND_THEN } from '../support/hostile/arena.ts';

/* One session that takes all it can get of what sessions share. */

t.setTimeout(300_000);
const arena = await Arena.open(t);

t.test('4,200 SYNs without another word', async (t) => {
  const events = {
    // Which of both, and whether both, depends on how the packets fall into turns.
    'netstack.limit tcp-half-open refused | netstack.limit tcp-half-open evicted': NOW_AND_THEN,
  };
  await arena.endure(t, 'syns', { held: 64, events });
});

t.test('as many UDP mappings as there are', async (t) => {
  const events = {
    // Which of both, and whether both, depends on how the packets fall into turns.
    'netstack.limit udp-flows refused | netstack.limit udp-flows evicted': NOW_AND_THEN,
  };
  await arena.endure(t, 'mappings', { held: 160, events });
});

t.test('3,300 fragments of packets that are never whole', async (t) => {
  await arena.endure(t, 'fragments', { held: 12, events: { 'netstack.limit fragments refused': NOW_AND_THEN } });
});

t.test('fragments across each other', async (t) => {
  await arena.endure(t, 'overlappingFragments', { held: 12 });
});

t.test('2,051 downloads that are not taken', async (t) => {
  // Their send buffers come to half a gigabyte: the rest is refused, and some go for others.
  const events = {
    // Which of both, and whether both, depends on how the packets fall into turns.
    'netstack.limit tcp-memory refused | netstack.limit tcp-memory evicted': NOW_AND_THEN,
  };
  const { flows } = await arena.endure(t, 'zeroWindows', { held: 64, events });
  t.ok(flows! > 2000, `${flows}`);
});

t.test('5,000 connections to ports that nothing listens on', async (t) => {
  await arena.endure(t, 'closedPorts', {
    held: 8,
    events: { 'resource.request deny': 5000, 'resource.end denied deny': 5000 },
  });
});

t.test('10,000 packets in the names of others', async (t) => {
  t.match(await arena.endure(t, 'spoofedSources', { held: 8, events: { 'channel.spoofed': NOW_AND_THEN } }), {
    answers: 0,
  });
});

t.test('10,000 pings at once', async (t) => {
  await arena.endure(t, 'pings', { held: 8 });
});

t.test('nothing is left of all that', (t) => arena.calm(t));
