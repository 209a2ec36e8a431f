import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { PublicClientApplication } from '@azure/msal-node';
import t from 'tap';
import type { TokenSource } from '../../src/client/index.ts';
import { msalToken } from '../../src/client/msal-token.ts';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../src/entra/directory/index.ts';
import { start } from '../support/running-simulator.ts';

t.setTimeout(90_000);

/** Compiled only: MSAL's own class is an application as it is. */
export const withRealTypes = (application: PublicClientApplication): TokenSource =>
  msalToken({
    application,
    signIn: (msal, scopes) => msal.acquireTokenByDeviceCode({ scopes, deviceCodeCallback: () => {} }),
  });

const account = { username: 'alice@contoso.com', homeAccountId: '1' };
const application = (tokens: (forced: boolean) => string | Error, accounts = [account]) => ({
  getTokenCache: () => ({ getAllAccounts: async () => accounts }),
  acquireTokenSilent: async ({ forceRefresh = false }: { forceRefresh?: boolean | undefined }) => {
    const token = tokens(forceRefresh);
    if (token instanceof Error) throw token;
    return { accessToken: token };
  },
});

t.test(
  'a token comes from the cache, after a refusal from the refresh token, and at last from the person',
  async (t) => {
    const silent = msalToken({ application: application((forced) => (forced ? 'fresh' : 'cached')) });
    t.equal(await silent(''), 'cached');
    t.equal(await silent('cached'), 'fresh');
    const stuck = msalToken({
      application: application(() => 'same'),
      signIn: async () => ({ accessToken: 'signed in' }),
    });
    t.equal(await stuck('same'), 'signed in', 'the refused one is not given again');
    const empty = msalToken({
      application: application(() => 'x', []),
      signIn: async () => ({ accessToken: 'signed in' }),
    });
    t.equal(await empty(''), 'signed in');
    const other = { application: application(() => 'x'), username: 'BOB@contoso.com' };
    await t.rejects(async () => msalToken(other)(''), { code: 'ERR_CLIENT_SIGN_IN', message: /its cache is empty/ });
    t.equal(await msalToken({ ...other, username: 'ALICE@contoso.com' })(''), 'x');
  },
);

t.test('what MSAL says is told, when there is no token', async (t) => {
  const broken = application(() => new Error('interaction_required'));
  await t.rejects(async () => msalToken({ application: broken })(''), {
    code: 'ERR_CLIENT_SIGN_IN',
    message: /interaction_required/,
  });
  const cancelled = msalToken({ application: broken, signIn: () => Promise.reject(new Error('user_cancelled')) });
  await t.rejects(async () => cancelled(''), { code: 'ERR_CLIENT_SIGN_IN', message: /user_cancelled/ });
  const none = msalToken({ application: broken, signIn: async () => null });
  await t.rejects(async () => none(''), { code: 'ERR_CLIENT_SIGN_IN', message: /returned none/ });
});

t.test('the real MSAL signs in at our Entra ID, and a second app reuses the token of its cache', async (t) => {
  const sim = await start(t);
  const ca = join(t.testdir(), 'ca.pem');
  writeFileSync(ca, sim.ca);
  // In a process of its own, since MSAL trusts whom Node trusts.
  const script = `
    import { PublicClientApplication } from '@azure/msal-node';
    import { msalToken, TunnelClient, TunnelSdk, withFreshToken } from '${pathToFileURL(join(import.meta.dirname, '../../src/client/index.ts'))}';
    import { readFileSync } from 'node:fs';
    let shared = '';
    let signIns = 0;
    const cachePlugin = {
      beforeCacheAccess: async (context) => context.tokenCache.deserialize(shared),
      afterCacheAccess: async (context) => { if (context.cacheHasChanged) shared = context.tokenCache.serialize(); },
    };
    const app = () => new PublicClientApplication({
      auth: { clientId: '${DEFAULT_CLIENT_ID}', authority: '${sim.urls.authority}', knownAuthorities: ['${new URL(sim.urls.authority).host}'] },
      cache: { cachePlugin },
    });
    const signIn = (msal, scopes) => {
      signIns++;
      return msal.acquireTokenByUsernamePassword({ scopes, username: 'alice@contoso.com', password: '${DEFAULT_PASSWORD}' });
    };
    const ca = readFileSync('${ca}', 'utf8');
    const tokens = [];
    for (const name of ['outlook', 'our app']) {
      const client = await withFreshToken(msalToken({ application: app(), signIn }), (token) =>
        TunnelClient.connect({ server: '${sim.urls.gateway}', ca, token: async () => { const text = await token(); tokens.push(text); return text; } }));
      const { status } = await client.fetch('http://intranet.contoso.internal/whoami');
      if (status !== 200) throw new Error(name + ' got ' + status);
      await client.close();
    }
    const again = await msalToken({ application: app() })(tokens[0]);
    console.log(JSON.stringify({ signIns, same: tokens[0] === tokens[1], renewed: again !== tokens[0] }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, NODE_NO_WARNINGS: '1' },
    timeout: 60_000,
  });
  t.strictSame(JSON.parse(stdout), { signIns: 1, same: true, renewed: true });
});
