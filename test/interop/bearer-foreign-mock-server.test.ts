import { OAuth2Server } from 'oauth2-mock-server';
import t, { type Test } from 'tap';
import { createJsonFetcher, type JsonFetcher } from '../../src/bearer/fetch-json.ts';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import type { TokenVerdict } from '../../src/bearer/types.ts';
import { startSimulator } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { login } from '../support/bearer-login.ts';
import { createTestIssuer } from '../support/issuer.ts';

const AUDIENCE = 'api://tunnel';

const reason = (verdict: TokenVerdict): string => (verdict.ok ? 'accepted' : verdict.refusal.reason);

async function start(t: Test): Promise<{ server: OAuth2Server; fetcher: JsonFetcher; metadata: string }> {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  await server.start(0, '127.0.0.1');
  const fetcher = createJsonFetcher();
  t.teardown(async () => {
    await fetcher.close();
    await server.stop();
  });
  return { server, fetcher, metadata: `${server.issuer.url}/.well-known/openid-configuration` };
}

/** A token with everything a verifier asks for, in the issuer's own name. */
function token(server: OAuth2Server, changes: Record<string, unknown> = {}): Promise<string> {
  return server.issuer.buildToken({
    scopesOrTransform: (header, payload) => {
      Object.assign(header, { typ: 'JWT' });
      Object.assign(payload, { sub: 'ada', aud: AUDIENCE, scp: 'Tunnel_Allow', ...changes });
    },
  });
}

t.test('oauth2-mock-server is refused where Entra ID is the authority', async (t) => {
  const { server } = await start(t);
  const idp = await createTestIssuer();
  for (const policy of TOKEN_POLICIES) {
    const { authority, fetchJson } = idp;
    const verifier = createTokenVerifier({ policy, authority, fetchJson, clock: systemClock });
    t.equal(reason(await verifier.verify(await token(server))), 'unknown-key', policy);
  }
});

t.test('oauth2-mock-server is accepted when its metadata is configured', async (t) => {
  const { server, fetcher, metadata } = await start(t);
  for (const policy of TOKEN_POLICIES) {
    const verifier = createTokenVerifier({
      policy,
      metadataUrls: [metadata],
      audiences: [AUDIENCE],
      fetchJson: fetcher.fetchJson,
    });
    await verifier.load();
    const good = await verifier.verify(await token(server));
    t.match(good, { ok: true, principal: { username: 'ada', scopes: ['Tunnel_Allow'] } }, policy);
    t.equal(reason(await verifier.verify(await token(server, { aud: 'api://other' }))), 'audience', policy);
    t.equal(reason(await verifier.verify(await token(server, { iss: 'https://other.example' }))), 'issuer', policy);
    t.equal(reason(await verifier.verify(await token(server, { sub: undefined }))), 'claim', policy);
  }
});

t.test('required claims are compared as JSON values, and null switches off one that is required anyway', async (t) => {
  const { server, fetcher, metadata } = await start(t);
  const verifier = createTokenVerifier({
    policy: 'gateway',
    metadataUrls: [metadata],
    requiredClaims: { aud: null, groups: ['a', 'b'] },
    userNameClaim: 'email',
    fetchJson: fetcher.fetchJson,
  });
  const mail = { email: 'ada@contoso.example' };
  t.match(await verifier.verify(await token(server, { ...mail, groups: ['a', 'b'] })), {
    ok: true,
    principal: { username: mail.email },
  });
  t.equal(reason(await verifier.verify(await token(server, { ...mail, groups: ['b', 'a'] }))), 'claim');
  t.equal(reason(await verifier.verify(await token(server, mail))), 'claim');
});

t.test('a whole gateway takes the tokens of oauth2-mock-server by configuration alone', async (t) => {
  const { server, metadata } = await start(t);
  await using sim = await startSimulator({ identity: { authority: metadata, audience: AUDIENCE } });
  t.notOk(sim.issuesTokens, 'the built-in Entra ID is not started');
  t.throws(() => sim.identity, { code: 'ERR_SIMULATOR_NO_PROVIDER' });
  t.match(await login(sim.urls.gateway, sim.ca, await token(server)), / 200 /);
  const [event] = sim.journal.query({ name: 'auth.accepted' });
  t.equal(event?.fields.user, 'ada');
  t.match(await login(sim.urls.gateway, sim.ca, await token(server, { aud: 'api://other' })), / 401 /);
});
