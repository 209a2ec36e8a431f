import t from 'tap';
import { readSdkRules, type SdkRules } from '../../src/client/sdk-rules.ts';
import { testLeaf } from '../support/certificates.ts';

const KEY = 'com.microsoft.tunnel.';
const read = (config: Record<string, string>) =>
  readSdkRules(Object.fromEntries(Object.entries(config).map(([key, value]) => [KEY + key, value])));

t.test('an empty policy leaves proxies to the gateway, and trusts nobody else', async (t) => {
  const rules = read({});
  t.match(rules, { resourceCa: [] });
  t.notOk(Object.hasOwn(rules as object, 'proxy'));
  t.ok((rules as SdkRules).bypass.includes('login.microsoftonline.com'), 'Microsoft’s own hosts');
});

t.test('the values of a policy are taken as portal and sample write them', async (t) => {
  const { caPem } = await testLeaf('localhost');
  const der = Buffer.from(caPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  t.match(read({ proxy_address: 'proxy.contoso.com', proxy_port: '3128' }), {
    proxy: { host: 'proxy.contoso.com', port: 3128 },
  });
  t.match(read({ proxy_address: 'fd00::1', proxy_port: '3128' }), { proxy: { host: 'fd00::1', port: 3128 } });
  // A tenant was seen to have both: the file counts.
  t.match(read({ proxy_pacurl: 'http://pac.contoso.com/p', proxy_address: 'y', proxy_port: '1' }), {
    proxy: { pac: new URL('http://pac.contoso.com/p') },
  });
  t.match(read({ proxy_pacurl: 'http://pac.contoso.com/p ', proxy_address: '', proxy_port: '-1' }), {
    proxy: { pac: new URL('http://pac.contoso.com/p') },
  });
  const custom = read({ custom_configuration: '{"bypassedUrls":["sts.contoso.com"]}' }) as SdkRules;
  t.equal(custom.bypass.at(-1), 'sts.contoso.com');
  t.match(read({ custom_configuration: '{"other":1}' }), { resourceCa: [] });
  for (const bytes of [der, Buffer.from(caPem)]) {
    const item = { trustedRootCertificate: bytes.toString('base64') };
    t.match(read({ trusted_root_certificates: JSON.stringify([item]) }), { resourceCa: [/^-----BEGIN CERTIFICATE/] });
  }
});

t.test('a value that cannot be used is shown in part', async (t) => {
  const long = read({ proxy_pacurl: `ftp://${'x'.repeat(500)}` });
  t.match(long, /“ftp:\/\/x{114}”/);
});

t.test('what cannot be used is named', async (t) => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ proxy_pacurl: 'ftp://x/' }, /proxy_pacurl is “ftp/],
    [{ proxy_pacurl: 'file:///etc/passwd' }, /http or https/],
    [{ proxy_pacurl: 'nowhere', proxy_address: 'y', proxy_port: '1' }, /http or https/],
    [{ proxy_address: 'x' }, /must be a host and a port/],
    [{ proxy_port: '3128' }, /must be a host and a port/],
    [{ proxy_address: 'a b', proxy_port: '1' }, /host and a port/],
    [{ proxy_address: 'x', proxy_port: '1e3' }, /host and a port/],
    [{ proxy_address: 'x', proxy_port: '65536' }, /host and a port/],
    [{ custom_configuration: '{' }, /not JSON/],
    [{ custom_configuration: '{"bypassedUrls":"x"}' }, /list/],
    [{ custom_configuration: '{"bypassedUrls":[1]}' }, /list/],
    [{ custom_configuration: JSON.stringify({ bypassedUrls: Array(2000).fill('x') }) }, /at most 1024/],
    [{ trusted_root_certificates: '{}' }, /list/],
    [{ trusted_root_certificates: '[null]' }, /Number 1/],
    [{ trusted_root_certificates: '[{"trustedRootCertificate":"AAAA"}]' }, /DER in base64/],
    [{ trusted_root_certificates: `"${'x'.repeat(4_200_000)}"` }, /at most/],
  ];
  for (const [config, words] of cases) t.match(read(config), words, JSON.stringify(config).slice(0, 80));
  const polluted = JSON.parse('{"__proto__":{"com.microsoft.tunnel.proxy_port":"1"}}') as Record<string, string>;
  t.match(readSdkRules(polluted), { resourceCa: [] });
  t.match(read({ custom_configuration: '{"__proto__":{"bypassedUrls":[1]}}' }), { resourceCa: [] });
});
