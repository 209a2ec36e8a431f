import t from 'tap';
import type { ControlConnection } from '../../src/gateway/control/connection.ts';
import type { ConnectionHost } from '../../src/gateway/control/connection-host.ts';
import { Door } from '../../src/gateway/door.ts';
import { ManualClock } from '../../src/lib/clock.ts';

t.test('a connection is in one place at a time: with those that wait, or with those that had a tunnel', async (t) => {
  const door = new Door({
    emit: () => {},
    clock: new ManualClock(),
    maxPending: 10,
    bans: undefined,
    host: {} as ConnectionHost<ControlConnection>,
  });
  const [waiting, tunnel] = [{}, {}] as [ControlConnection, ControlConnection];
  door.onTunnel(tunnel);
  for (const connection of [waiting, tunnel]) door.onClosing(connection);
  t.strictSame([...door.closing], [tunnel], 'the other one is looked at where it waits');
  door.onGone(tunnel);
  t.strictSame([...door.closing], []);
  t.equal(door.tunnels.size, 0);
});
