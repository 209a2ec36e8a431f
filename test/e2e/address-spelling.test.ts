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
  t.match(complaint({ services: { hosts } }), /fd10:20::10 is assigned to both h0\.contoso\.internal and h1/);
  t.match(complaint({ gateway: { host: '0:0::1' }, identity: { host: '::1', port: 8443 } }), /both use port 8443/);
  for (const address of ['fe80::1%eth0', 'fe80::1%1']) {
    t.match(
      complaint({ services: { hosts: [{ names: ['a.contoso.internal'], addresses: [address] }] } }),
      /an IP address, such as/,
    );
    t.match(complaint({ gateway: { dnsServers: [address] } }), /an IP address, such as/);
    t.match(complaint({ resources: { upstreams: [{ match: address }] } }), /host name/);
  }
});

/* Spellings that one program reads as an address and another as a name, or as another address. */

const ODD = ['2130706433', '0x7f000001', '0x7f.0x1', '0X7F.1', '0177.0.0.1', '017700000001', '127.1', '1.2.3.0x4'];
const MAPPED = '::ffff:10.20.0.10';

t.test('the configuration takes no address that not all programs read alike', async (t) => {
  const problemOf = (input: Parameters<typeof resolveConfig>[0]): string => {
    try {
      resolveConfig(input);
      return '';
    } catch (error) {
      if (isTunneliteError(error, 'ERR_CONFIG_INVALID')) return error.message;
      throw error;
    }
  };
  const places: Readonly<Record<string, (text: string) => Parameters<typeof resolveConfig>[0]>> = {
    'resources.upstreams[0].match': (match) => ({ resources: { upstreams: [{ match }] } }),
    'resources.upstreams[0].to.host': (host) => ({ resources: { upstreams: [{ match: '192.0.2.1', to: { host } }] } }),
    'resources.access.rules[0].match[0]': (text) => ({
      resources: { access: { rules: [{ match: [text], action: 'allow' }] } },
    }),
    'services.hosts[0].names[0]': (name) => ({ services: { hosts: [{ names: [name], addresses: ['10.20.0.99'] }] } }),
    'services.hosts[0].addresses[0]': (text) => ({ services: { hosts: [{ names: ['a.test'], addresses: [text] }] } }),
    'services.stubs[0].host': (host) => ({ services: { stubs: [{ host }] } }),
    'services.records[0].name': (name) => ({ services: { records: [{ name, type: 'A', data: '10.20.0.99' }] } }),
    'services.records[0].data': (data) => ({ services: { records: [{ name: 'a.test', type: 'A', data }] } }),
    'services.pac.exclusions[0]': (text) => ({ services: { pac: { exclusions: [text] } } }),
    'services.pac.proxy': (text) => ({ services: { pac: { proxy: `${text}:3128` } } }),
    'gateway.dnsServers[0]': (text) => ({ gateway: { dnsServers: [text] } }),
  };
  for (const [path, input] of Object.entries(places)) {
    for (const text of ODD) {
      const problem = problemOf(input(text));
      t.ok(problem.includes(path), `${path}: ${text}: ${problem.slice(0, 200)}`);
    }
  }
  const addresses = ['resources.upstreams[0].match', 'resources.access.rules[0].match[0]', 'gateway.dnsServers[0]'];
  for (const path of [...addresses, 'services.hosts[0].addresses[0]', 'services.pac.exclusions[0]']) {
    for (const text of [MAPPED, '0:0:0:0:0:FFFF:0A14:000A']) {
      const problem = problemOf(places[path]!(text));
      t.ok(problem.includes(path), `${path}: ${text}: ${problem.slice(0, 200)}`);
    }
  }
});

t.test('nor does a client get anywhere by one, whichever way it comes', async (t) => {
  await using sim = await startSimulator({
    log: { level: 'silent' },
    gateway: { ipv6Network: 'fd00:aa::/112', routesInclude: [], splitDns: [] },
    resources: { upstreams: [{ match: '0.0.0.0/0' }, { match: '::/0' }] },
  });
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  for (const name of ODD) {
    await t.rejects(client.resolve(name), { code: 'ERR_CLIENT_DNS' }, name);
    await t.rejects(client.openTcp(name, sim.gateway.port), Error, name);
  }
  // Addresses that lead to this machine, as the destination of a packet.
  const mark = sim.journal.mark();
  for (const address of ['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::1']) {
    await t.rejects(client.openTcp(address, sim.gateway.port), Error, address);
  }
  const decided = sim.journal.query({ name: 'resource.request', since: mark });
  t.ok(decided.length > 0);
  t.strictSame(
    decided.filter(({ fields }) => fields.decision !== 'deny').map(({ fields }) => fields.destination),
    [],
  );
});
