import { decodeJwt } from 'jose';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, defaultDirectory } from '../../../src/entra/directory/index.ts';
import { FormBrowser, type SentToApp } from '../../support/browser.ts';
import { startProvider } from '../../support/identity-provider.ts';

const REDIRECT = 'http://localhost';
const TOKEN = '/contoso.com/oauth2/v2.0/token';

t.test(
  'the id token says when the user signed in where the client asked for it, after a refresh as well',
  async (t) => {
    const directory = defaultDirectory();
    Object.assign(directory.tenants[0]!.applications![0]!, { implicitIdToken: true });
    await using provider = await startProvider({ directory });
    for (const [asked, expected] of [
      [{}, false],
      [{ max_age: '3600' }, true],
      [{ claims: '{"id_token":{"auth_time":{"essential":true}}}' }, true],
      [{ claims: '{"id_token":{"auth_time":null}}' }, true],
      [{ claims: '{"access_token":{"auth_time":null}}' }, false],
    ] as const) {
      const name = JSON.stringify(asked);
      const browser = new FormBrowser(provider);
      const query = new URLSearchParams({
        client_id: DEFAULT_CLIENT_ID,
        response_type: 'code id_token',
        redirect_uri: REDIRECT,
        scope: 'openid offline_access User.Read',
        nonce: 'n',
        ...asked,
      });
      await browser.get(`/contoso.com/oauth2/v2.0/authorize?${query}`);
      await browser.submit({ login: 'alice@contoso.com' });
      await browser.submit({ passwd: DEFAULT_PASSWORD });
      const { parameters } = (await browser.submit({ action: 'no' })) as SentToApp;
      const code = await provider.post(TOKEN, {
        grant_type: 'authorization_code',
        client_id: DEFAULT_CLIENT_ID,
        code: parameters.get('code')!,
        redirect_uri: REDIRECT,
      });
      const refreshed = await provider.post(TOKEN, {
        grant_type: 'refresh_token',
        client_id: DEFAULT_CLIENT_ID,
        refresh_token: code.body.refresh_token,
        scope: 'openid',
      });
      const times = [parameters.get('id_token')!, code.body.id_token, refreshed.body.id_token].map(
        (token) => decodeJwt(token)['auth_time'],
      );
      t.strictSame(new Set(times).size, 1, `${name}: the same each time`);
      t.equal(typeof times[0], expected ? 'number' : 'undefined', name);
      t.ok(!expected || Math.abs(Date.now() / 1000 - Number(times[0])) < 60, `${name}: the time of the sign-in`);
    }
  },
);
