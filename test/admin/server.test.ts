import t from 'tap';
import { type HealthResult, startAdmin, type TokenRequest } from '../../src/admin/index.ts';
import { TunneliteError } from '../../src/lib/errors.ts';
import { seededRandom, systemRandom } from '../../src/lib/random.ts';

const fine: HealthResult = { name: 'gateway', ok: true, explanation: 'It is alive.' };

async function start(
  t: { teardown(fn: () => unknown): void },
  check: () => Promise<HealthResult[]> = async () => [fine],
) {
  const asked: TokenRequest[] = [];
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    random: systemRandom,
    check,
    mintToken: async (request) => {
      asked.push(request);
      if (request.user === 'unknown') throw new Error('AADSTS50034: no such user.');
      if (request.user === 'nobody') throw new TunneliteError('ERR_TIMEOUT', 'No such user.', { hint: 'Try alice.' });
      return { accessToken: 'a.b.c', user: request.user, expiresIn: 60, claims: {} };
    },
  });
  t.teardown(() => admin.close());
  return { admin, asked };
}

t.test('liveness is always true, readiness only when every check is', async (t) => {
  let results = [fine];
  const { admin } = await start(t, async () => results);
  t.same(await (await fetch(`${admin.url}/livez`)).json(), { live: true });
  const ready = await fetch(`${admin.url}/readyz`);
  t.equal(ready.status, 200);
  t.same(await ready.json(), { ready: true, checks: [fine] });
  results = [fine, { name: 'identity', ok: false, explanation: 'It is gone.' }];
  const unready = await fetch(`${admin.url}/readyz`);
  t.equal(unready.status, 503);
  t.match(await unready.json(), { ready: false, checks: [{ ok: true }, { ok: false, explanation: 'It is gone.' }] });
});

t.test('a token needs the secret of this very instance', async (t) => {
  const { admin, asked } = await start(t);
  const ask = (headers: Record<string, string>, body: unknown = { user: 'alice' }): Promise<Response> =>
    fetch(`${admin.url}/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  t.equal((await ask({})).status, 401);
  t.equal((await ask({ authorization: 'Bearer x' })).status, 401);
  t.same(asked, []);
  const authorization = `Bearer ${admin.secret}`;
  const good = await ask({ authorization });
  t.equal(good.status, 200);
  t.match(await good.json(), { accessToken: 'a.b.c', user: 'alice' });
  const refused = await ask({ authorization }, { user: 'nobody' });
  t.equal(refused.status, 400);
  t.match(await refused.json(), { error: { code: 'ERR_TIMEOUT', message: 'No such user.', hint: 'Try alice.' } });
  const unknown = await ask({ authorization }, { user: 'unknown' });
  t.equal(unknown.status, 400);
  t.same(await unknown.json(), { error: { message: 'AADSTS50034: no such user.' } });
});

t.test('where tokens come from elsewhere, none is made', async (t) => {
  const admin = await startAdmin({
    host: '::1',
    port: 0,
    random: seededRandom(1),
    check: async () => [],
    mintToken: undefined,
  });
  t.teardown(() => admin.close());
  t.match(admin.url, /^http:\/\/\[::1\]:\d+$/);
  t.equal((await fetch(`${admin.url}/tokens`, { method: 'POST' })).status, 404);
});

t.test('who listens everywhere is reached on loopback', async (t) => {
  const admin = await startAdmin({
    host: '0.0.0.0',
    port: 0,
    random: systemRandom,
    check: async () => [],
    mintToken: undefined,
  });
  t.teardown(() => admin.close());
  t.match(admin.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.equal((await fetch(`${admin.url}/livez`)).status, 200);
});

t.test('a port that is taken is a coded error, and closing twice is harmless', async (t) => {
  const { admin } = await start(t);
  const options = {
    host: '127.0.0.1',
    port: admin.port,
    random: systemRandom,
    check: async () => [],
    mintToken: undefined,
  };
  await t.rejects(startAdmin(options), { code: 'ERR_ADMIN_LISTEN', details: { port: admin.port } });
  await admin.close();
  await admin.close();
});
