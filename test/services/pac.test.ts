import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';
import t, { type Test } from 'tap';
import { loadConfig, resolveConfig } from '../../src/config/index.ts';
import { pacFile } from '../../src/services/index.ts';
import { problems } from '../support/config-problems.ts';

/** Where a PAC file sends a URL, as pac-resolver understands it. */
async function router(t: Test, pac: Parameters<typeof pacFile>[0]) {
  const wasm = await readFile(join(import.meta.dirname, '../../node_modules/quickjs-wasi/quickjs.wasm'));
  const engine = await QuickJS.create({ wasm: new Uint8Array(wasm) });
  t.teardown(() => engine.dispose());
  return createPacResolver(engine, pacFile(pac));
}

t.test('the PAC file sends everything to the proxy but what is excluded', async (t) => {
  const route = await router(t, {
    proxy: 'proxy.contoso.internal:3128',
    exclusions: ['Direct.contoso.internal', '*.public.example', '192.0.2.7', 'fd00::7', '[fd00:0::8]', '__proto__'],
    fallback: false,
  });
  for (const url of [
    'http://direct.contoso.internal/',
    'https://DIRECT.contoso.internal:8443/x',
    'http://a.public.example/',
    'http://a.b.public.example/',
    'http://192.0.2.7/',
    'http://[fd00::7]/',
    'http://[fd00:0:0::8]:80/',
  ]) {
    t.equal(await route(url), 'DIRECT', url);
  }
  for (const url of [
    'http://intranet.contoso.internal/',
    'http://notdirect.contoso.internal/',
    'http://direct.contoso.internal.evil.example/',
    'http://public.example/',
    'http://badpublic.example/',
    'http://192.0.2.70/',
    'http://constructor/',
    'http://intranet/',
  ]) {
    t.equal(await route(url), 'PROXY proxy.contoso.internal:3128', url);
  }
});

t.test('it may send clients on without a proxy', async (t) => {
  t.equal(
    await (await router(t, { proxy: 'p.example:1', exclusions: [], fallback: true }))('http://a/'),
    'PROXY p.example:1; DIRECT',
  );
  t.equal(await (await router(t, { proxy: null, exclusions: [], fallback: false }))('http://a/'), 'DIRECT');
});

t.test('what clients cannot exclude is refused, with its place and the reason', async (t) => {
  for (const [text, reason] of [
    ['app*.contoso.internal', /wildcard in the middle or at the end/],
    ['www.*.com', /wildcard in the middle or at the end/],
    ['*contoso.internal', /no dot after it/],
    ['*.*.com', /wildcard in the middle/],
    ['*', /wildcard/],
    ['10.0.0.0/8', /is a range/],
    ['http://intranet.contoso.internal/', /remove scheme, port and path/],
    ['intranet.contoso.internal:443', /remove scheme, port and path/],
    ['a b', /neither a host name nor an address/],
    ['x";alert(1)//', /remove scheme|neither/],
    ['999.1.1.1', /neither/],
  ] as const) {
    const [found] = problems({ services: { pac: { exclusions: ['fine.example', text] } } });
    t.match(found, { path: 'services.pac.exclusions[1]', message: reason }, text);
  }
  t.match(problems({ services: { pac: { proxy: 'proxy' } } }), [{ message: /not a host and a port/ }]);
  t.match(
    problems({
      services: {
        proxy: {
          users: [
            { name: 'a', password: 'b' },
            { name: 'a', password: 'c' },
          ],
        },
      },
    }),
    [{ message: 'there are two users a' }],
  );
  const file = t.testdir({
    'tunnelite.yaml': 'services:\n  pac:\n    exclusions:\n      - ok.example\n      - a*.example\n',
  });
  t.throws(() => loadConfig({ file: `${file}/tunnelite.yaml` }), {
    message: /tunnelite\.yaml:5:9 .*wildcard in the middle/,
  });
  t.ok(resolveConfig({ services: { pac: { exclusions: ['*.contoso.internal', 'fd00::1', 'printer'] } } }));
});
