import { generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { skipUnless } from '../support/interop.ts';
import { createTestIssuer, OTHER_TENANT, type TestIssuer } from '../support/issuer.ts';
import { GATEWAY_4, TunnelLab } from '../support/tunnel-lab.ts';

const skip = skipUnless({ programs: ['openconnect'], namespaces: true, tun: true });
t.setTimeout(120_000);

/** A lab whose gateway checks real tokens by the strict policy. */
async function strictLab(): Promise<{ lab: TunnelLab; idp: TestIssuer }> {
  const idp = await createTestIssuer();
  const verifier = createTokenVerifier({
    policy: 'strict',
    authority: idp.authority,
    fetchJson: idp.fetchJson,
    clock: idp.clock,
  });
  return { lab: await TunnelLab.create({ verifier }), idp };
}

/** Every way of a token to be wrong that a user can meet, with what the gateway's log has to call it. */
const WRONG: readonly [label: string, make: (idp: TestIssuer) => Promise<string>, reason: string][] = [
  [
    'expired',
    async (idp) => {
      const token = await idp.token();
      idp.clock.advance(7_200_000);
      return token;
    },
    'expired',
  ],
  ['for another audience', (idp) => idp.token({ audience: 'api://something-else' }), 'audience'],
  ['of another tenant', (idp) => idp.token({ tenantId: OTHER_TENANT }), 'tenant'],
  [
    'not valid yet',
    async (idp) => {
      const ahead = await createTestIssuer({ keys: idp.keys });
      ahead.clock.advance(idp.clock.monotonic() + 7_200_000);
      return ahead.token();
    },
    'not-yet-valid',
  ],
  [
    'not signed',
    async (idp) => {
      const [, claims] = (await idp.token()).split('.');
      return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${claims}.`;
    },
    'algorithm',
  ],
  [
    'signed by a foreign key',
    async (idp) => {
      const token = await idp.token();
      const [head, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
      const { privateKey } = await generateKeyPair('RS256');
      return new SignJWT(JSON.parse(claims!)).setProtectedHeader(JSON.parse(head!)).sign(privateKey);
    },
    'signature',
  ],
  ['no token at all', async () => 'nonsense', 'malformed'],
];

t.test('a good token of the tenant connects', { skip }, async (t) => {
  const { lab, idp } = await strictLab();
  await using _ = lab;
  const client = await lab.connect('--no-dtls', `--token-secret=${await idp.token()}`);
  t.match(lab.gateway.sessions()[0], { state: 'connected', tenantId: idp.request().tenantId });
  t.equal(await client.stop(), 0);
});

t.test('a wrong token is refused: the client hears 401, the log hears why', { skip }, async (t) => {
  const { lab, idp } = await strictLab();
  await using _ = lab;
  for (const [label, make, reason] of WRONG) {
    const before = lab.now;
    const client = lab.start('--no-dtls', `--token-secret=${await make(idp)}`);
    t.equal(await client.ended, 1, label);
    t.match(client.log, /HTTP\/1\.1 401 Authentication failed/, label);
    const refused = await lab.until('auth.refused', (event) => event.seq > before);
    t.equal(refused.fields.reason, reason, `${label}: ${refused.fields.explanation}`);
    t.ok(refused.fields.explanation.length > 20, label);
  }
  t.strictSame(lab.gateway.sessions(), []);
});

t.test('a client without a token is asked for one', { skip }, async (t) => {
  const { lab } = await strictLab();
  await using _ = lab;
  const output = await lab.client.output('openconnect', [
    '--protocol=anyconnect',
    '--no-system-trust',
    '--non-inter',
    `--cafile=${lab.directory}/ca.pem`,
    `--resolve=gateway.localhost:${GATEWAY_4}`,
    `https://gateway.localhost:${lab.gateway.port}/`,
  ]);
  t.equal(output.code, 1);
  t.equal((await lab.until('auth.challenge')).fields.agent?.startsWith('Open AnyConnect VPN Agent v9'), true);
  t.strictSame(lab.events('auth.accepted'), []);
});
