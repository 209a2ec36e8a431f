import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { desk } from '../support/desk.ts';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/interop.ts';

// Upstreams that are closed, or slow, as a stock client meets them: counted in packets and bytes at the client's device.

t.setTimeout(150_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl', 'dd'], namespaces: true, tun: true });

const NAME = 'orders.contoso.internal';
const MIB = 1_048_576;
/** What kernels, tunnel and process may hold of an upload that nobody takes. */
const MOST_IN_FLIGHT = 64 * MIB;
const UPLOAD = 300 * MIB;

t.test('a closed upstream is refused within one round trip, a slow one slows down the client', { skip }, async (t) => {
  const taken = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pause();
    taken.resolve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const one = await desk(t, {
    resources: {
      upstreams: [
        { match: NAME, ports: [80], to: { host: '127.0.0.1', port: await freePort() } },
        { match: NAME, ports: [81], to: { host: '127.0.0.1', port } },
      ],
    },
  });
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const address = one.sim.resources.list().upstreams[0]!.addresses[0]!;
  const counted = async (what: string): Promise<number> =>
    Number((await one.client.output('cat', [`/sys/class/net/tun-desk/statistics/${what}`])).stdout.toString());

  await t.test('one packet there, one back', async (t) => {
    let fewest: readonly number[] = [Infinity, Infinity];
    // The device carries a packet of the kernel's own now and then.
    for (let i = 0; i < 5 && !(fewest[0] === 1 && fewest[1] === 1); i++) {
      const before = [await counted('tx_packets'), await counted('rx_packets')];
      const { code, stderr } = await one.client.output('curl', ['-sS', '--max-time', '20', `http://${address}/`]);
      t.equal(code, 7, stderr.toString());
      const after = [await counted('tx_packets'), await counted('rx_packets')];
      const now = after.map((value, k) => value - before[k]!);
      if (now[0]! + now[1]! < fewest[0]! + fewest[1]!) fewest = now;
    }
    t.same(fewest, [1, 1], 'a SYN and a RST');
    t.match(one.sim.journal.query({ name: 'resource.end' }).at(-1)?.fields, {
      outcome: 'failed',
      reason: /ECONNREFUSED/,
    });
  });

  await t.test('what nobody takes is not sent', async (t) => {
    const rss = process.memoryUsage.rss();
    const before = await counted('tx_bytes');
    const upload = one.client.spawn('bash', [
      '-c',
      `dd if=/dev/zero bs=1M count=${UPLOAD / MIB} status=none > /dev/tcp/${address}/81`,
    ]);
    t.teardown(() => upload.kill('SIGKILL'));
    const socket = await taken.promise;
    // It has come to a stop when nothing was sent while forty others asked.
    let sent = 0;
    let most = rss;
    for (let still = 0; still < 40; still++) {
      const now = (await counted('tx_bytes')) - before;
      if (now - sent > 10_000) still = 0;
      sent = Math.max(sent, now);
      most = Math.max(most, process.memoryUsage.rss());
    }
    t.ok(sent < MOST_IN_FLIGHT, `${Math.round(sent / MIB)} MiB were sent`);
    t.ok(most - rss < MOST_IN_FLIGHT, `RSS grew by ${Math.round((most - rss) / MIB)} MiB`);
    t.comment(
      `of ${UPLOAD / MIB} MiB ${(sent / MIB).toFixed(1)} MiB were sent to who takes nothing; RSS ${Math.round(rss / MIB)} to ${Math.round(most / MIB)} MiB`,
    );
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.resume();
    await once(socket, 'end');
    t.equal(received, UPLOAD, 'and all of it comes when it is taken');
    socket.end();
  });
  await run.stop();
});
