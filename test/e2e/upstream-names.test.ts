import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { type ConfigInput, type Simulator, startSimulator, TunnelClient } from '../../src/index.ts';
import { parseDnsAnswer, serializeDnsQuery } from '../../src/wire/dns.ts';
import { lengthOf } from '../../src/wire/dns-stream.ts';

/* Upstreams by host name, from the client's question for the name to the server behind the rule. */

/** A web server and a UDP server on this machine, of each loopback address one. */
async function servers(t: Test) {
  const web = createServer((request, response) => response.end(`${request.headers.host} asked for ${request.url}`));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  t.teardown(() => {
    web.closeAllConnections();
    web.close();
  });
  const udp = createSocket('udp4', (message, from) => udp.send(`echo of ${message}`, from.port, from.address));
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.teardown(() => udp.close());
  return { web: (web.address() as { port: number }).port, udp: udp.address().port };
}

async function tunnel(t: Test, config: ConfigInput, runtime: Parameters<typeof startSimulator>[1] = {}) {
  const sim = await startSimulator(config, runtime);
  t.teardown(() => sim.close());
  const connect = async (user?: string) => {
    const token = await sim.token(user ? { user } : {});
    const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token });
    t.teardown(() => client.close());
    return client;
  };
  return { sim, connect, client: await connect() };
}

t.setTimeout(120_000);

const decisions = (sim: Simulator, host: string) =>
  sim.journal.query({ name: 'resource.request', fields: { host } }).map(({ fields }) => fields);

const BOTH = { ipv6Network: 'fd00:aaaa::/112', routesInclude: ['10.20.0.0/16', 'fd10:20::/64'] };

t.test(
  'a name of a rule resolves through the tunnel and leads to its target, over TCP and UDP, IPv4 and IPv6',
  async (t) => {
    const ports = await servers(t);
    const { sim, client } = await tunnel(t, {
      gateway: { ...BOTH, splitDns: ['contoso.internal', 'example.com'] },
      resources: {
        upstreams: [
          { match: 'ORDERS.contoso.internal', ports: [80], to: { host: 'localhost', port: ports.web } },
          { match: 'orders.Contoso.Internal', ports: [7], to: { host: 'localhost', port: ports.udp } },
          { match: '*.example.com', ports: [80], to: { host: 'localhost', port: ports.web } },
          { match: '*.example.com', ports: [7], to: { host: '127.0.0.1', port: ports.udp } },
        ],
      },
    });
    for (const [name, number] of [
      ['orders.contoso.internal', 1],
      ['shop.Example.COM', 2],
      ['a.b.example.com', 3],
    ] as const) {
      const addresses = [`10.20.240.${number}`, `fd10:20::a:${number}`];
      t.strictSame(await client.resolve(name), addresses);
      t.strictSame(await client.resolve(name.toUpperCase()), addresses);
      const page = await client.fetch(`http://${name}/page`);
      t.equal(page.body.toString(), `${name.toLowerCase()} asked for /page`);
      for (const address of addresses) {
        const [host, url] = [address.includes(':') ? `[${address}]` : address, '/by-address'];
        t.equal((await client.fetch(`http://${host}${url}`)).body.toString(), `${host} asked for ${url}`);
        t.equal((await client.exchangeUdp(address, 7, Buffer.from(address))).toString(), `echo of ${address}`);
        t.ok((await client.ping(address)) >= 0);
      }
      const all = decisions(sim, name.toLowerCase());
      t.equal(
        all.filter(({ protocol, rule }) => protocol === 'icmp' && rule === 'ping').length,
        2,
        'and for each ping',
      );
      const told = all.filter(({ protocol }) => protocol !== 'icmp');
      t.equal(told.length, 5, 'one decision for each connection and mapping, which names the name');
      for (const { rule, explanation } of told) {
        t.match(
          rule.toLowerCase(),
          name.startsWith('orders') ? 'upstream orders.contoso.internal' : 'upstream *.example.com',
        );
        t.match(explanation, `allows ${name.toLowerCase()}; it goes to`);
      }
    }
    t.strictSame(sim.journal.query({ name: 'resource.unreachable' }), []);
  },
);

t.test('clients with IPv6 alone get IPv6 addresses alone, and reach an upstream that has IPv4', async (t) => {
  const ports = await servers(t);
  const { client } = await tunnel(t, {
    gateway: { ...BOTH, network: null, routesInclude: ['fd10:20::/64'], dnsServers: ['fd10:20::53'] },
    resources: { upstreams: [{ match: 'orders.contoso.internal', to: { host: 'localhost', port: ports.web } }] },
  });
  t.strictSame(await client.resolve('orders.contoso.internal'), ['fd10:20::a:1']);
  t.equal(
    (await client.fetch('http://orders.contoso.internal/')).body.toString(),
    'orders.contoso.internal asked for /',
  );
});

t.test('a port that no rule names is refused in words, a name that no rule is about is not resolved', async (t) => {
  const { sim, client } = await tunnel(t, {
    resources: { upstreams: [{ match: '*.example.com', ports: [443] }] },
  });
  await t.rejects(client.openTcp('a.example.com', 80), { code: 'ERR_CLIENT_OPEN' });
  t.match(decisions(sim, 'a.example.com'), [
    { decision: 'deny', rule: 'default-deny', explanation: /No upstream rule for a\.example\.com has port 80/ },
  ]);
  await t.rejects(client.resolve('example.com'), { code: 'ERR_CLIENT_DNS' });
  await t.rejects(client.openTcp('10.20.240.99', 443), { code: 'ERR_CLIENT_OPEN' });
  t.match(sim.journal.query({ name: 'resource.request' }).at(-1)?.fields.explanation, /currently has none/);
});

t.test('without a target the name itself is dialled, as the resolver of this machine knows it then', async (t) => {
  const ports = await servers(t);
  let addresses: readonly string[] = [];
  const { sim, client } = await tunnel(
    t,
    { resources: { upstreams: [{ match: '*.contoso.internal', local: true }] } },
    { lookUp: async (host) => (host === 'app.contoso.internal' ? addresses : []) },
  );
  await t.rejects(client.openTcp('app.contoso.internal', ports.web), { code: 'ERR_CLIENT_OPEN' });
  t.match(sim.journal.query({ name: 'resource.unreachable' }), [
    { fields: { host: 'app.contoso.internal', explanation: 'app.contoso.internal has no address' } },
  ]);
  addresses = ['127.0.0.99', '127.0.0.1'];
  const page = await client.fetch(`http://app.contoso.internal:${ports.web}/`);
  t.equal(page.body.toString(), `app.contoso.internal:${ports.web} asked for /`);
  t.strictSame(await client.resolve('tools.contoso.internal'), ['10.20.0.20'], 'a mock host keeps its address');
});

t.test('the second name of a mock host counts too', async (t) => {
  const ports = await servers(t);
  const { sim, client } = await tunnel(t, {
    services: {
      hosts: [
        { names: ['one.contoso.internal', 'two.contoso.internal'], addresses: ['10.20.0.10'], tcp: { '9': 'discard' } },
      ],
    },
    resources: { upstreams: [{ match: 'two.contoso.internal', to: { host: '127.0.0.1', port: ports.web } }] },
  });
  t.strictSame(await client.resolve('two.contoso.internal'), ['10.20.0.10']);
  t.equal((await client.fetch('http://two.contoso.internal/')).status, 200);
  t.match(decisions(sim, 'one.contoso.internal'), [
    { rule: 'upstream two.contoso.internal', explanation: /two\.contoso/ },
  ]);
});

t.test(
  'DNS servers of the configuration answer, over UDP and TCP, whether or not a host has the address',
  async (t) => {
    const { sim, client } = await tunnel(t, {
      gateway: { ...BOTH, dnsServers: ['10.20.7.53', 'fd10:20::0:7:53'] },
      services: { hosts: [{ names: ['web.contoso.internal'], addresses: ['10.20.0.10'] }] },
    });
    t.strictSame(await client.resolve('web.contoso.internal'), ['10.20.0.10']);
    t.match(sim.journal.query({ name: 'resource.request' })[0]?.fields, {
      destination: '10.20.7.53:53',
      rule: 'dns-server',
      explanation: '10.20.7.53 is one of gateway.dnsServers, so the resolver of the mock network answers there.',
    });
    for (const server of ['10.20.7.53', 'fd10:20::7:53']) {
      t.ok((await client.ping(server)) >= 0);
      const stream = await client.openTcp(server, 53);
      const query = serializeDnsQuery({ id: 7, name: 'web.contoso.internal', type: 'A' });
      stream.end(Buffer.concat([lengthOf(query), query]));
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      t.match(parseDnsAnswer(Buffer.concat(chunks).subarray(2)).records, [{ data: '10.20.0.10' }]);
    }
    t.equal(sim.journal.query({ name: 'resource.request', fields: { rule: 'dns-server', protocol: 'tcp' } }).length, 2);
  },
);

t.test('a session that makes names up leaves room for others, and what it held is there when it is gone', async (t) => {
  const { sim, connect, client } = await tunnel(t, {
    resources: { names: { network: '10.20.240.0/28' }, upstreams: [{ match: '*.example.com' }] },
  });
  const other = await connect('bob@contoso.com');
  const mine = await other.resolve('mine.example.com');
  const made = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => client.resolve(`x${i}.example.com`)));
  t.equal(made.filter(({ status }) => status === 'fulfilled').length, 4);
  t.match(
    made.find(({ status }) => status === 'rejected'),
    { reason: { code: 'ERR_CLIENT_DNS', message: /the server failed/ } },
  );
  t.match(sim.journal.query({ name: 'dns.query' }).at(-1)?.fields.outcome, /its share of 14/);
  t.strictSame(await other.resolve('mine.example.com'), mine);
  for (const name of ['a', 'b', 'c']) await other.resolve(`${name}.example.com`);
  await client.close();
  await sim.journal.waitFor({ name: 'session.disconnect' });
  for (const user of ['alice@contoso.com', 'alice@contoso.com', 'bob@contoso.com']) {
    const next = await connect(user);
    for (let i = 0; i < 4; i++) await next.resolve(`${i}-${next.configuration.address4}.example.com`);
    t.strictSame(await other.resolve('mine.example.com'), mine);
    const after = sim.journal.query().at(-1)!.seq;
    await next.close();
    await sim.journal.waitFor({ name: 'session.disconnect', after });
  }
});
