import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, defaultDirectory } from '../../src/entra/directory/default-directory.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/lib/tunnel-api.ts';
import { FormBrowser, isPage } from '../support/browser.ts';
import { spawnCli } from '../support/cli.ts';
import { heapSnapshotOf, Secrets, SNAPSHOT_OPTIONS } from '../support/heap-snapshot.ts';

t.setTimeout(180_000);

const SCOPE = `${TUNNEL_DEFAULT_SCOPE} openid profile offline_access`;
const SERVICE = '22222222-3333-4444-8555-666666666666';
const SERVICE_SECRET = 'a-secret-of-the-configuration';
/** RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

t.test(
  'what clients of Entra ID and of the administration say is not found in the memory of the process',
  async (t) => {
    const directory = t.testdir();
    const certs = join(directory, 'certs');
    const config = join(directory, 'tunnelite.json');
    const identities = defaultDirectory();
    const [tenant] = identities.tenants;
    tenant!.applications!.push({
      appId: SERVICE,
      displayName: 'A service',
      publicClient: false,
      secrets: [{ value: SERVICE_SECRET }],
    });
    writeFileSync(config, JSON.stringify({ identity: { directory: identities } }));
    const started = spawnCli(
      ['start', '--port', '0', '-c', config, '--certs', certs, '--json', '--log-level', 'silent'],
      {
        cwd: directory,
        nodeOptions: SNAPSHOT_OPTIONS,
      },
    );
    t.teardown(() => started.child.kill('SIGKILL'));
    const lines = await started.waitFor(/"ready":true.*\n/);
    const ready = lines.split('\n').find((line) => line.includes('"ready":true'))!;
    const { authority, admin } = JSON.parse(ready) as { authority: string; admin: string };
    const { origin } = new URL(authority);
    const dispatcher = new Agent({ connect: { ca: readFileSync(join(certs, 'ca.pem')) } });
    t.teardown(() => dispatcher.close());
    const get = (url: string, init: RequestInit = {}): Promise<Response> =>
      fetch(new URL(url, origin), { redirect: 'manual', ...init, dispatcher });
    const secrets = new Secrets();
    const post = async (path: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
      const answer = await get(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(form).toString(),
      });
      // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
      return { status: answer.status, body: (await answer.json()) as any };
    };
    const TOKEN = '/contoso.com/oauth2/v2.0/token';
    const app = { client_id: DEFAULT_CLIENT_ID, scope: SCOPE };
    const remember = (where: string, body: Record<string, string>): void => {
      secrets.addToken(`the access token ${where}`, body['access_token']!);
      if (body['id_token']) secrets.addToken(`the id token ${where}`, body['id_token']);
      if (body['refresh_token']) secrets.add(`the refresh token ${where}`, body['refresh_token']);
    };

    // A password, right and wrong.
    const alice = { grant_type: 'password', username: 'alice@contoso.com' };
    const good = await post(TOKEN, {
      ...app,
      ...alice,
      password: DEFAULT_PASSWORD,
      other: secrets.word('form with a password'),
    });
    t.equal(good.status, 200);
    remember('for a password', good.body);
    const wrong = await post(TOKEN, { ...app, ...alice, password: secrets.word('a wrong password') });
    t.match(wrong.body, { error: 'invalid_grant' });
    // Its refresh token, and one that nobody gave out.
    const renewed = await post(TOKEN, {
      ...app,
      grant_type: 'refresh_token',
      refresh_token: good.body.refresh_token,
      other: secrets.word('form with a refresh token'),
    });
    t.equal(renewed.status, 200);
    remember('for a refresh token', renewed.body);
    const strange = { ...app, grant_type: 'refresh_token', refresh_token: secrets.word('a strange refresh token') };
    t.match((await post(TOKEN, strange)).body, { error: 'invalid_grant' });

    // A client's secret, in the body and in the header, right and wrong.
    const service = { grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' };
    const basic = (secret: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${SERVICE}:${secret}`).toString('base64')}`,
    });
    const served = await post(TOKEN, {
      ...service,
      client_id: SERVICE,
      client_secret: SERVICE_SECRET,
      other: secrets.word('form with a client secret'),
    });
    t.equal(served.status, 200, JSON.stringify(served.body));
    remember('for a client secret', served.body);
    const guessed = { ...service, client_id: SERVICE, client_secret: secrets.word('a wrong client secret') };
    t.match((await post(TOKEN, guessed)).body, { error: 'invalid_client' });
    const header = basic(secrets.word('a wrong client secret in a header'));
    secrets.add('a header with a wrong client secret', header['authorization']!.slice(60));
    t.match((await post(TOKEN, service, header)).body, { error: 'invalid_client' });

    // A sign-in on the pages, to a code that is redeemed, one that is not, and one that stops at the password.
    const authorize = (where: string): string =>
      `/contoso.com/oauth2/v2.0/authorize?${new URLSearchParams({
        ...app,
        response_type: 'code',
        redirect_uri: 'http://localhost',
        code_challenge: CHALLENGE,
        code_challenge_method: 'S256',
        nonce: 'a-nonce-of-some-length',
        login_hint: 'alice@contoso.com',
        other: secrets.word(`request of ${where}`),
      })}`;
    const signIn = async (where: string): Promise<string> => {
      const browser = new FormBrowser({ origin, fetch: get });
      await browser.get(authorize(where));
      await browser.submit({ passwd: secrets.word(`wrong password of ${where}`) });
      await browser.submit({ passwd: DEFAULT_PASSWORD, other: secrets.word(`password form of ${where}`) });
      const visit = await browser.submit({ action: 'no', other: secrets.word(`last form of ${where}`) });
      if (isPage(visit)) throw new Error(`A page "${visit.heading}" came instead of a code.`);
      for (const [name, value] of browser.cookies) secrets.add(`cookie ${name} of ${where}`, value);
      const code = visit.parameters.get('code')!;
      secrets.add(`code of ${where}`, code);
      return code;
    };
    const redeemed = await post(TOKEN, {
      ...app,
      grant_type: 'authorization_code',
      code: await signIn('the sign-in that is redeemed'),
      redirect_uri: 'http://localhost',
      code_verifier: VERIFIER,
      other: secrets.word('form with a code'),
    });
    t.equal(redeemed.status, 200, JSON.stringify(redeemed.body));
    remember('for a code', redeemed.body);
    await signIn('the sign-in that is not redeemed');
    const waiting = new FormBrowser({ origin, fetch: get });
    await waiting.get(authorize('a sign-in that waits'));
    await waiting.submit({ passwd: secrets.word('wrong password of a sign-in that waits') });
    t.match(waiting.page?.html, /name="passwd"/);

    // A device code.
    const device = { ...app, other: secrets.word('form for a device code') };
    const asked = await post('/contoso.com/oauth2/v2.0/devicecode', device);
    secrets.add('the device code', asked.body.device_code);
    const poll = { ...app, grant_type: 'urn:ietf:params:oauth:grant-type:device_code' };
    t.match((await post(TOKEN, { ...poll, device_code: asked.body.device_code })).body, {
      error: 'authorization_pending',
    });

    // The user information, the pages that do not exist, and the administration.
    const bearer = { authorization: `Bearer ${good.body.access_token}` };
    await (await get('/oidc/userinfo', { headers: bearer })).text();
    await (await get(`/contoso.com/no-such-page-anywhere?other=${secrets.word('query of no page')}`)).text();
    const stranger = { authorization: `Bearer ${secrets.word('a wrong secret of the administration')}` };
    const turned = await get(`${admin}/api/sessions?other=${secrets.word('query to the administration')}`, {
      headers: stranger,
    });
    t.equal(turned.status, 401);
    await turned.text();

    const found = secrets.foundIn(await heapSnapshotOf(started.child, directory));
    t.strictSame(found, [], `none of ${secrets.size} secrets`);
    started.child.kill('SIGTERM');
    await started.ended;
  },
);
