import t from 'tap';
import { mergeClientHeaders, noClientHeaders, type TunnelOffer, tunnelHeaders } from '../../src/wire/cstp-headers.ts';

const OFFER: TunnelOffer = {
  serverName: 'vpn',
  hostname: undefined,
  dpd: 0,
  defaultDomain: undefined,
  address4: '10.0.0.2',
  netmask4: '255.255.0.0',
  address6: undefined,
  prefix6: 64,
  fullIpv6: true,
  dnsIp6Name: false,
  noIpv6Routes: false,
  dnsServers: [],
  splitDns: [],
  include4: [],
  include6: [],
  exclude4: [],
  exclude6: [],
  appleIpv6Route: false,
  keepalive: 20,
  idleTimeout: undefined,
  rekeyTime: undefined,
  sessionTimeout: undefined,
  sessionTimeoutRemaining: undefined,
  baseMtu: 1500,
  mtu: 1400,
  banner: undefined,
  dtls: undefined,
};

const lines = (changes: Partial<TunnelOffer> = {}): string[] =>
  tunnelHeaders({ ...OFFER, ...changes }).map(([name, value]) => `${name}: ${value}`);

/** The lines that an offer has more than the plain one. */
const more = (changes: Partial<TunnelOffer>): string[] => {
  const plain = new Set(lines());
  return lines(changes).filter((line) => !plain.has(line));
};

t.test('the plain offer, line by line', async (t) => {
  t.strictSame(lines(), [
    'X-CSTP-Version: 1',
    'X-CSTP-Server-Name: vpn',
    'X-CSTP-Address: 10.0.0.2',
    'X-CSTP-Netmask: 255.255.0.0',
    'X-CSTP-Tunnel-All-DNS: false',
    'X-CSTP-Client-Bypass-Protocol: false',
    'X-CSTP-Keepalive: 20',
    'X-CSTP-Idle-Timeout: none',
    'X-CSTP-Smartcard-Removal-Disconnect: true',
    'X-CSTP-Rekey-Method: none',
    'X-CSTP-Session-Timeout: 0',
    'X-CSTP-Session-Timeout-Remaining: 0',
    'X-CSTP-Disconnected-Timeout: none',
    'X-CSTP-Keep: true',
    'X-CSTP-TCP-Keepalive: true',
    'X-CSTP-License: accept',
    'X-CSTP-Base-MTU: 1500',
    'X-CSTP-MTU: 1400',
  ]);
});

t.test('each wish adds its own lines', async (t) => {
  t.strictSame(more({ hostname: 'client1' }), ['X-CSTP-Hostname: client1']);
  t.strictSame(more({ defaultDomain: 'contoso.com' }), ['X-CSTP-Default-Domain: contoso.com']);
  t.strictSame(more({ dpd: 90 }), ['X-CSTP-DPD: 90']);
  t.strictSame(more({ idleTimeout: 60 }), ['X-CSTP-Idle-Timeout: 60']);
  t.strictSame(more({ rekeyTime: 3600 }), ['X-CSTP-Rekey-Time: 3600', 'X-CSTP-Rekey-Method: new-tunnel']);
  t.strictSame(more({ sessionTimeout: 7, sessionTimeoutRemaining: 5 }), [
    'X-CSTP-Session-Timeout: 7',
    'X-CSTP-Session-Timeout-Remaining: 5',
  ]);
  t.strictSame(more({ proxyPac: 'http://p/pac' }), ['X-CSTP-MSIE-Proxy-Pac-URL: http://p/pac']);
  t.strictSame(more({ banner: 'two\r\nlines' }), ['X-CSTP-Banner: two lines']);
  t.strictSame(more({ splitDns: ['a', 'b'] }), ['X-CSTP-Split-DNS: a', 'X-CSTP-Split-DNS: b']);
  t.strictSame(more({ include4: ['1'], exclude4: ['2'] }), ['X-CSTP-Split-Include: 1', 'X-CSTP-Split-Exclude: 2']);
});

t.test('DTLS has its own times, with the keys ten seconds behind', async (t) => {
  const dtls = { port: 443, headers: [['X-DTLS-App-ID', 'x']] } as const;
  t.strictSame(more({ dtls }), ['X-DTLS-Port: 443', 'X-DTLS-Keepalive: 20', 'X-DTLS-App-ID: x']);
  const all = more({ dtls, dpd: 90, rekeyTime: 3600 });
  t.ok(all.includes('X-DTLS-DPD: 90'));
  t.ok(all.includes('X-DTLS-Rekey-Time: 3610'));
});

t.test('IPv6 comes as the client can take it', async (t) => {
  const six = { address6: 'fd00::2', include6: ['i/64'], exclude6: ['e/64'], dnsServers: ['fd00::1', '10.0.0.1'] };
  t.strictSame(more(six), [
    'X-CSTP-Address-IP6: fd00::2/64',
    'X-CSTP-DNS: fd00::1',
    'X-CSTP-DNS: 10.0.0.1',
    'X-CSTP-Split-Include-IP6: i/64',
    'X-CSTP-Split-Exclude-IP6: e/64',
  ]);
  t.strictSame(more({ ...six, appleIpv6Route: true, dnsIp6Name: true }).slice(1, 4), [
    'X-CSTP-DNS-IP6: fd00::1',
    'X-CSTP-DNS: 10.0.0.1',
    'X-CSTP-Split-Include-IP6: 2000::/3',
  ]);
  t.strictSame(more({ ...six, noIpv6Routes: true }), ['X-CSTP-Address-IP6: fd00::2/64', 'X-CSTP-DNS: 10.0.0.1']);
  t.strictSame(more({ ...six, fullIpv6: false }), [
    'X-CSTP-Address: fd00::2',
    'X-CSTP-Netmask: fd00::2/64',
    'X-CSTP-DNS: 10.0.0.1',
  ]);
  t.strictSame(more({ ...six, address6: undefined, appleIpv6Route: true }), [
    'X-CSTP-DNS: fd00::1',
    'X-CSTP-DNS: 10.0.0.1',
  ]);
  const none = lines({ address4: undefined, include4: ['1'], exclude4: ['2'] });
  t.notOk(
    none.some((line) => /Address|Split/.test(line)),
    'no routes without an address',
  );
  t.notOk(lines({ netmask4: undefined }).some((line) => line.includes('Address')));
});

t.test('the session cookie is found among others, and is all behind its first equals sign', async (t) => {
  const webvpn = (cookie: string) => mergeClientHeaders(noClientHeaders(), [['cookie', cookie]], 'CONNECT').webvpn;
  t.equal(webvpn('webvpn=abc'), 'abc');
  t.equal(webvpn('a=b; webvpn= ab=c= ;d=e'), 'ab=c=');
  t.equal(webvpn('webvpncontext=abc'), undefined);
  t.equal(webvpn('webvpn'), undefined);
  t.equal(webvpn('=webvpn'), undefined);
});
