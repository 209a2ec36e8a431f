import t from 'tap';
import { BypassList } from '../../../src/client/routing/bypass-list.ts';
import { parseProxyList } from '../../../src/client/routing/proxy-list.ts';
import { searchNames } from '../../../src/client/routing/search-names.ts';
import { type SplitSettings, SplitTunnel } from '../../../src/client/routing/split-tunnel.ts';

const settings = (changes: Partial<SplitSettings> = {}): SplitSettings => ({
  address4: '169.254.0.2',
  address6: 'fd00::2',
  routesInclude: [],
  routesExclude: [],
  splitDns: [],
  defaultDomain: undefined,
  ...changes,
});

t.test('the longest prefix says whether an address goes through the tunnel', async (t) => {
  const split = new SplitTunnel(
    settings({
      routesInclude: ['10.0.0.0/255.0.0.0', '10.1.2.0/24', '192.0.2.7', 'fd10::/16'],
      routesExclude: ['10.1.0.0/255.255.0.0', '10.9.0.0/16'],
    }),
  );
  for (const inside of ['10.0.0.1', '10.1.2.3', '192.0.2.7', 'fd10::1', 'FD10:0::1'])
    t.ok(split.carries(inside), inside);
  for (const outside of ['10.1.3.1', '10.9.0.1', '192.0.2.8', '8.8.8.8', 'fd11::1', 'no address', '', '10.0.0.1%eth0'])
    t.notOk(split.carries(outside), outside);
});

t.test('of two networks that are as long the excluded one decides', async (t) => {
  const both = { routesInclude: ['10.0.0.0/8'], routesExclude: ['10.0.0.0/8'] };
  t.notOk(new SplitTunnel(settings(both)).carries('10.0.0.1'));
});

t.test(
  'without an included network of its family an address goes through the tunnel, unless it is excluded',
  async (t) => {
    const split = new SplitTunnel(settings({ routesInclude: ['10.0.0.0/8'], routesExclude: ['fd99::/16'] }));
    t.ok(split.carries('fd10::1'));
    t.notOk(split.carries('fd99::1'));
    t.notOk(split.carries('8.8.8.8'));
    t.ok(new SplitTunnel(settings()).carries('8.8.8.8'), 'no routes: everything');
    t.notOk(new SplitTunnel(settings({ address6: undefined })).carries('fd10::1'), 'the tunnel has no such address');
  },
);

t.test('a list of proxies is read up to its sixteenth', async (t) => {
  const hops = parseProxyList(Array.from({ length: 20 }, (_, i) => `PROXY p${i + 1}:3128`).join(';'));
  t.equal(hops.length, 16);
  t.match(hops.at(-1), { kind: 'http', host: 'p16', port: 3128 });
});

t.test('names of the machine itself are never asked for in the tunnel, even with no split DNS', async (t) => {
  const all = new SplitTunnel(settings());
  t.ok(all.resolves('example.com'));
  for (const name of ['localhost', 'a.localhost', 'LOCALHOST.']) t.notOk(all.resolves(name), name);
});

t.test('routes that are none are left out', async (t) => {
  const junk = ['10.0.0.0/255.0.255.0', '10.0.0.0/33', 'x', '', '/', '__proto__', '10.0.0.0/-1', '10.0.0.0/1e1'];
  const split = new SplitTunnel(settings({ routesInclude: ['192.0.2.0/24', ...junk], routesExclude: junk }));
  t.ok(split.carries('192.0.2.1'));
  t.notOk(split.carries('10.0.0.1'));
});

t.test('the tunnel’s resolver is asked for what split DNS names, and for short names', async (t) => {
  const split = new SplitTunnel(
    settings({ splitDns: ['Contoso.Internal', '.corp.example'], defaultDomain: 'hq.example' }),
  );
  for (const name of ['intranet', 'contoso.internal', 'a.b.CONTOSO.internal.', 'x.corp.example', 'y.hq.example'])
    t.ok(split.resolves(name), name);
  for (const name of ['example.com', 'notcontoso.internal', 'contoso.internal.example', 'localhost', 'A.LOCALHOST.'])
    t.notOk(split.resolves(name), name);
  t.ok(new SplitTunnel(settings({ defaultDomain: 'hq.example' })).resolves('example.com'), 'no split DNS: every name');
});

t.test('a short name is asked for with each suffix first', async (t) => {
  t.strictSame(searchNames('intranet', 'a.example  b.example,.c.example'), [
    'intranet.a.example',
    'intranet.b.example',
    'intranet.c.example',
    'intranet',
  ]);
  t.strictSame(searchNames('intranet', undefined), ['intranet']);
  t.strictSame(searchNames('www.example', 'a.example'), ['www.example']);
  t.strictSame(searchNames('intranet.', 'a.example'), ['intranet.']);
  t.equal(searchNames('x', 'a '.repeat(10_000)).length, 7, 'a gateway that names thousands costs no more questions');
});

t.test('hosts bypass by name, by a name above, and by URL', async (t) => {
  const list = new BypassList([
    'sts.contoso.com',
    '*.Login.example',
    '.cdn.example',
    'https://idp.example:8443/path?x',
    'host.example:443/x',
    '[FD00::1]',
    '',
    ' ',
    'https://',
    '*',
  ]);
  for (const host of [
    'STS.contoso.com',
    'sts.contoso.com.',
    'a.login.example',
    'b.a.login.example',
    'x.cdn.example',
    'idp.example',
    'host.example',
    'fd00:0::1',
  ])
    t.ok(list.has(host), host);
  for (const host of ['contoso.com', 'xsts.contoso.com', 'login.example', 'a.sts.contoso.com', '', '__proto__'])
    t.notOk(list.has(host), host);
});

t.test('what a proxy file answers is read as browsers read it', async (t) => {
  const direct = [{ kind: 'direct' }];
  t.strictSame(parseProxyList(''), direct);
  t.strictSame(parseProxyList(' ; ;'), direct);
  t.strictSame(parseProxyList('PROXY p.example:3128; https [fd00::1]:8443;direct'), [
    { kind: 'http', host: 'p.example', port: 3128 },
    { kind: 'https', host: 'fd00::1', port: 8443 },
    ...direct,
  ]);
  t.strictSame(parseProxyList('PROXY p.example'), [{ kind: 'http', host: 'p.example', port: 80 }]);
  for (const other of [
    'SOCKS s:1080',
    'PROXY',
    'PROXY a:0',
    'PROXY a:99999',
    'PROXY user@a:1',
    'PROXY a b',
    'constructor x:1',
  ])
    t.match(parseProxyList(other), [{ kind: 'other' }], other);
  t.equal(parseProxyList('DIRECT;'.repeat(100_000)).length, 16);
});
