import { request } from 'node:https';
import t from 'tap';
import { type Simulator, startSimulator } from '../../src/index.ts';

const api = async (
  sim: Simulator,
  method: string,
  path: string,
  body?: unknown,
  secret = sim.admin.secret,
): Promise<{ status: number; value: unknown }> => {
  const response = await fetch(`${sim.admin.url}/api${path}`, {
    method,
    headers: {
      authorization: `Bearer ${secret}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, value: text === '' ? undefined : JSON.parse(text) };
};

/** The password flow, as a client speaks it. */
const signIn = (sim: Simulator): Promise<{ access_token?: string; error?: string; error_codes?: number[] }> => {
  const tenant = sim.identity.directory.defaultTenant;
  const client_id = [...tenant.applications][0]!.appId;
  const scope = '3678c9e9-9681-447a-974d-d19f668fcd88/.default';
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id,
    username: 'alice@contoso.com',
    password: 'Passw0rd!',
    scope,
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${sim.urls.authority}/oauth2/v2.0/token`,
      { method: 'POST', ca: sim.ca, agent: false, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve(JSON.parse(Buffer.concat(chunks).toString()));
      },
    );
    outgoing.once('error', reject);
    outgoing.end(form.toString());
  });
};

t.test('the directory of a running simulator can be changed over REST, by who holds its secret', async (t) => {
  await using sim = await startSimulator();
  t.ok((await signIn(sim)).access_token);
  t.equal((await api(sim, 'GET', '/directory/tenants', undefined, 'guess')).status, 401);
  t.equal(
    (await api(sim, 'PATCH', '/directory/tenants/contoso.com/users/alice@contoso.com', { locked: true }, '')).status,
    401,
  );
  t.ok((await signIn(sim)).access_token, 'nothing changed without the secret');

  t.equal(
    (await api(sim, 'PATCH', '/directory/tenants/contoso.com/users/alice@contoso.com', { locked: true })).status,
    200,
  );
  t.match(await signIn(sim), { error: 'invalid_grant', error_codes: [50053] });
  await api(sim, 'PATCH', '/directory/tenants/contoso.com/users/alice@contoso.com', { locked: false });
  t.ok((await signIn(sim)).access_token);

  t.equal((await api(sim, 'POST', '/failures', { user: 'alice@contoso.com', code: 50076 })).status, 201);
  t.match(await signIn(sim), { error: 'invalid_grant', error_codes: [50076] });
  t.ok((await signIn(sim)).access_token, 'once only');
});

t.test('a mistake over REST is explained and changes nothing', async (t) => {
  await using sim = await startSimulator();
  const { status, value } = await api(sim, 'PATCH', '/directory/tenants/contoso.com/users/alice@contoso.com', {
    lokced: true,
  });
  t.equal(status, 400);
  t.match(value, { error: { code: 'ERR_IDENTITY_DIRECTORY_INVALID', message: /lokced/ } });
  t.equal((await api(sim, 'GET', '/directory/tenants/nowhere.example/users')).status, 404);
  t.ok((await signIn(sim)).access_token);
});
