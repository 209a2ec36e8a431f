import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// Upstreams by host name with the stock client: its machine's own resolver, dig and curl ask the tunnel for names, and reach servers that run
// beside the gateway, in both families.

t.setTimeout(120_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl', 'dig', 'ping'], namespaces: true, tun: true });

/** A program of the client's: resolves a name as its machine does, and prints the first answer to a datagram. */
const ASK = `
  const [, family] = process.argv;
  const socket = require('node:dgram').createSocket('udp' + family);
  socket.on('message', (message) => socket.close(() => process.stdout.write(message)));
  socket.send('hello', 5300, 'shop.example.com');
`;

t.test('a stock client reaches upstreams by name, over TCP and UDP, IPv4 and IPv6', { skip }, async (t) => {
  const web = createServer((request, response) => response.end(`${request.headers.host} by web`));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const udp = createSocket('udp4', (message, from) => udp.send(`${message} by udp`, from.port, from.address));
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.teardown(() => {
    web.closeAllConnections();
    web.close();
    udp.close();
  });
  const webPort = (web.address() as { port: number }).port;
  const udpPort = udp.address().port;
  const one = await desk(t, {
    gateway: { splitDns: ['contoso.internal', 'example.com'] },
    resources: {
      upstreams: [
        { match: 'orders.contoso.internal', ports: [80], to: { host: '127.0.0.1', port: webPort } },
        { match: '*.example.com', ports: [80], to: { host: 'localhost', port: webPort } },
        { match: '*.example.com', ports: [5300], to: { host: 'localhost', port: udpPort } },
      ],
    },
  });
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const dig = async (...args: string[]): Promise<string> =>
    (await one.client.output('dig', ['+short', '+tries=2', '@10.20.0.53', ...args])).stdout.toString().trim();

  t.equal(await dig('orders.contoso.internal', 'A'), '10.20.240.1');
  t.equal(await dig('ORDERS.contoso.internal', 'AAAA'), 'fd10:20::a:1');
  t.equal(await dig('+tcp', 'Shop.Example.com', 'A'), '10.20.240.2');
  t.equal(await dig('shop.example.com', 'AAAA'), 'fd10:20::a:2');
  t.equal(await dig('-x', '10.20.240.2'), 'shop.example.com.');
  t.equal(await dig('-x', 'fd10:20::a:1'), 'orders.contoso.internal.');
  for (const name of ['orders.contoso.internal', 'shop.example.com']) {
    for (const family of ['-4', '-6']) {
      t.equal((await one.curl(family, `http://${name}/`)).toString(), `${name} by web`, `${family} ${name}`);
    }
    const { stdout } = await one.client.output('ping', ['-4', '-c', '1', '-W', '5', name]);
    t.match(stdout.toString(), / 1 received/);
  }
  for (const family of [4, 6]) {
    const { stdout } = await one.client.output(process.execPath, ['-e', ASK, String(family)], { timeout: 20_000 });
    t.equal(stdout.toString(), 'hello by udp', `IPv${family}`);
  }
  const told = one.sim.journal.query({
    name: 'resource.request',
    fields: { host: 'shop.example.com' },
    where: ({ fields }) => fields.protocol !== 'icmp',
  });
  t.equal(told.length, 4);
  for (const { fields } of told)
    t.match(fields, { decision: 'allow', rule: 'upstream *.example.com', explanation: /shop\.example\.com/ });
  await run.stop();
});

t.test(
  'a stock client reaches an upstream that is added while it is connected, and is reset when it is removed',
  { skip },
  async (t) => {
    const web = createServer((request, response) => response.end(`${request.headers.host} by web`));
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    t.teardown(() => {
      web.closeAllConnections();
      web.close();
    });
    const { port } = web.address() as { port: number };
    const one = await desk(t);
    const run = await one.connect(await one.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    const code = async (...args: string[]) => {
      const child = one.client.spawn('curl', ['-sS', '--max-time', '20', '-o', '/dev/null', ...args]);
      return new Promise<number>((resolve) => child.once('close', resolve));
    };
    const { id, addresses } = one.sim.resources.add({
      match: 'orders.contoso.internal',
      ports: [80],
      to: { host: '127.0.0.1', port },
    });
    t.equal((await one.curl('http://orders.contoso.internal/')).toString(), 'orders.contoso.internal by web');
    one.sim.resources.remove(id);
    const CURLE_COULDNT_RESOLVE_HOST = 6;
    const CURLE_COULDNT_CONNECT = 7;
    for (const address of addresses) {
      const host = address.includes(':') ? `[${address}]` : address;
      t.equal(await code(`http://${host}/`), CURLE_COULDNT_CONNECT, address);
    }
    t.equal(await code('http://orders.contoso.internal/'), CURLE_COULDNT_RESOLVE_HOST);
    one.sim.journal.expect({ name: 'resource.request', fields: { rule: 'removed-upstream' } }, 2);
    t.match((await one.curl('http://10.20.0.10/')).toString(), /intranet/i, 'the session goes on');
    await run.stop();
  },
);
