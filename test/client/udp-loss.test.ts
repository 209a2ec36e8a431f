import { once } from 'node:events';
import t from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { CutCarrier } from '../support/light-lab.ts';

t.test('what was written while UDP was lost goes out as soon as the client has gone over to TLS', async (t) => {
  const clock = new ManualClock();
  const carrier = new CutCarrier();
  await using sim = await startSimulator();
  const moved: (() => void)[] = [];
  const channel = (name: string): Promise<void> =>
    new Promise((resolve) => moved.push(() => client?.channel === name && resolve()));
  let client: TunnelClient | undefined;
  const up = channel('dtls');
  client = await TunnelClient.connect({
    ...{ server: sim.urls.gateway, token: await sim.token(), ca: sim.ca, clock, carrier },
    onChannel: () => {
      for (const each of moved) each();
    },
  });
  await using _closed = client;
  if (client.channel !== 'dtls') await up;
  const stream = await client.openTcp('tools.contoso.internal', 7);
  stream.write('before');
  t.equal(`${(await once(stream, 'data'))[0]}`, 'before');
  carrier.udpDown = true;
  stream.write('lost');
  // The segment is sent again after 0.2, 0.6, 1.4 and 3 s, and lost each time; by its timer it would come after 6.2 s.
  for (let step = 0; step < 36; step++) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(client.channel, 'tls');
  t.equal(`${(await once(stream, 'data'))[0]}`, 'lost', 'no more of the client’s time has passed');
  stream.destroy();
});
