import { once } from 'node:events';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { ServedStream } from '../../src/network/index.ts';

const CLIENT = { host: '10.64.0.2', port: 40_000 };
const SERVER = { host: '10.20.0.9', port: 80 };

t.test('a served connection has both addresses, and tells of silence as a socket does', async (t) => {
  const clock = new ManualClock();
  const [served, client] = ServedStream.pair(CLIENT, SERVER, clock);
  const { remoteAddress, remotePort, localAddress, localPort } = served;
  t.strictSame([remoteAddress, remotePort, localAddress, localPort], [CLIENT.host, 40_000, SERVER.host, 80]);
  let silences = 0;
  served.setTimeout(1000, () => silences++);
  clock.advance(900);
  client.write('hello');
  t.equal(String((await once(served, 'data'))[0]), 'hello');
  clock.advance(900);
  served.write('there');
  clock.advance(900);
  t.equal(silences, 0, 'it was not silent for so long at a time');
  clock.advance(100);
  t.equal(silences, 1);
  served.setTimeout(1000);
  served.setTimeout(0);
  clock.advance(5000);
  t.equal(silences, 1);
  served.setTimeout(1000, () => silences++);
  served.destroy();
  clock.advance(5000);
  t.equal(silences, 1, 'nobody waits for one that is closed');
});

t.test('an end is an end, and a reset is a reset', async (t) => {
  const [served, client] = ServedStream.pair(CLIENT, SERVER, new ManualClock());
  client.resume();
  served.write('bye');
  served.resume();
  served.destroySoon();
  await once(client, 'end');
  const [broken, other] = ServedStream.pair(CLIENT, SERVER, new ManualClock());
  const failed = once(other, 'error');
  broken.resetAndDestroy();
  t.match(await failed, [{ code: 'ECONNRESET' }]);
});
