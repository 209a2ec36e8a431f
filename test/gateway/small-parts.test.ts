import t from 'tap';
import { readBearer } from '../../src/gateway/control/bearer.ts';
import { Pages } from '../../src/gateway/control/pages.ts';
import { classifyTlsFailure } from '../../src/gateway/control/tls-failure.ts';
import { agentKind, isApple, isMobile } from '../../src/gateway/session/agent.ts';
import { routeLists } from '../../src/gateway/session/routes.ts';
import { decodeCookie, encodeCookie } from '../../src/gateway/session/sessions.ts';
import { tunnelMtu } from '../../src/gateway/session/tunnel-mtu.ts';
import { testLeaf } from '../support/certificates.ts';

t.test('clients are told apart by the start of their agent text', async (t) => {
  const cases: [agent: string | undefined, kind: string][] = [
    ['Open AnyConnect VPN Agent v9.01-3', 'openconnect'],
    ['Open AnyConnect VPN Agent v10.1', 'openconnect'],
    ['Open AnyConnect VPN Agent v3.99', 'openconnect-old'],
    ['open anyconnect vpn agent v2.0', 'openconnect-old'],
    ['OpenConnect VPN Agent (NetworkManager)', 'openconnect'],
    ['AnyConnect-compatible OpenConnect VPN Agent v9.21', 'openconnect'],
    ['Cisco AnyConnect VPN Agent for Apple iPhone', 'anyconnect'],
    ['AnyConnect Linux_64 4.10', 'anyconnect'],
    ['Clavister OneConnect VPN', 'clavister'],
    ['AnyLink Secure Client 0.1', 'anylink'],
    ['Cisco SVC IPPhone Client v1.0', 'svc-phone'],
    ['MobileAccess iOS 1.1.34040102', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ];
  for (const [agent, kind] of cases) t.equal(agentKind(agent), kind, agent ?? 'none');
  t.ok(isMobile('android-arm64') && isMobile('apple-ios') && !isMobile('linux-64') && !isMobile(undefined));
  t.ok(isApple('apple-ios', undefined) && isApple(undefined, 'Cisco AnyConnect VPN Agent for Apple iPad'));
  t.notOk(isApple('android', 'Open AnyConnect VPN Agent v9'));
});

t.test('MTU values are those that the real server told the same clients', async (t) => {
  const at = (clientBaseMtu: number | undefined, clientMtu: number | undefined, family: 4 | 6, overhead: number) =>
    tunnelMtu({ configured: 1500, clientBaseMtu, clientMtu, family, overhead });
  t.strictSame(at(1500, 1390, 4, 38), { base: 1500, data: 1434 });
  t.strictSame(at(1500, undefined, 6, 38), { base: 1500, data: 1414 });
  t.strictSame(at(1500, undefined, 4, 0), { base: 1500, data: 1472 });
  t.strictSame(at(undefined, 1300, 4, 0), { base: 1394, data: 1366 });
  t.strictSame(at(1200, undefined, 4, 38), { base: 1200, data: 1134 });
  t.strictSame(at(9000, undefined, 4, 0), { base: 1500, data: 1472 }, 'never above the configured one');
  t.equal(at(1, undefined, 4, 0).base, 576, 'a nonsense wish does not make the tunnel unusable');
});

t.test('routes are written as CONNECT wants them', async (t) => {
  t.strictSame(routeLists(['10.1.2.3/8', '192.168.7.0/26', 'fd12:3456::1/48', 'nonsense']), {
    ipv4: ['10.0.0.0/255.0.0.0', '192.168.7.0/255.255.255.192'],
    ipv6: ['fd12:3456::/48'],
  });
  t.strictSame(routeLists([]), { ipv4: [], ipv6: [] });
  const once = ['10.0.0.0/8'];
  t.equal(routeLists(once), routeLists(once), 'and computed once');
  t.strictSame(routeLists(['10.0.0.0/8', '::/0']), { ipv4: [], ipv6: [] });
});

t.test('a cookie survives its way over the wire, and nothing else is one', async (t) => {
  const bytes = Buffer.alloc(32, 0xfb);
  const text = encodeCookie(bytes);
  t.equal(text.length, 43);
  t.notMatch(text, /=/);
  t.strictSame(decodeCookie(text), bytes);
  t.strictSame(decodeCookie(`${text}=`), bytes);
  for (const wrong of [undefined, '', '(null)', text.slice(1), `${text}A=`, `${text.slice(0, 42)}!`]) {
    t.equal(decodeCookie(wrong), undefined, wrong ?? 'none');
  }
});

t.test('the Authorization header is read leniently or strictly', async (t) => {
  t.strictSame(readBearer(['Bearer a.b.c'], 'lenient'), { kind: 'token', token: 'a.b.c' });
  t.strictSame(readBearer(['BEARER?a.b.c'], 'lenient'), { kind: 'token', token: 'a.b.c' });
  for (const prefix of ['lenient', 'strict'] as const) {
    t.match(
      readBearer(['Bearer \ufeffa.b.c'], prefix),
      { kind: 'token' },
      'a byte order mark is for the verifier to tell',
    );
  }
  t.match(readBearer(['Basic x'], 'lenient'), { kind: 'refused', explanation: /Basic/ });
  t.strictSame(readBearer([], 'lenient'), { kind: 'absent' });
  t.strictSame(readBearer(['bearer a.b.c'], 'strict'), { kind: 'token', token: 'a.b.c' });
  t.strictSame(readBearer(['Bearer=a.b.c'], 'strict'), { kind: 'absent' });
});

t.test('a slash at the end of a path, and a query, make no other page', async (t) => {
  const { certPem, caPem } = await testLeaf('vpn.contoso.internal');
  const pages = new Pages(certPem, caPem);
  const answer = (target: string) => pages.answer({ target, userAgent: undefined, authenticated: false });
  for (const path of ['/auth', '/VPN', '/cert.pem', '/ca.cer', '/logout', '/1/VPNManifest.xml']) {
    t.equal(answer(path)?.status, 200, path);
    t.strictSame(answer(`${path}/`), answer(path));
    t.strictSame(answer(`${path}?a=b`), answer(path));
  }
  t.equal(answer('/auth//')?.status, 404, 'one slash');
});

t.test('TLS failures are put in words', async (t) => {
  const hello = Buffer.from('160301', 'hex');
  const reason = (code: string | undefined, first: Buffer | undefined): string =>
    classifyTlsFailure(code, first).reason;
  t.equal(reason(undefined, undefined), 'probe');
  t.equal(reason(undefined, Buffer.alloc(0)), 'probe');
  t.equal(reason(undefined, Buffer.from('x')), 'not-tls', 'one byte is more than none');
  t.equal(reason('ERR_SSL_HTTP_REQUEST', Buffer.from('GET / HTTP/1.1')), 'plain-http');
  t.equal(reason('ERR_SSL_WRONG_VERSION_NUMBER', Buffer.from('SSH-2.0-x')), 'ssh');
  t.equal(reason('ERR_SSL_WRONG_VERSION_NUMBER', Buffer.from([0xff, 0xff])), 'not-tls');
  t.equal(reason('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', hello), 'untrusted');
  t.equal(reason('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', hello), 'untrusted');
  t.equal(reason('ERR_SSL_UNSUPPORTED_PROTOCOL', hello), 'version');
  t.equal(reason('ERR_SSL_NO_SHARED_CIPHER', hello), 'no-common-cipher');
  t.equal(reason('ECONNRESET', hello), 'reset');
  t.equal(reason('ECONNABORTED', hello), 'reset', 'as Windows says it');
  t.equal(reason(undefined, hello), 'abandoned');
  t.equal(reason('ERR_SSL_SOMETHING_NEW', hello), 'other');
});
