import t from 'tap';
import { AGENT, cookieOf, header, startTestGateway, statusLine } from '../../support/gateway.ts';

const TAIL = [
  'X-CSTP-Disconnected-Timeout: none',
  'X-CSTP-Keep: true',
  'X-CSTP-TCP-Keepalive: true',
  'X-CSTP-License: accept',
];

t.test('the answer to CONNECT has the header lines of the transcript, in its order', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  t.equal(
    await client.connectTunnel(),
    [
      'HTTP/1.1 200 CONNECTED',
      'X-CSTP-Version: 1',
      'X-CSTP-Server-Name: OpenConnect VPN Server',
      'X-CSTP-Hostname: client1',
      'X-CSTP-DPD: 90',
      'X-CSTP-Default-Domain: corp.example.com',
      'X-CSTP-Address: 192.168.77.2',
      'X-CSTP-Netmask: 255.255.255.0',
      'X-CSTP-Address-IP6: fda9:4efe:7e3b::2/128',
      'X-CSTP-DNS: 192.168.77.1',
      'X-CSTP-Split-DNS: corp.example.com',
      'X-CSTP-Split-Include: 192.168.77.0/255.255.255.0',
      'X-CSTP-Split-Include: 10.20.0.0/255.255.0.0',
      'X-CSTP-Split-Include-IP6: fd12:3456::/48',
      'X-CSTP-Tunnel-All-DNS: false',
      'X-CSTP-Client-Bypass-Protocol: false',
      'X-CSTP-Split-Exclude: 10.20.5.0/255.255.255.0',
      'X-CSTP-Keepalive: 32400',
      'X-CSTP-Idle-Timeout: none',
      'X-CSTP-Smartcard-Removal-Disconnect: true',
      'X-CSTP-Rekey-Time: 172800',
      'X-CSTP-Rekey-Method: new-tunnel',
      'X-CSTP-Session-Timeout: 0',
      'X-CSTP-Session-Timeout-Remaining: 0',
      ...TAIL,
      'X-CSTP-Base-MTU: 1500',
      'X-CSTP-MTU: 1472',
      'X-CSTP-Banner: Welcome to the example lab',
      '',
      '',
    ].join('\r\n'),
  );
  client.close();
});

t.test('a client without cookies connects on the connection that authenticated', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const agent = 'MobileAccess iOS 1.1.34040102';
  const login = await client.request(
    'POST',
    '/',
    ['Content-Type: text/xml', `User-Agent: ${agent}`, 'X-CSTP-Hostname: device-1', 'Authorization: Bearer good'],
    '<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type="init"></config-auth>',
  );
  t.equal(statusLine(login), 'HTTP/1.1 200 OK');
  const answer = await client.request('CONNECT', '/CSCOSSLC/tunnel', [
    'X-CSTP-Address-Type: IPv4,IPv6',
    'X-CSTP-Full-IPv6-Capability: true',
    'X-CSTP-Base-MTU: 1500',
  ]);
  t.equal(statusLine(answer), 'HTTP/1.1 200 CONNECTED');
  t.equal(header(answer, 'X-CSTP-Hostname'), 'device-1', 'what the login said holds for CONNECT');
  t.equal(header(answer, 'X-CSTP-Address-IP6'), 'fda9:4efe:7e3b::2/128', 'unknown agents get IPv6');
  t.equal(lab.gateway.sessions()[0]?.userAgent, agent);
  client.close();
});

t.test('IPv6 without full capability comes as a second address, without routes', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel(undefined, ['X-CSTP-Base-MTU: 1500', 'X-CSTP-Address-Type: IPv6,IPv4']);
  t.match(
    answer,
    /Address: 192.168.77.2\r\nX-CSTP-Netmask: 255.255.255.0\r\nX-CSTP-Address: fda9:4efe:7e3b::2\r\nX-CSTP-Netmask: fda9:4efe:7e3b::2\/128\r\n/,
  );
  t.notMatch(answer, /IP6/);
  client.close();
});

t.test('a client that names one family gets that one', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel(undefined, ['X-CSTP-MTU: 1300', 'X-CSTP-Address-Type: IPv4']);
  t.notMatch(answer, /fda9/);
  t.equal(header(answer, 'X-CSTP-Base-MTU'), '1394', 'guessed from the MTU that an old client wishes');
  t.equal(header(answer, 'X-CSTP-MTU'), '1366');
  client.close();
});

t.test('below a data MTU of 1280 there is no IPv6', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel(undefined, ['X-CSTP-Base-MTU: 1200', 'X-CSTP-Full-IPv6-Capability: true']);
  t.equal(header(answer, 'X-CSTP-MTU'), '1172');
  t.notMatch(answer, /fda9/);
  client.close();
});

t.test('phones get the mobile timers, and Apple ones the route they need to use IPv6', async (t) => {
  await using lab = await startTestGateway({ settings: { mobileIdleTimeout: 600 } });
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel(undefined, [
    'X-AnyConnect-Identifier-Platform: apple-ios',
    'X-AnyConnect-Identifier-DeviceType: iPhone',
    'X-CSTP-Base-MTU: 1500',
    'X-CSTP-Full-IPv6-Capability: true',
  ]);
  t.equal(header(answer, 'X-CSTP-DPD'), '1800');
  t.equal(header(answer, 'X-CSTP-Idle-Timeout'), '600');
  t.match(answer, /Split-DNS: corp.example.com\r\nX-CSTP-Split-Include-IP6: 2000::\/3\r\nX-CSTP-Split-Include: 192/);
  t.equal(lab.gateway.sessions()[0]?.devicePlatform, 'apple-ios');
  t.equal(lab.gateway.sessions()[0]?.deviceType, 'iPhone');
  client.close();
});

t.test('without include routes, or with a default route, everything goes through the tunnel', async (t) => {
  for (const routesInclude of [[], ['0.0.0.0/0', '10.0.0.0/8']]) {
    await using lab = await startTestGateway({ settings: { routesInclude } });
    const client = await lab.dial();
    await client.login();
    const answer = await client.connectTunnel();
    t.notMatch(answer, /Split-Include/);
    t.equal(header(answer, 'X-CSTP-Tunnel-All-DNS'), 'true');
    client.close();
  }
});

t.test('session limit, idle limit and rekey are told when they are set', async (t) => {
  await using lab = await startTestGateway({
    settings: { sessionTimeout: 3600, idleTimeout: 900, rekeyTime: undefined, banner: undefined },
  });
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel();
  t.equal(header(answer, 'X-CSTP-Session-Timeout'), '3600');
  t.match(header(answer, 'X-CSTP-Session-Timeout-Remaining'), /^(3600|35\d\d)$/);
  t.equal(header(answer, 'X-CSTP-Idle-Timeout'), '900');
  t.equal(header(answer, 'X-CSTP-Rekey-Method'), 'none');
  t.equal(header(answer, 'X-CSTP-Rekey-Time'), undefined);
  t.equal(header(answer, 'X-CSTP-Banner'), undefined);
  client.close();
});

t.test('AnyConnect hears of IPv6 name servers under its own header', async (t) => {
  await using lab = await startTestGateway({ settings: { dnsServers: ['192.168.77.1', 'fda9:4efe:7e3b::1'] } });
  for (const [agent, name] of [
    ['Cisco AnyConnect VPN Agent for Windows 4.10', 'X-CSTP-DNS-IP6'],
    [AGENT, 'X-CSTP-DNS'],
  ] as const) {
    const client = await lab.dial();
    await client.login('good', agent);
    const answer = await client.request('CONNECT', '/CSCOSSLC/tunnel', [
      'X-CSTP-Full-IPv6-Capability: true',
      'X-CSTP-Base-MTU: 1500',
    ]);
    t.match(answer, new RegExp(`X-CSTP-DNS: 192.168.77.1\r\n${name}: fda9:4efe:7e3b::1\r\n`));
    client.close();
  }
});

t.test('one listener serves IPv4 and IPv6 clients, each under its plain address', async (t) => {
  await using lab = await startTestGateway({ host: '::' });
  for (const [host, shown, mtu] of [
    ['127.0.0.1', '127.0.0.1', '1472'],
    ['::1', '::1', '1452'],
  ] as const) {
    const client = await lab.dial({ host });
    await client.login();
    const answer = await client.connectTunnel();
    t.equal(header(answer, 'X-CSTP-MTU'), mtu);
    const session = lab.gateway.sessions().find((each) => each.address4 === header(answer, 'X-CSTP-Address'));
    t.equal(session?.remoteAddress, shown);
    client.close();
  }
  t.match(lab.events.of('session.connect')[1]?.remote, /^\[::1\]:\d+$/);
});

t.test('a host name with a dot is not echoed', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel(undefined, ['X-CSTP-Hostname: client.example.com']);
  t.equal(header(answer, 'X-CSTP-Hostname'), undefined);
  client.close();
});

t.test('the path without its slash is taken, another path is not found even with a good cookie', async (t) => {
  await using lab = await startTestGateway();
  const android = await lab.dial();
  await android.login();
  t.equal(statusLine(await android.request('CONNECT', 'CSCOSSLC/tunnel', [])), 'HTTP/1.1 200 CONNECTED');
  android.close();
  const client = await lab.dial();
  await client.login();
  t.match(await client.request('CONNECT', '/other', []), /^HTTP\/1.1 404 Not found\r\nContent-Length: 50\r\n/);
  await client.ended;
});

t.test('CONNECT with a token but neither cookie nor login is unavailable', async (t) => {
  await using lab = await startTestGateway();
  for (const headers of [
    ['Authorization: Bearer good'],
    ['Cookie: webvpn=c2hvcnQ='],
    ['Cookie: webvpn=(null)'],
    ['Cookie: other=1'],
  ]) {
    const client = await lab.dial();
    const answer = await client.request('CONNECT', '/CSCOSSLC/tunnel', headers);
    t.equal(answer, 'HTTP/1.1 503 Service Unavailable\r\n\r\n', headers.join());
    await client.ended;
  }
  t.equal(lab.events.of('session.refused')[0]?.reason, 'no-cookie');
});

t.test('a well-formed cookie that nobody was given is not acceptable', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const answer = await client.connectTunnel(`${'A'.repeat(43)}=`);
  t.equal(answer, 'HTTP/1.1 401 Cookie is not acceptable\r\n\r\n');
  await client.ended;
  t.match(lab.events.of('session.refused')[0], { reason: 'unknown-cookie' });
});

t.test('the cookie is taken with and without its padding', async (t) => {
  await using lab = await startTestGateway();
  const first = await lab.dial();
  const cookie = cookieOf(await first.login());
  for (const form of [cookie, `${cookie}=`]) {
    const client = await lab.dial();
    t.equal(statusLine(await client.connectTunnel(form)), 'HTTP/1.1 200 CONNECTED');
    client.close();
  }
  first.close();
});

t.test('an exhausted pool refuses the newcomer and leaves the others alone', async (t) => {
  // A /29 has five addresses for clients beside the gateway's own.
  await using lab = await startTestGateway({ settings: { network: '10.9.0.0/29', ipv6Network: undefined } });
  const clients = [];
  for (let i = 0; i < 5; i++) {
    const client = await lab.dial();
    await client.login(`good:user${i}`);
    t.equal(header(await client.connectTunnel(), 'X-CSTP-Address'), `10.9.0.${i + 2}`);
    clients.push(client);
  }
  const late = await lab.dial();
  await late.login('good:late');
  t.equal(statusLine(await late.connectTunnel()), 'HTTP/1.1 401 Cookie is not acceptable');
  t.match(lab.events.of('session.refused'), [{ reason: 'pool-exhausted' }]);
  clients[1]!.sendPacket(5, Buffer.from([0xb0]));
  await clients[1]!.ended;
  const next = await lab.dial();
  await next.login('good:next');
  t.equal(
    header(await next.connectTunnel(), 'X-CSTP-Address'),
    '10.9.0.3',
    'with nothing else left there is no cool-down',
  );
  for (const client of [...clients, late, next]) client.close();
});

t.test('sessions per user are limited, and a session does not count against its own replacement', async (t) => {
  await using lab = await startTestGateway({ settings: { maxSessionsPerUser: 1 } });
  const first = await lab.dial();
  const cookie = cookieOf(await first.login('good:ada'));
  t.equal(statusLine(await first.connectTunnel()), 'HTTP/1.1 200 CONNECTED');
  const second = await lab.dial();
  await second.login('good:ada');
  t.equal(statusLine(await second.connectTunnel()), 'HTTP/1.1 401 Cookie is not acceptable');
  const other = await lab.dial();
  await other.login('good:grace');
  t.equal(statusLine(await other.connectTunnel()), 'HTTP/1.1 200 CONNECTED');
  const again = await lab.dial();
  t.equal(statusLine(await again.connectTunnel(cookie)), 'HTTP/1.1 200 CONNECTED');
  for (const client of [first, second, other, again]) client.close();
});

t.test('above the limit of sessions connections are closed before TLS', async (t) => {
  await using lab = await startTestGateway({ settings: { maxSessions: 1 } });
  const first = await lab.dial();
  await first.login();
  await first.connectTunnel();
  await t.rejects(lab.dial());
  t.match(lab.events.of('http.rejected'), [{ reason: 'full' }]);
  first.close();
});

t.test('without an IPv4 pool a client that cannot do IPv6 is refused with a reason', async (t) => {
  await using lab = await startTestGateway({ settings: { network: undefined } });
  const client = await lab.dial();
  await client.login();
  t.equal(
    statusLine(await client.connectTunnel(undefined, ['X-CSTP-Address-Type: IPv4'])),
    'HTTP/1.1 401 Cookie is not acceptable',
  );
  t.match(lab.events.of('session.refused'), [{ reason: 'no-family' }]);
  client.close();
});
