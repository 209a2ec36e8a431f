import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import t from 'tap';
import { issueSelfSigned } from '../../../src/certs/issue.ts';
import { checkIdentity } from '../../../src/client/core/server-identity.ts';
import { systemRandom } from '../../../src/lib/random.ts';

const certificate = async (dnsNames: string[], ips: string[] = [], commonName?: string): Promise<X509Certificate> => {
  const request = { dnsNames, ips, ...(commonName === undefined ? {} : { commonName }) };
  const { certPem } = await issueSelfSigned({ now: Date.now(), random: systemRandom, request });
  return new X509Certificate(certPem);
};

/** A connection whose certificate can be taken once, as with Node.js 24. */
const connection = (offered: X509Certificate | undefined): TLSSocket => {
  let left = offered;
  const getPeerX509Certificate = (): X509Certificate | undefined => {
    const one = left;
    left = undefined;
    return one;
  };
  return { getPeerX509Certificate } as unknown as TLSSocket;
};

const HOSTS = [
  ...[
    'vpn.contoso.com',
    'VPN.Contoso.com',
    'vpn.contoso.com.',
    'contoso.com',
    'a.vpn.contoso.com',
    'vpn.fabrikam.com',
    'com',
    '',
  ],
  ...[
    'xn--bcher-kva.example',
    'bücher.example',
    '10.0.0.1',
    '10.0.0.2',
    '::1',
    '0:0:0:0:0:0:0:1',
    'fd00::1',
    '*.contoso.com',
  ],
];

t.test('a host is accepted exactly when Node.js accepts it', async (t) => {
  const offers: Record<string, X509Certificate> = {
    'a name': await certificate(['vpn.contoso.com']),
    'a wildcard': await certificate(['*.contoso.com', 'contoso.com']),
    'a wildcard for half a label': await certificate(['v*.contoso.com']),
    'a wildcard for a top-level domain': await certificate(['*.com', '*']),
    'an internationalized name': await certificate(['xn--bcher-kva.example']),
    addresses: await certificate([], ['10.0.0.1', '::1']),
    'an address as a name': await certificate(['10.0.0.1', '::1']),
    'a common name alone': await certificate([], [], 'vpn.contoso.com'),
    'a common name beside other names': await certificate(['other.example'], [], 'vpn.contoso.com'),
    'a common name beside an address': await certificate([], ['10.0.0.1'], 'vpn.contoso.com'),
  };
  let accepted = 0;
  for (const [name, offered] of Object.entries(offers)) {
    for (const host of HOSTS) {
      const expected = checkServerIdentity(host, offered.toLegacyObject() as PeerCertificate);
      const actual = checkIdentity(connection(offered), host);
      t.equal(actual?.message, expected?.message, `${name}: ${host}`);
      if (actual === undefined) accepted++;
    }
  }
  t.ok(accepted > 15 && accepted < 60, `${accepted} accepted`);
});

t.test('without a certificate no host is accepted', async (t) => {
  for (const host of ['vpn.contoso.com', '10.0.0.1']) {
    t.match(checkIdentity(connection(undefined), host), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  }
});
