import t from 'tap';
import { loadConfig, resolveConfig } from '../../src/config/index.ts';
import { DEFAULTS } from '../../src/lib/defaults.ts';
import { problems } from '../support/config-problems.ts';

const load = (...flags: [string, string][]) =>
  loadConfig({ flags: flags.map(([key, text]) => ({ key, text, flag: `--set ${key}` })) });

t.test('what the configuration says by default is what the parts fall back to without one', async (t) => {
  const { host, gateway, identity, resources, journal } = DEFAULTS;
  t.match(resolveConfig(), {
    gateway: { host, ...gateway, bans: { maxScore: 0, banTime: 300, resetTime: 300 } },
    identity: {
      host,
      audience: identity.audience,
      lifetimes: identity.lifetimes,
      behaviour: identity.behaviour,
      strict: { ...identity.strict, clients: [], tenants: [] },
    },
    admin: { host },
    resources,
    journal,
  });
});

t.test('the lifetime of access tokens is a number or a range, from every source', async (t) => {
  const key = 'identity.lifetimes.accessToken';
  t.equal(load([key, '600']).config.identity.lifetimes.accessToken, 600);
  t.strictSame(load([key, '{"min":60,"max":90}']).config.identity.lifetimes.accessToken, { min: 60, max: 90 });
  const env = { TUNNELITE_IDENTITY_LIFETIMES_ACCESS_TOKEN: '300' };
  t.equal(loadConfig({ env }).config.identity.lifetimes.accessToken, 300);
  t.match(problems({ identity: { lifetimes: { accessToken: 0 } } }), [{ path: key }]);
  t.match(problems({ identity: { lifetimes: { accessToken: { min: 90, max: 60 } } } }), [
    { path: `${key}.min`, message: 'the shortest lifetime 90 is above the longest, 60' },
  ]);
  t.match(problems({ identity: { lifetimes: { accessToken: { min: 90 } } } }), [{ message: '"max" is missing' }]);
});

t.test('tenants of the strict policy have to be ids', async (t) => {
  t.match(problems({ identity: { strict: { tenants: ['contoso.com'] } } }), [
    { path: 'identity.strict.tenants[0]', expected: /^a GUID/ },
  ]);
});

t.test('a section that nothing reads gives a warning', async (t) => {
  const strict: [string, string] = ['identity.strict.guests', 'accept'];
  t.match(load(strict).warnings, [/identity\.strict has no effect.*policy: strict/]);
  t.strictSame(load(strict, ['identity.policy', 'strict']).warnings, []);
  const authority: [string, string] = ['identity.authority', 'https://login.microsoftonline.com/contoso.com'];
  t.match(load(authority, ['identity.lifetimes.code', '60'], ['identity.behaviour.slowDown', 'yes']).warnings, [
    /identity\.lifetimes applies to the built-in/,
    /identity\.behaviour applies to the built-in/,
  ]);
  t.strictSame(load(authority).warnings, []);
});
