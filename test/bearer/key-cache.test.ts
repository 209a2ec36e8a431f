import t from 'tap';
import type { TokenPolicy } from '../../src/bearer/policy.ts';
import { createTokenVerifier, type TokenVerifierOptions } from '../../src/bearer/token-verifier.ts';
import type { TokenVerdict } from '../../src/bearer/types.ts';
import { SigningKeys } from '../../src/entra/tokens/signing-keys.ts';
import { makeWrongToken } from '../../src/entra/tokens/wrong-token.ts';
import type { EventName } from '../../src/telemetry/events.ts';
import { createTestIssuer, type TestIssuer } from '../support/issuer.ts';

const DOWNLOAD = 4; // two metadata documents, two key sets
const HOUR = 3_600_000;

async function scene(policy: TokenPolicy, options: Partial<TokenVerifierOptions> = {}) {
  const idp = await createTestIssuer({ keys: await SigningKeys.create() });
  const events: EventName[] = [];
  const verifier = createTokenVerifier({
    policy,
    authority: idp.authority,
    fetchJson: idp.fetchJson,
    clock: idp.clock,
    emit: (name) => events.push(name),
    ...options,
  });
  await verifier.load();
  return { idp, verifier, events };
}

const reason = (verdict: TokenVerdict): string => (verdict.ok ? 'accepted' : verdict.refusal.reason);

function fail(idp: TestIssuer): void {
  idp.trouble = () => {
    throw new Error('The authority is down');
  };
}

t.test('gateway: within 900 s of the last load an unknown key id fails and nothing is downloaded', async (t) => {
  const { idp, verifier } = await scene('gateway');
  await idp.keys.rotate();
  idp.clock.advance(899_000);
  const verdict = await verifier.verify(await idp.token());
  t.match(verdict, { refusal: { reason: 'unknown-key', explanation: /not downloaded again for another 1 s/ } });
  t.equal(idp.fetched.length, DOWNLOAD);
});

t.test('gateway: after 900 s the first token with a new key still fails, the second one passes', async (t) => {
  const { idp, verifier } = await scene('gateway');
  await idp.keys.rotate();
  idp.clock.advance(900_000);
  const token = await idp.token();
  t.match(await verifier.verify(token), {
    refusal: { reason: 'unknown-key', explanation: /now include the key: try again/ },
  });
  t.equal(reason(await verifier.verify(token)), 'accepted');
  t.equal(idp.fetched.length, 2 * DOWNLOAD);
});

t.test('gateway: the 900 s can be changed', async (t) => {
  const { idp, verifier } = await scene('gateway', { minimumRefresh: 5 });
  await idp.keys.rotate();
  idp.clock.advance(5000);
  const token = await idp.token();
  t.same([reason(await verifier.verify(token)), reason(await verifier.verify(token))], ['unknown-key', 'accepted']);
});

t.test('gateway: keys that are known are never downloaded again, however old', async (t) => {
  const { idp, verifier } = await scene('gateway');
  idp.clock.advance(30 * 24 * HOUR);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted');
  t.equal(idp.fetched.length, DOWNLOAD);
});

t.test('gateway: a key withdrawn in an emergency is accepted until something else causes a download', async (t) => {
  const { idp, verifier } = await scene('gateway');
  const old = await idp.token({ lifetime: 7200 });
  await idp.keys.emergencyRotate();
  idp.clock.advance(HOUR);
  t.equal(reason(await verifier.verify(old)), 'accepted');
  t.equal(reason(await verifier.verify(await idp.token())), 'unknown-key');
  t.equal(reason(await verifier.verify(old)), 'unknown-key', 'gone with the download');
});

t.test('strict: an unknown key id is looked up at once, though not more than every five minutes', async (t) => {
  const { idp, verifier } = await scene('strict');
  await idp.keys.rotate();
  t.equal(reason(await verifier.verify(await idp.token())), 'unknown-key');
  idp.clock.advance(300_000);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted', 'this very request passes');
  t.equal(idp.fetched.length, 2 * DOWNLOAD);
  const wrong = await makeWrongToken('kid', idp.issuer, idp.request());
  for (let i = 0; i < 20; i++) t.equal(reason(await verifier.verify(wrong)), 'unknown-key');
  t.equal(idp.fetched.length, 2 * DOWNLOAD, 'invented key ids do not make a storm of downloads');
});

t.test('strict: after an hour keys are refreshed in the background, so a withdrawn key is soon gone', async (t) => {
  const { idp, verifier } = await scene('strict');
  const old = await idp.token({ lifetime: 3 * 3600 });
  await idp.keys.emergencyRotate();
  t.equal(reason(await verifier.verify(old)), 'accepted');
  idp.clock.advance(HOUR);
  t.equal(reason(await verifier.verify(old)), 'accepted', 'the token that finds the keys old does not wait');
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(idp.fetched.length, 2 * DOWNLOAD);
  t.equal(reason(await verifier.verify(old)), 'unknown-key');
});

t.test('strict: the last known good keys serve through an outage, and not for ever', async (t) => {
  const { idp, verifier, events } = await scene('strict');
  fail(idp);
  idp.clock.advance(23 * HOUR);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted', 'within the time to live');
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(events.includes('identity.keys.failed'));
  idp.clock.advance(2 * HOUR);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted', 'past it, last known good');
  idp.clock.advance(24 * HOUR);
  t.match(await verifier.verify(await idp.token()), {
    refusal: { reason: 'keys-unavailable', explanation: /The authority is down/ },
  });
  idp.trouble = undefined;
  idp.clock.advance(10_000);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted', 'well again after the outage');
});

t.test('a download that fails leaves the known keys, says why, and holds off the next for a while', async (t) => {
  for (const policy of ['gateway', 'strict'] as const) {
    const { idp, verifier } = await scene(policy);
    const good = await idp.token({ lifetime: 7200 });
    fail(idp);
    idp.clock.advance(HOUR - 1000);
    const wrong = await makeWrongToken('kid', idp.issuer, idp.request());
    t.match(await verifier.verify(wrong), { refusal: { reason: 'unknown-key', explanation: /authority is down/ } });
    const before = idp.fetched.length;
    await verifier.verify(wrong);
    t.equal(idp.fetched.length, before, `${policy}: cool-down`);
    t.equal(reason(await verifier.verify(good)), 'accepted', `${policy}: last known good`);
  }
});

t.test('a hundred tokens at once cause one download', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const verifier = createTokenVerifier({ policy: 'strict', authority, fetchJson, clock });
  const token = await idp.token();
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)));
  t.ok(verdicts.every((verdict) => verdict.ok));
  t.equal(idp.fetched.length, DOWNLOAD);
});

t.test('one version of the metadata failing keeps both as they were', async (t) => {
  const { idp, verifier } = await scene('strict');
  const kid = idp.keys.current.kid;
  await idp.keys.emergencyRotate();
  let fetches = 0;
  idp.trouble = () => {
    if (++fetches === 4) throw new Error('half an answer');
  };
  await t.rejects(verifier.load(), { code: 'ERR_IDENTITY_DISCOVERY' });
  t.same(verifier.keyIds, [kid]);
});

t.test('a key that is published anew under the same id takes the place of the old one', async (t) => {
  const idp = await createTestIssuer({ keys: await SigningKeys.create() });
  const other = await createTestIssuer({ keys: await SigningKeys.create() });
  const { kid } = idp.keys.current;
  let published: TestIssuer = idp;
  const { clock, authority } = idp;
  const verifier = createTokenVerifier({
    policy: 'gateway',
    authority,
    clock,
    fetchJson: async (url, limits) => {
      const document = (await published.fetchJson(url, limits)) as { keys?: { kid: string }[] };
      return document.keys ? { keys: document.keys.map((key) => ({ ...key, kid })) } : document;
    },
  });
  await verifier.load();
  const token = await idp.token();
  t.equal(reason(await verifier.verify(token)), 'accepted');
  published = other;
  await verifier.load();
  t.match(await verifier.verify(token), { refusal: { reason: 'signature', explanation: new RegExp(`kid "${kid}"`) } });
});

t.test('what was held before a start counts as loaded at it, and failures are forgotten', async (t) => {
  const { idp, verifier } = await scene('strict');
  fail(idp);
  idp.clock.advance(25 * HOUR);
  await verifier.verify(await idp.token());
  const fetched = idp.fetched.length;
  verifier.renew();
  idp.clock.advance(60_000);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted');
  t.equal(idp.fetched.length, fetched, 'the keys are fresh');
  idp.trouble = undefined;
  await idp.keys.rotate();
  idp.clock.advance(300_000);
  t.equal(reason(await verifier.verify(await idp.token())), 'accepted', 'and a new key is looked up at once');

  const empty = createTokenVerifier({
    policy: 'strict',
    authority: idp.authority,
    fetchJson: idp.fetchJson,
    clock: idp.clock,
  });
  empty.renew();
  t.strictSame(empty.keyIds, [], 'nothing held stays nothing');
});

t.test('gateway: the token that brings a new key fails, strict: it passes', async (t) => {
  for (const policy of ['gateway', 'strict'] as const) {
    const { idp, verifier } = await scene(policy);
    await idp.keys.rotate();
    idp.clock.advance(1_000_000);
    t.equal(reason(await verifier.verify(await idp.token())), policy === 'strict' ? 'accepted' : 'unknown-key');
  }
});

t.test(
  'documents without what a verifier needs are no metadata, and keys are taken by what they say of themselves',
  async (t) => {
    const idp = await createTestIssuer();
    const { clock, authority } = idp;
    const judge = async (change: (document: Record<string, unknown>) => unknown, why = false): Promise<string> => {
      const fetchJson = async (url: string, limits: { maxBytes: number; timeout: number }) =>
        change((await idp.fetchJson(url, limits)) as Record<string, unknown>);
      const verifier = createTokenVerifier({ policy: 'gateway', authority, clock, fetchJson });
      const verdict = await verifier.verify(await idp.token());
      return why && !verdict.ok ? verdict.refusal.explanation : reason(verdict);
    };
    const keys = (change: object) => (document: Record<string, unknown>) =>
      Array.isArray(document.keys) ? { keys: document.keys.map((key) => ({ ...key, ...change })) } : document;
    t.equal(await judge((document) => document), 'accepted');
    for (const name of ['issuer', 'jwks_uri'])
      t.match(
        await judge((document) => ({ ...document, [name]: undefined }), true),
        /is not OpenID metadata: "issuer" or "jwks_uri" is missing/,
        `no ${name}`,
      );
    t.equal(await judge(keys({ use: undefined })), 'accepted', 'a key for any use');
    t.equal(await judge(keys({ use: 'enc' })), 'keys-unavailable');
    for (const name of ['kid', 'n', 'e', 'kty']) {
      t.equal(await judge(keys({ [name]: undefined })), 'keys-unavailable', `a key without ${name}`);
      const beside = (document: Record<string, unknown>) =>
        Array.isArray(document.keys)
          ? { keys: [{ ...document.keys[0], kid: 'other', [name]: undefined }, ...document.keys] }
          : document;
      t.equal(await judge(beside), 'accepted', `a key without ${name} beside a good one`);
    }
  },
);

t.test(
  'a download that fails is told with its kind and address, and one that succeeds with the number of keys',
  async (t) => {
    const idp = await createTestIssuer();
    const told: unknown[] = [];
    const { clock } = idp;
    const make = (authority: string) =>
      createTokenVerifier({
        policy: 'gateway',
        authority,
        fetchJson: idp.fetchJson,
        clock,
        emit: (name, fields) => told.push([name, fields]),
      });
    await make(idp.authority).load();
    await t.rejects(make('https://127.0.0.1:8444/fabrikam.com').load());
    idp.trouble = () => {
      throw new Error('down');
    };
    await t.rejects(make(idp.authority).load());
    t.match(told, [
      ['identity.keys.loaded', { count: 1, url: /\/keys$/ }],
      ['identity.keys.failed', { reason: 'status', url: /fabrikam\.com/, explanation: /404/ }],
      ['identity.keys.failed', { reason: 'error', url: /openid-configuration$/, explanation: 'down' }],
    ]);
  },
);
