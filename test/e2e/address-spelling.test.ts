import t from 'tap';
import { resolveConfig } from '../../src/config/index.ts';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';

/* IPv6 addresses have many spellings. Wherever two are compared, what counts is the address. */

t.test('hosts, rules and sessions are found by an IPv6 address, however it is spelled', async (t) => {
  await using sim = await startSimulator({
    gateway: {
      ipv6Network: 'FD00:00AA::/112',
      routesInclude: ['10.20.0.0/16', 'fd10:20::/64'],
      dnsServers: ['fd10:020::53'],
    },
    services: {
      hosts: [
        {
          names: ['odd.contoso.internal'],
          addresses: ['FD10:0020:0:0::00AB'],
          udp: { '7': 'echo' },
        },
        { names: ['dns.contoso.internal'], addresses: ['FD10:20:0::0:53'], udp: { '53': 'dns' } },
      ],
    },
    resources: { upstreams: [{ match: 'FD10:20::0:CC', ports: [9], to: { host: '127.0.0.1', port: 9 } }] },
  });
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.strictSame(await client.resolve('odd.contoso.internal'), ['fd10:20::ab']);
  for (const host of ['odd.contoso.internal', 'fd10:20:0::AB']) {
    t.equal((await client.exchangeUdp(host, 7, Buffer.from('hi'))).toString(), 'hi');
    t.ok((await client.ping(host)) >= 0);
  }
  t.match(
    sim.journal.query({ name: 'resource.request' })[0]?.fields,
    {
      host: 'dns.contoso.internal',
      destination: '[fd10:20::53]:53',
    },
    'DNS is asked there too',
  );
  await t.rejects(client.openTcp('fd10:20::00cc', 9), { code: 'ERR_CLIENT_OPEN' });
  t.match(sim.journal.query({ name: 'resource.request' }).at(-1)?.fields, { rule: 'upstream FD10:20::0:CC' });
  const [session] = sim.gateway.sessions();
  t.equal(sim.gateway.sessionAt('FD00:AA:0::0002')?.id, session?.id);
  t.ok(sim.network.onPremises.hostAt('FD10:20::0:AB'));
});

t.test('one address in two spellings is one address for the configuration', async (t) => {
  const complaint = (input: Parameters<typeof resolveConfig>[0]): string => {
    try {
      resolveConfig(input);
    } catch (error) {
      if (isTunneliteError(error, 'ERR_CONFIG_INVALID')) return error.message;
      throw error;
    }
    return '';
  };
  const hosts = ['FD10:20::0:10', 'fd10:20::10'].map((address, i) => ({
    names: [`h${i}.contoso.internal`],
    addresses: [address],
  }));
  t.match(complaint({ services: { hosts } }), /fd10:20::10 is given to both h0\.contoso\.internal and h1/);
  t.match(complaint({ gateway: { host: '0:0::1' }, identity: { host: '::1', port: 8443 } }), /both want port 8443/);
  for (const address of ['fe80::1%eth0', 'fe80::1%1']) {
    t.match(
      complaint({ services: { hosts: [{ names: ['a.contoso.internal'], addresses: [address] }] } }),
      /an IP address, such as/,
    );
    t.match(complaint({ gateway: { dnsServers: [address] } }), /an IP address, such as/);
    t.match(complaint({ resources: { upstreams: [{ match: address }] } }), /host name/);
  }
});
