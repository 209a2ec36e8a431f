import { createHmac, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import t from 'tap';
import { type DirectoryInput, defaultDirectory } from '../../../src/entra/directory/index.ts';
import type { IdentityProviderOptions } from '../../../src/entra/provider.ts';
import { SigningKeys } from '../../../src/entra/tokens/signing-keys.ts';
import { systemClock } from '../../../src/lib/clock.ts';
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

/** A provider that knows a daemon by its certificate, and what makes and sends the daemon's assertions. */
async function setup(options: Omit<IdentityProviderOptions, 'directory'> = {}) {
  const key = (await SigningKeys.create()).current;
  const provider = await startProvider({ ...options, directory: directoryWith(key.certificate) });
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
    new SignJWT({
      iss: APP,
      sub: APP,
      aud: `${provider.origin}${PATH}`,
      jti: crypto.randomUUID(),
      exp: Math.floor(Date.now() / 1000) + 300,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', x5t: key.kid, ...header })
      .sign(signer);
  return { key, provider, send, make, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
}

t.test('a client assertion is good until it expires, as libraries keep and send it again', async (t) => {
  let now = Date.now();
  const clock = { ...systemClock, now: () => now };
  await using daemon = await setup({ clock });
  const assertion = await daemon.make();
  t.strictSame([await daemon.send(assertion), await daemon.send(assertion)], [200, 200]);
  now += 11 * 60_000;
  t.equal(await daemon.send(assertion), 700024);
});

t.test('the certificate of an assertion may be named in every spelling that libraries use', async (t) => {
  await using daemon = await setup();
  const { fingerprint, fingerprint256 } = new X509Certificate(pem(daemon.key.certificate));
  const other = (await SigningKeys.create()).current;
  for (const [member, print] of [
    ['x5t', fingerprint],
    ['x5t#S256', fingerprint256],
    ['kid', fingerprint],
  ] as const) {
    const bytes = Buffer.from(print.replaceAll(':', ''), 'hex');
    const url = bytes.toString('base64url');
    const standard = bytes.toString('base64');
    const padding = '='.repeat((4 - (url.length % 4)) % 4);
    for (const text of [
      url,
      url + padding,
      standard,
      standard.replaceAll('=', ''),
      bytes.toString('hex').toUpperCase(),
    ]) {
      t.equal(await daemon.send(await daemon.make({ x5t: undefined, [member]: text })), 200, `${member} ${text}`);
    }
  }
  t.equal(await daemon.send(await daemon.make({ x5t: other.kid })), 700027);
  t.equal(await daemon.send(await daemon.make({ x5t: `!${daemon.key.kid}` })), 700027);
  t.equal(await daemon.send(await daemon.make({ x5t: undefined })), 700027);
});

t.test('with a strict replay check an assertion is taken once, however its signature is spelled', async (t) => {
  await using daemon = await setup({ behaviour: { assertionReplay: 'refuse' } });
  const { key, send, make } = daemon;

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

t.test('an assertion speaks for its own app: issuer and subject, each by itself', async (t) => {
  await using daemon = await setup();
  const { send, make } = daemon;
  const other = 'cccccccc-0000-4000-8000-00000000000a';
  t.equal(await send(await make()), 200);
  for (const claim of ['iss', 'sub']) {
    t.equal(await send(await make({}, { [claim]: other })), 700021, `another ${claim}`);
    t.equal(await send(await make({}, { [claim]: undefined })), 700021, `no ${claim}`);
  }
  t.equal(await send(await make({}, { aud: undefined })), 700023, 'no audience');
});

t.test('an assertion has an end, which is not far away', async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const day = 86_400;
  await using daemon = await setup({ clock: { ...systemClock, now: () => now * 1000 } });
  const { send, make } = daemon;
  t.equal(await send(await make({}, { exp: undefined })), 700024, 'no end');
  // The clocks may differ by five minutes, which count.
  t.equal(await send(await make({}, { exp: now + day - 300 })), 200, 'a day');
  t.equal(await send(await make({}, { exp: now + day - 299 })), 700024, 'more than a day');
  t.equal(await send(await make({}, { exp: now - 200 })), 200, 'over, within what clocks may differ');
  t.equal(await send(await make({}, { exp: now - 400 })), 700024, 'over');
  t.equal(await send(await make({}, { nbf: now + 200 })), 200);
  t.equal(await send(await make({}, { nbf: now + 400 })), 700024, 'not yet');
});

t.test('an assertion is signed with an algorithm of the list, whatever its key could do besides', async (t) => {
  await using daemon = await setup();
  const { send, make } = daemon;
  for (const alg of ['RS256', 'PS256']) t.equal(await send(await make({ alg })), 200, alg);
  for (const alg of ['RS384', 'RS512', 'PS384', 'PS512']) t.equal(await send(await make({ alg })), 700027, alg);
});

t.test('an assertion says of which kind it is', async (t) => {
  await using daemon = await setup();
  const form = {
    grant_type: 'client_credentials',
    client_id: APP,
    client_assertion: await daemon.make(),
    scope: 'https://graph.microsoft.com/.default',
  };
  t.match((await daemon.provider.post(PATH, form)).body, { error_codes: [900144] });
  const saml = { ...form, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' };
  t.match((await daemon.provider.post(PATH, saml)).body, { error_codes: [900144] });
});

t.test('the app of a request without client_id is the subject of its assertion', async (t) => {
  await using daemon = await setup();
  const ask = async (client_assertion: string) => {
    const form = {
      grant_type: 'client_credentials',
      client_assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      scope: 'https://graph.microsoft.com/.default',
    };
    const { status, body } = await daemon.provider.post(PATH, form);
    return status === 200 ? 200 : body.error_codes[0];
  };
  t.equal(await ask(await daemon.make()), 200);
  t.equal(await ask(await daemon.make({}, { sub: undefined })), 900144, 'nobody');
  t.equal(await ask('no.jwt'), 50027);
});
