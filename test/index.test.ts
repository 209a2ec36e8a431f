import { fastify } from 'fastify';
import t from 'tap';
import {
  createJsonFetcher,
  createTokenVerifier,
  type DirectoryInput,
  directoryAdmin,
  type EntraTokenVerifier,
  type IdentityControls,
  isTunneliteError,
  type Principal,
  startSimulator,
  type TokenVerdict,
} from '../src/index.ts';

t.test('the check of tokens can be had without a gateway, as docs/reference/tokens.md shows it', async (t) => {
  await using sim = await startSimulator();
  await using fetcher = createJsonFetcher({ ca: sim.ca });
  const verifier: EntraTokenVerifier = createTokenVerifier({
    policy: 'strict',
    authority: sim.urls.authority,
    fetchJson: fetcher.fetchJson,
  });
  await verifier.load();
  const verdict: TokenVerdict = await verifier.verify(await sim.token({ wrong: 'aud' }));
  t.match(verdict, { ok: false, refusal: { reason: 'audience' } });
  t.match(await verifier.verify(await sim.token()), {
    ok: true,
    principal: { signInName: 'alice@contoso.com', scopes: ['Tunnel_Allow'] },
  });
});

t.test('a program can refuse tokens by a list of its own', async (t) => {
  const asked: Principal[] = [];
  const isRevoked = (principal: Principal): boolean => asked.push(principal) > 1;
  await using sim = await startSimulator({}, { isRevoked });
  const { TunnelClient } = await import('../src/index.ts');
  const connect = async () =>
    TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() }).then(
      (client) => client.close(),
      (error: unknown) => isTunneliteError(error) && error.code,
    );
  t.equal(await connect(), undefined);
  t.equal(await connect(), 'ERR_CLIENT_TOKEN_REFUSED');
  t.match(asked, [{ signInName: 'alice@contoso.com' }, {}]);
  await sim.journal.waitFor({ name: 'auth.refused', fields: { reason: 'revoked' } });
});

t.test(
  'the identity of a simulator can be steered, and put into another server, as docs/reference/identity.md shows it',
  async (t) => {
    await using sim = await startSimulator();
    const controls: IdentityControls = sim.identity;
    const users = sim.identity.directory.tenant('contoso.com').users;
    users.update('alice@contoso.com', { locked: true });
    sim.identity.failNext({ user: 'bob@contoso.com', code: 50076 });
    sim.identity.revokeSessions('bob@contoso.com');
    sim.identity.disturb('keys', { status: 503, retryAfter: 5 });
    await sim.identity.keys.emergencyRotate();
    const exported: DirectoryInput = controls.directory.export();
    t.match(exported.tenants[0]?.users?.[0], { userPrincipalName: 'alice@contoso.com', locked: true });

    const server = fastify();
    t.teardown(() => server.close());
    await server.register(directoryAdmin(sim.identity), { prefix: '/api' });
    const failures = await server.inject('/api/failures');
    t.match(failures.json(), [{ user: 'bob@contoso.com', code: 50076 }]);
  },
);

t.test('what Entra ID would refuse is an error like all others, with the AADSTS number beside its code', async (t) => {
  await using sim = await startSimulator();
  const error = await sim.token({ user: 'nobody@contoso.com' }).catch((thrown: unknown) => thrown);
  t.ok(isTunneliteError(error, 'ERR_IDENTITY_AADSTS'));
  t.match(error, {
    name: 'TunneliteError',
    message: /^AADSTS50034: The user account nobody@contoso\.com does not exist/,
    hint: /docs\/reference\/aadsts-codes\.md/,
    aadsts: 50034,
    details: { aadsts: 50034, error: 'invalid_grant' },
  });
});
