import { createHmac, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import t from 'tap';
import { type DirectoryInput, defaultDirectory } from '../../../src/entra/directory/index.ts';
import { SigningKeys } from '../../../src/entra/tokens/signing-keys.ts';
import { startProvider } from '../../support/identity-provider.ts';

const APP = 'cccccccc-0000-4000-8000-000000000009';
const PATH = '/contoso.com/oauth2/v2.0/token';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const pem = (der: string): string => new X509Certificate(Buffer.from(der, 'base64')).toString();

function directoryWith(certificate: string): DirectoryInput {
  const directory = defaultDirectory();
  directory.tenants[0]!.applications!.push({ appId: APP, publicClient: false, certificates: [pem(certificate)] });
  directory.tenants[0]!.consents!.push({
    client: APP,
    resource: '00000003-0000-0000-c000-000000000000',
    roles: ['User.Read.All'],
  });
  return directory;
}

t.test('a client assertion is taken once, however its signature is spelled', async (t) => {
  const key = (await SigningKeys.create()).current;
  await using provider = await startProvider({ directory: directoryWith(key.certificate) });
  const send = async (assertion: string) => {
    const { status, body } = await provider.post(PATH, {
      grant_type: 'client_credentials',
      client_id: APP,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      scope: 'https://graph.microsoft.com/.default',
    });
    return status === 200 ? 200 : body.error_codes[0];
  };
  const make = (header: Record<string, unknown> = {}, claims: Record<string, unknown> = {}, signer = key.privateKey) =>
    new SignJWT({ aud: `${provider.origin}${PATH}`, jti: crypto.randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'RS256', x5t: key.kid, ...header })
      .setIssuer(APP)
      .setSubject(APP)
      .setExpirationTime('5m')
      .sign(signer);

  const assertion = await make();
  t.equal(await send(assertion), 200);
  t.equal(await send(assertion), 70049, 'the same text');
  const last = ALPHABET[ALPHABET.indexOf(assertion.at(-1)!) + 1];
  for (const [name, text] of Object.entries({
    'unused bits set': `${assertion.slice(0, -1)}${last}`,
    padding: `${assertion}==`,
    'a space': `${assertion} `,
    'a line end': `${assertion}\n`,
  })) {
    t.not(await send(text), 200, name);
  }
  t.equal(await send(await make()), 200, 'the next one is as good as the first');

  const other = (await SigningKeys.create()).current;
  t.equal(await send(await make({}, {}, other.privateKey)), 700027, 'signed by another key');
  t.equal(
    await send(await make({ x5t: other.kid }, {}, other.privateKey)),
    700027,
    'with a certificate that is not registered',
  );
  t.not(await send(await make({}, { aud: 'https://other.example/token' })), 200, 'for somebody else');
  const [, payload] = (await make()).split('.') as [string, string];
  const encode = (header: object): string => Buffer.from(JSON.stringify(header)).toString('base64url');
  t.not(await send(`${encode({ alg: 'none', x5t: key.kid })}.${payload}.`), 200, 'unsigned');
  const input = `${encode({ alg: 'HS256', x5t: key.kid })}.${payload}`;
  const mac = createHmac('sha256', pem(key.certificate)).update(input).digest('base64url');
  t.not(await send(`${input}.${mac}`), 200, 'the certificate as shared secret');
});
