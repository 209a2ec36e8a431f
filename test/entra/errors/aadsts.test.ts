import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  DEFAULT_USERS,
  Directory,
  defaultDirectory,
} from '../../../src/entra/directory/index.ts';
import { AADSTS } from '../../../src/entra/errors/aadsts.ts';
import { AadstsError, errorBody } from '../../../src/entra/errors/aadsts-error.ts';

const DOCS = readFileSync(new URL('../../../docs/reference/identity.md', import.meta.url), 'utf8');
const trace = { traceId: 't', correlationId: 'c', time: 0 };

t.test('docs/reference/identity.md names the default tenant, users, password and app', async (t) => {
  const names = [
    DEFAULT_TENANT_ID,
    DEFAULT_CLIENT_ID,
    DEFAULT_PASSWORD,
    ...DEFAULT_USERS.map((user) => user.userPrincipalName),
  ];
  for (const name of names) t.ok(DOCS.includes(name), name);
});

t.test('every code of the reference worth provoking is in the table', async (t) => {
  const wanted = [
    16000, 50001, 500011, 50011, 50013, 500133, 50020, 50027, 50034, 50049, 50053, 50055, 50057, 50058, 50059, 50072,
    50079, 50074, 50076, 50078, 50089, 50097, 50105, 50126, 50127, 50129, 50131, 50132, 50133, 50173, 50135, 50140,
    50147, 501481, 501491, 50158, 50187, 50194, 50196, 50199, 53000, 53001, 53002, 53003, 53011, 530035, 54005, 65001,
    65004, 65005, 650052, 650056, 650057, 70000, 70001, 700011, 700016, 70002, 7000215, 700025, 70003, 70004, 70005,
    700054, 70008, 700082, 700084, 70011, 70016, 70018, 70019, 70043, 70049, 700027, 90002, 900023, 90014, 9002313,
    90033, 90025, 90072, 90094,
  ];
  const missing = wanted.filter((code) => !Object.hasOwn(AADSTS, code));
  t.strictSame(missing, []);
});

t.test('parameters in messages cannot break out of their line or grow without limit', async (t) => {
  const error = new AadstsError(50034, { user: `a\r\nSet-Cookie: x\u2028${'x'.repeat(10_000)}`, tenant: 'T' });
  t.notMatch(error.message, /[\r\n\u2028]/);
  t.ok(error.message.length < 600);
});

t.test('v1 bodies say interaction_required and have no suberror', async (t) => {
  const error = new AadstsError(50076, { resource: 'r' }, { claims: '{}' });
  const style = { origin: 'https://idp', version: 1 } as const;
  t.match(errorBody(error, trace, style), { error: 'interaction_required', claims: '{}' });
  t.notOk('suberror' in errorBody(error, trace, style));
  t.match(errorBody(error, trace, { ...style, version: 2 }), { error: 'invalid_grant', suberror: 'basic_action' });
});

t.test('the example directory of the documentation is valid, and so is the default one', async (t) => {
  const { parse } = await import('yaml');
  const example = /```yaml identity\.directory\n([\s\S]*?)```/.exec(DOCS)![1]!;
  t.equal(new Directory(parse(example)).defaultTenant.users.size, 3);
  const directory = new Directory(defaultDirectory());
  t.strictSame(new Directory(directory.export()).export(), directory.export(), 'an export can be loaded again');
});
