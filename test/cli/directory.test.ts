import { join } from 'node:path';
import t from 'tap';
import { cli, spawnCli } from '../support/cli.ts';

t.setTimeout(120_000);

const certs = join(t.testdir(), 'certs');
const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
t.teardown(() => started.child.kill('SIGKILL'));
await started.waitFor(/\n/);
const run = (...argv: string[]) => cli(['directory', ...argv, '--certs', certs]);
const json = async (...argv: string[]) => JSON.parse((await run(...argv, '--json')).out);
const ALICE = 'alice@contoso.com';

t.test('users are listed with what is special of them, and changed', async (t) => {
  t.match(await run(), { code: 0, out: /^user +name +state\nalice@contoso\.com +Alice/ });
  t.match(await run('set', ALICE, 'locked=true', 'mfa=required'), {
    code: 0,
    out: `Changed ${ALICE}: locked=true, mfa=required.\n`,
  });
  t.match((await run()).out, /^alice@contoso\.com .* locked, MFA required$/m);
  t.match(await json(), { users: [{ userPrincipalName: ALICE, locked: true }] });
  t.match(await run('set', ALICE, 'locked=false', 'mfa=off'), { code: 0 });
  t.match(await run('set', ALICE, 'locked'), { code: 2, err: /"locked" is not a change/ });
  t.match(await run('set', ALICE, 'shoe=42'), { code: 1, err: /shoe/ });
  t.match(await run('set', 'nobody@contoso.com', 'locked=true'), { code: 1, err: /nobody@contoso\.com/ });
  t.match(await run('revoke', ALICE), { code: 0, out: /^Every sign-in of alice@contoso\.com has ended/ });
});

t.test('failures are ordered, listed and forgotten', async (t) => {
  t.equal((await run('failures')).out, 'No failures are pending.\n');
  t.match(await run('fail', '50076', '--user', ALICE, '--endpoint', 'token', '--times', '2'), {
    code: 0,
    out: /^The next 2 requests of alice@contoso\.com will be refused with AADSTS50076 \(failure \d+\)\.\n$/,
  });
  const { failures } = await json('failures');
  t.match(failures, [{ code: 50076, user: ALICE, left: 2 }]);
  t.match((await run('failures')).out, /^\d+ +AADSTS50076 +alice@contoso\.com +token +2$/m);
  t.match(await run('forget', String(failures[0].id)), { code: 0 });
  t.match(await run('forget', String(failures[0].id)), { code: 1, err: /There is no ordered failure/ });
  t.match(await run('forget'), { code: 2, err: /its number, or --all/ });
  t.match(await run('fail', '53003'), { code: 0, out: /^The next request of anyone/ });
  t.match(await run('forget', '--all'), { code: 0 });
  t.equal((await run('failures')).out, 'No failures are pending.\n');
  t.match(await run('fail', 'x'), { code: 2, err: /is not a number/ });
});

t.test('endpoints are disturbed and restored, and keys changed', async (t) => {
  t.match(await run('outage', 'token', '--retry-after', '5'), { code: 0, out: /^token answers 503, until/ });
  t.match(await run('restore', 'token'), { code: 0, out: 'token answers again.\n' });
  t.match(await run('outage', 'kettle'), { code: 1, err: /ERR_/ });
  const { kid } = await json('rotate');
  t.type(kid, 'string');
  t.match(await run('rotate', '--emergency'), { code: 0, out: /all other keys are removed\.\n$/ });
});
