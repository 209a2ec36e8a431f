import t from 'tap';
import { createWorld } from '../../src/world/index.ts';

t.setTimeout(120_000);

/** The gateway's, in seconds. */
const DPD = 5;

/** A page that takes ten seconds, a piece of it every 100 ms, as the sessions see it that lose UDP in the midst of it. */
const PAGE = 'http://files.contoso.internal/slow/200000?rate=20000';

for (const [link, seed] of [
  ['lan', 1],
  ['dsl', 2],
  ['lte', 3],
] as const) {
  t.test(`a download over ${link} waits no longer than one DPD period when UDP is lost`, async (t) => {
    const world = await createWorld({ seed, clients: 6, link, nat: 'easy', config: { gateway: { dpd: DPD } } });
    t.teardown(() => world.close());
    await world.run('20s');
    // Close to the end of the page, so that it ends with the first piece that comes again.
    const pages = world.clients.map(async (client, i) => {
      t.equal(client.channel, 'dtls');
      const cutAt = 9000 + 137 * i;
      world.after(cutAt, () => client.cutUdp());
      const { status, milliseconds } = await client.fetch(PAGE);
      t.equal(status, 200);
      t.ok(milliseconds > cutAt && milliseconds - cutAt <= DPD * 1000, `${Math.round(milliseconds - cutAt)} ms`);
    });
    await world.until(Promise.all(pages));
    t.equal(world.journal.query({ name: 'channel.switch', fields: { to: 'cstp' } }).length, pages.length);
  });
}

t.test('a session that comes back after a while without any way goes on at once', async (t) => {
  const world = await createWorld({ seed: 4, config: { gateway: { dpd: 3600, disableUdp: true } } });
  t.teardown(() => world.close());
  const [client] = world.clients;
  await world.run('10s');
  // After 20 s the timers of what is open have doubled so often that the next one is due more than 5 s later.
  const page = client!.fetch(PAGE);
  await world.run('3s');
  client!.cut();
  await world.run('20s');
  client!.roam();
  client!.restore();
  const { milliseconds } = await world.until(page);
  t.ok(milliseconds > 23_000 && milliseconds < 24_000, `${Math.round(milliseconds)} ms`);
});
