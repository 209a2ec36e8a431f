import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { FaultEngine } from '../../src/faults/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { Transport } from '../../src/tls/transport.ts';

t.test('what is written when a gate has room again goes behind what waited in it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  t.teardown(() => peer.destroy());
  const [raw] = (await once(server, 'connection')) as [Socket];
  const transport = new Transport(raw);
  t.teardown(() => transport.destroy());
  const clock = new ManualClock();
  const faults = new FaultEngine({ clock, machine: clock, emit: () => {}, seed: 1 });
  const connection = {
    kind: 'tunnel',
    session: undefined,
    person: undefined,
    remote: { address: '127.0.0.1', key: '127.0.0.1:1' },
    place: transport,
    end: () => raw.destroy(),
  };
  faults.knowConnections(() => [connection]);
  const rule = faults.add({ on: { seam: 'tcp', direction: 'out' }, then: { do: 'hold' } });
  const pieces = 40;
  for (let i = 0; i < pieces; i++) transport.write(Buffer.alloc(65_536, i));
  t.ok(rule.held() < pieces, 'some are not taken yet');
  rule.remove();
  const order: number[] = [];
  for (let bytes = 0; bytes < pieces * 65_536; ) {
    const [chunk] = (await once(peer, 'data')) as [Buffer];
    bytes += chunk.length;
    for (const byte of chunk) if (order.at(-1) !== byte) order.push(byte);
  }
  t.strictSame(
    order,
    Array.from({ length: pieces }, (_, i) => i),
  );
});
