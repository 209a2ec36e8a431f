import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// A gateway that names a proxy configuration file, and clients that have no use for it.

t.setTimeout(60_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl'], namespaces: true, tun: true });

t.test('a stock openconnect connects to a gateway that names a PAC file, and reaches the file', { skip }, async (t) => {
  const url = 'http://pac.contoso.internal/proxy.pac';
  const one = await desk(t, { gateway: { proxyPac: url } });
  const run = await one.connect(await one.sim.token(), '--verbose', '--dump-http-traffic');
  t.equal(run.outcome, 'connected', run.text());
  t.match(run.text(), /X-CSTP-MSIE-Proxy-Pac-URL: http:\/\/pac\.contoso\.internal\/proxy\.pac/);
  t.match((await one.curl(url)).toString(), /FindProxyForURL/);
  t.match((await one.curl('http://intranet.contoso.internal/whoami')).toString(), /alice/);
  await run.stop();
});
