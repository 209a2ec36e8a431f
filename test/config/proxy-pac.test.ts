import t from 'tap';
import { resolveConfig } from '../../src/config/index.ts';
import { problems } from '../support/config-problems.ts';

t.test('a proxy configuration file is named by a URL that fits into a header', async (t) => {
  for (const proxyPac of ['http://pac.contoso.internal/proxy.pac', 'https://192.0.2.7:8443/x.pac?a=b', null]) {
    t.equal(resolveConfig({ gateway: { proxyPac } }).gateway.proxyPac, proxyPac);
  }
  for (const proxyPac of [
    '',
    'proxy.pac',
    'file:///etc/passwd',
    'ftp://pac.contoso.internal/',
    'http://user:secret@pac.contoso.internal/',
    'http://pac.contoso.internal/a b',
    'http://pac.contoso.internal/\r\nX-Evil: 1',
    'http://pac.contoso.internal/é',
    'javascript:alert(1)',
    'http://',
  ]) {
    t.match(problems({ gateway: { proxyPac } }), [{ path: 'gateway.proxyPac' }], JSON.stringify(proxyPac));
  }
});
