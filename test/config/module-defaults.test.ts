import t from 'tap';
import { STRICT_LAST_KNOWN_GOOD, TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from '../../src/bearer/constants.ts';
import {
  type ConfigInput,
  type ConfigProblem,
  defaultConfig,
  loadConfig,
  resolveConfig,
} from '../../src/config/index.ts';
import { DEFAULT_BEHAVIOUR } from '../../src/entra/context.ts';
import { DEFAULT_LIFETIMES } from '../../src/entra/oauth/constants.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';

const problems = (input: ConfigInput): ConfigProblem[] => {
  try {
    resolveConfig(input);
  } catch (error) {
    if (isTunneliteError(error, 'ERR_CONFIG_INVALID')) return error.details.problems as ConfigProblem[];
    throw error;
  }
  return [];
};

const load = (...flags: [string, string][]) =>
  loadConfig({ flags: flags.map(([key, text]) => ({ key, text, flag: `--set ${key}` })) });

t.test('what the configuration says by default is what the modules do by themselves', async (t) => {
  const { gateway, identity } = defaultConfig();
  t.strictSame(identity.lifetimes, DEFAULT_LIFETIMES);
  t.strictSame(identity.behaviour, DEFAULT_BEHAVIOUR);
  t.equal(identity.audience, TUNNEL_RESOURCE_ID);
  t.strictSame(identity.strict, {
    scope: TUNNEL_SCOPE,
    guests: 'refuse',
    clients: [],
    tenants: [],
    lastKnownGood: STRICT_LAST_KNOWN_GOOD,
  });
  t.equal(gateway.bearerPrefix, 'lenient');
  t.strictSame(gateway.bans, { maxScore: 0, banTime: 300, resetTime: 300 });
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
  t.match(load(strict).warnings, [/identity\.strict is not looked at.*policy: strict/]);
  t.strictSame(load(strict, ['identity.policy', 'strict']).warnings, []);
  const authority: [string, string] = ['identity.authority', 'https://login.microsoftonline.com/contoso.com'];
  t.match(load(authority, ['identity.lifetimes.code', '60'], ['identity.behaviour.slowDown', 'yes']).warnings, [
    /identity\.lifetimes is about the built-in/,
    /identity\.behaviour is about the built-in/,
  ]);
  t.strictSame(load(authority).warnings, []);
});
