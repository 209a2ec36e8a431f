import { createPublicKey } from 'node:crypto';
import t from 'tap';
import { TunnelClient } from '../../src/index.ts';
import { exchange } from '../../src/lib/http-exchange.ts';
import { askToken, PASSWORD, start } from '../support/running-simulator.ts';

t.setTimeout(120_000);

t.test('the token endpoint answers with Entra’s own error document', async (t) => {
  const sim = await start(t);
  await using refused = sim.faults.add({
    on: { seam: 'http', kind: 'token' },
    when: { times: 1 },
    then: { do: 'aadsts', code: 50076 },
  });
  const { status, body } = await askToken(t, sim, PASSWORD);
  t.equal(status, 400);
  t.match(body, { error: 'invalid_grant', error_codes: [50076], error_description: /^AADSTS50076: .*Trace ID/s });
  t.match(JSON.parse(body['claims']!), { access_token: {} }, 'with the claims that the client has to send back');
  t.equal((await askToken(t, sim, PASSWORD)).status, 200);
  t.equal(refused.hits(), 1);
  sim.journal.expectNoProblems();

  await using page = sim.faults.add({ on: { seam: 'http', kind: 'authorize' }, then: { do: 'aadsts', code: 53003 } });
  const url = `${sim.urls.authority}/oauth2/v2.0/authorize?client_id=x`;
  const answer = await exchange(url, { ca: sim.ca, maxBytes: 100_000, timeout: 10_000 });
  t.match(answer.body.toString(), /<html[\s\S]*AADSTS53003/, 'people get a page');
  t.equal(page.hits(), 1);
});

t.test('a code that Entra ID does not have, and endpoints that have none, are told', async (t) => {
  const sim = await start(t);
  const add = (kind: string, then: object) => () => sim.faults.add({ on: { seam: 'http', kind }, then } as never);
  t.throws(add('token', { do: 'aadsts', code: 12 }), { message: /no error AADSTS12/ });
  t.throws(add('keys', { do: 'aadsts', code: 50076 }), { message: /aadsts is not possible at keys/ });
  t.throws(add('token', { do: 'garbage' }), { message: /garbage is not possible at token/ });
  t.throws(add('keys', { do: 'garbage', as: 'noise' }), { code: 'ERR_FAULT_RULE' });
  const unnamed = sim.faults.add({ on: { seam: 'http' }, then: { do: 'garbage' } });
  t.equal((await askToken(t, sim, PASSWORD)).status, 200, 'it is not for the token endpoint');
  t.equal(unnamed.seen(), 0);
});

t.test(
  'keys and metadata are garbage of each sort, and a gateway that asks for keys does not believe them',
  async (t) => {
    const sim = await start(t);
    const get = async (path: string) =>
      (
        await exchange(`${sim.urls.authority}${path}`, { ca: sim.ca, maxBytes: 100_000, timeout: 10_000 })
      ).body.toString();
    const [keys, metadata] = ['/discovery/v2.0/keys', '/v2.0/.well-known/openid-configuration'];
    const answers = async (as?: 'text' | 'empty' | 'foreign') => {
      await using _ = sim.faults.add({ on: { seam: 'http' }, then: { do: 'garbage', ...(as && { as }) } });
      return [await get(keys!), await get(metadata!)] as const;
    };
    for (const text of await answers()) t.throws(() => JSON.parse(text), 'no JSON');
    t.strictSame(
      (await answers('empty')).map((text) => JSON.parse(text)),
      [{ keys: [] }, {}],
    );
    const [set, document] = (await answers('foreign')).map((text) => JSON.parse(text));
    t.match(document, { issuer: /login\.invalid/, jwks_uri: /login\.invalid/ });
    const key = createPublicKey({ key: set.keys[0], format: 'jwk' });
    t.strictSame([key.asymmetricKeyType, key.asymmetricKeyDetails?.modulusLength], ['rsa', 2048]);
    const own = (JSON.parse(await get(keys!)) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    t.notOk(own.includes(set.keys[0].kid), 'no token names it');

    await using foreign = sim.faults.add({
      on: { seam: 'http', kind: 'keys' },
      then: { do: 'garbage', as: 'foreign' },
    });
    await sim.clock.advance('1h');
    await sim.identity.keys.rotate();
    const token = await sim.token();
    await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token }));
    t.ok(foreign.hits() > 0);
    t.match(sim.journal.query({ name: 'auth.refused' }).at(-1)!.fields, { reason: 'unknown-key' });
  },
);
