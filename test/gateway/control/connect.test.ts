import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { CstpType } from '../../../src/wire/cstp.ts';
import { AGENT, cookieOf, header, startTestGateway, statusLine, TUNNEL_HEADERS } from '../../support/gateway.ts';

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
    t.equal(header(answer, 'X-CSTP-Tunnel-All-DNS'), 'false');
    client.close();
  }
});

t.test('an Apple client is given the route to the IPv6 internet with a default route too', async (t) => {
  await using lab = await startTestGateway({ settings: { routesInclude: [] } });
  const client = await lab.dial();
  await client.login();
  const answer = await client.connectTunnel(undefined, [
    'X-AnyConnect-Identifier-Platform: apple-ios',
    'X-CSTP-Base-MTU: 1500',
    'X-CSTP-Full-IPv6-Capability: true',
  ]);
  t.match(answer, /X-CSTP-Split-Include-IP6: 2000::\/3\r\nX-CSTP-Tunnel-All-DNS: false/);
  t.equal(answer?.match(/Split-Include/g)?.length, 1);
  client.close();
});

t.test('an IPv6 name server is told to a client that takes it, even without an IPv6 pool', async (t) => {
  await using lab = await startTestGateway({
    settings: { ipv6Network: undefined, dnsServers: ['192.168.77.1', 'fd00::53'] },
  });
  const client = await lab.dial();
  await client.login();
  t.match(await client.connectTunnel(), /X-CSTP-DNS: 192.168.77.1\r\nX-CSTP-DNS: fd00::53\r\n/);
  const old = await lab.dial();
  await old.login();
  t.notMatch(await old.connectTunnel(undefined, ['X-CSTP-Base-MTU: 1500']), /fd00::53/);
  for (const each of [client, old]) each.close();
});

t.test('the MTU leaves room for the DTLS suite that goes with the cipher of TLS', async (t) => {
  for (const [ciphers, mtu] of [
    ['TLS_AES_256_GCM_SHA384', '1434'],
    ['TLS_CHACHA20_POLY1305_SHA256', '1442'],
  ] as const) {
    await using lab = await startTestGateway({ settings: { disableUdp: false } });
    const client = await lab.dial({ ciphers });
    await client.login();
    const answer = await client.connectTunnel(undefined, [...TUNNEL_HEADERS, 'X-DTLS-CipherSuite: PSK-NEGOTIATE']);
    t.equal(header(answer, 'X-CSTP-MTU'), mtu, ciphers);
    client.close();
  }
});

t.test('a client that has AES-CCM only connects over TLS 1.2 and 1.3', async (t) => {
  await using lab = await startTestGateway();
  for (const [maxVersion, ciphers] of [
    ['TLSv1.3', 'TLS_AES_128_CCM_SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES256-CCM'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES128-CCM'],
  ] as const) {
    const client = await lab.dial({ minVersion: maxVersion, maxVersion, ciphers });
    await client.login();
    t.equal(statusLine(await client.connectTunnel()), 'HTTP/1.1 200 CONNECTED', ciphers);
    client.sendPacket(CstpType.DpdRequest, Buffer.alloc(1400));
    t.equal((await client.packet())?.payload.length, 1400, ciphers);
    client.close();
  }
  const usual = await lab.dial();
  t.notMatch(usual.tls.getCipher().name, /CCM/, 'nobody is moved to it');
  usual.close();
});

t.test('a proxy configuration file is told when there is one, and nothing of a proxy otherwise', async (t) => {
  const url = 'http://pac.contoso.internal/proxy.pac';
  for (const proxyPac of [undefined, url]) {
    await using lab = await startTestGateway({ settings: { proxyPac } });
    const client = await lab.dial();
    await client.login();
    t.equal(header(await client.connectTunnel(), 'X-CSTP-MSIE-Proxy-Pac-URL'), proxyPac);
    client.close();
  }
});

t.test('session limit, idle limit and rekey are told when they are set', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({
    clock,
    settings: { sessionTimeout: 3600, idleTimeout: 900, rekeyTime: undefined, banner: undefined },
  });
  const client = await lab.dial();
  await client.login();
  clock.advance(700);
  const answer = await client.connectTunnel();
  t.equal(header(answer, 'X-CSTP-Session-Timeout'), '3600');
  t.equal(header(answer, 'X-CSTP-Session-Timeout-Remaining'), '3600');
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

t.test('a client that asks for no address family of the gateway is connected without an address', async (t) => {
  await using lab = await startTestGateway({ settings: { network: undefined } });
  const client = await lab.dial();
  await client.login();
  t.equal(statusLine(await client.connectTunnel(undefined, ['X-CSTP-Address-Type: IPv4'])), 'HTTP/1.1 200 CONNECTED');
  t.match(lab.events.of('session.connect'), [{ address4: undefined, address6: undefined }]);
  client.sendPacket(CstpType.DpdRequest);
  t.equal((await client.packet())?.type, CstpType.DpdResponse);
  client.close();
});

t.test('the UDP port that clients are told is the listener’s, or that of a port mapping in front', async (t) => {
  for (const announcedUdpPort of [undefined, 10_443]) {
    await using lab = await startTestGateway({ settings: { disableUdp: false, announcedUdpPort } });
    const client = await lab.dial();
    await client.login();
    const answer = await client.connectTunnel(undefined, [...TUNNEL_HEADERS, 'X-DTLS-CipherSuite: PSK-NEGOTIATE']);
    t.equal(header(answer, 'X-DTLS-Port'), String(announcedUdpPort ?? lab.port));
    client.close();
  }
});

t.test('a client that is offered DTLS and sends no datagram is told of in the log', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { disableUdp: false, announcedUdpPort: 10_443 } });
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel(undefined, [...TUNNEL_HEADERS, 'X-DTLS-CipherSuite: PSK-NEGOTIATE']);
  clock.advance(11_000);
  t.match(lab.events.of('channel.dtls.missing'), [{ port: 10_443, explanation: /10443/ }]);
  client.close();
});
