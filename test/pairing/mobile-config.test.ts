import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'plist';
import t from 'tap';
import { loadCertificates } from '../../src/certs/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { appConfigurationPolicy, infoPlist, msalConfiguration } from '../../src/pairing/app-settings.ts';
import { mobileConfig } from '../../src/pairing/mobile-config.ts';
import { testLeaf } from '../support/certificates.ts';
import { skipUnless } from '../support/interop.ts';
import { pairingFacts } from '../support/pairing.ts';

async function authority() {
  const store = await loadCertificates({
    directory: undefined,
    clock: systemClock,
    random: systemRandom,
    emit: () => {},
  });
  return { pem: store.ca.certPem, fingerprint: store.ca.fingerprint };
}

/** As Python's plistlib reads it: JSON with the bytes in hex. */
const PLISTLIB = `
import json, plistlib, sys
def plain(value):
    if isinstance(value, bytes): return value.hex()
    if isinstance(value, dict): return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list): return [plain(each) for each in value]
    return value
print(json.dumps(plain(plistlib.loads(sys.stdin.buffer.read(), fmt=plistlib.FMT_XML))))
`;

t.test(
  'the profile holds the CA certificate, and python’s plistlib and npm’s plist read the same in it',
  { skip: skipUnless({ programs: ['python3'] }) },
  async (t) => {
    const ca = await authority();
    const facts = pairingFacts(ca, 'tom & jerry’s <mac>.local');
    const text = mobileConfig(facts);
    const read = JSON.parse(
      execFileSync('python3', ['-c', PLISTLIB], { input: text, encoding: 'utf8', timeout: 30_000 }),
    );
    const { raw } = new X509Certificate(ca.pem);
    t.match(read, {
      PayloadType: 'Configuration',
      PayloadVersion: 1,
      PayloadDisplayName: 'Tunnelite development CA (tom & jerry’s <mac>.local)',
      PayloadRemovalDisallowed: false,
      PayloadContent: [
        { PayloadType: 'com.apple.security.root', PayloadVersion: 1, PayloadContent: raw.toString('hex') },
      ],
    });
    const again = parse(text) as Record<string, unknown>;
    t.equal(again['PayloadUUID'], read.PayloadUUID);
    const uuids = [read.PayloadUUID, read.PayloadContent[0].PayloadUUID];
    for (const uuid of uuids) t.match(uuid, /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
    t.not(uuids[0], uuids[1]);
    t.notMatch(text, /PRIVATE KEY/);
    t.equal(mobileConfig(facts), text, 'installing it again replaces it');
    const other = parse(mobileConfig(pairingFacts(await authority()))) as Record<string, unknown>;
    t.not(other['PayloadUUID'], read.PayloadUUID, 'that of another CA stays beside it');
  },
);

t.test('the keys for Info.plist fit into a dictionary', async (t) => {
  const { identity } = pairingFacts(await authority());
  const read = parse(`<plist version="1.0"><dict>${infoPlist(identity!)}</dict></plist>`);
  t.strictSame(read, {
    IntuneMAMSettings: {
      ADALAuthority: 'https://dev.local:8444/11111111-2222-4333-8444-555555555555',
      ADALClientId: '1f6a7e3c-0000-4000-8000-0000000010b0',
      ADALRedirectUri: 'msauth.com.contoso.lob://auth',
    },
    CFBundleURLTypes: [
      {
        CFBundleURLSchemes: ['msauth.com.contoso.lob', 'msauth.com.contoso.lob-intunemam', 'com.contoso.lob.tunnelite'],
      },
    ],
  });
});

t.test('MSAL’s configuration and the policy’s pairs have the addresses of this gateway', async (t) => {
  const facts = pairingFacts(await authority());
  t.match(JSON.parse(msalConfiguration(facts.identity!)), {
    client_id: facts.identity!.clientId,
    authorities: [{ type: 'AAD', authority_url: facts.identity!.authority }],
  });
  const pairs = Object.fromEntries(appConfigurationPolicy(facts).map(({ name, value }) => [name, value]));
  t.match(pairs, {
    'com.microsoft.tunnel.connection_type': 'MicrosoftProtect',
    'com.microsoft.tunnel.server_address': 'dev.local:8443',
  });
  const [root] = JSON.parse(pairs['com.microsoft.tunnel.trusted_root_certificates']!);
  t.equal(new X509Certificate(Buffer.from(root.trustedRootCertificate, 'base64')).fingerprint256, facts.ca.fingerprint);
});

t.test(
  'who signs the profile with a key of his own changes nothing in it, and openssl verifies that',
  { skip: skipUnless({ programs: ['openssl'] }) },
  async (t) => {
    const text = mobileConfig(pairingFacts(await authority(), 'mac.local'));
    const signer = await testLeaf('company.contoso.internal');
    const folder = t.testdir({
      'ca.mobileconfig': text,
      'company.pem': signer.certPem,
      'company.key': signer.keyPem,
      'chain.pem': signer.caPem,
    });
    const openssl = (...args: string[]): string =>
      execFileSync('openssl', ['smime', ...args], { cwd: folder, encoding: 'utf8', timeout: 30_000, stdio: 'pipe' });
    const signed = ['-signer', 'company.pem', '-inkey', 'company.key', '-certfile', 'chain.pem'];
    openssl(
      '-sign',
      '-binary',
      '-nodetach',
      '-outform',
      'der',
      ...signed,
      '-in',
      'ca.mobileconfig',
      '-out',
      'signed.mobileconfig',
    );
    const verify = ['-verify', '-binary', '-inform', 'der', '-purpose', 'any', '-CAfile', 'chain.pem', '-in'];
    t.equal(openssl(...verify, 'signed.mobileconfig'), text);
    const bytes = readFileSync(join(folder, 'signed.mobileconfig'));
    bytes.write('Payload', bytes.indexOf('PayloadType') + 4, 'latin1');
    writeFileSync(join(folder, 'changed.mobileconfig'), bytes);
    t.throws(() => openssl(...verify, 'changed.mobileconfig'), 'a changed one is refused');
  },
);
