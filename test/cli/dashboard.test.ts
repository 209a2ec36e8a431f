import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli, spawnCli } from '../support/cli.ts';

t.setTimeout(120_000);

const folder = t.testdir();
const certs = join(folder, 'certs');
const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
t.teardown(() => started.child.kill());
await started.waitFor(/\n/);
const run = (...argv: string[]) => cli([...argv, '--certs', certs]);
const { admin, secret } = JSON.parse(readFileSync(join(certs, 'instance.json'), 'utf8')) as Record<string, string>;

async function redeem(link: string): Promise<Response> {
  const code = new URL(link).hash.replace('#code=', '');
  return fetch(`${admin}/dashboard/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
}

t.test('dashboard prints a link that brings the secret, once', async (t) => {
  const { code, out, err } = await run('dashboard');
  t.equal(code, 0);
  t.match(err, /valid once/);
  const link = out.trim();
  t.equal(new URL(link).origin, admin);
  t.notOk(link.includes(secret!));
  t.same(await (await redeem(link)).json(), { secret });
  t.equal((await redeem(link)).status, 403);
  const json = await run('dashboard', '--json');
  t.match(JSON.parse(json.out), { url: /#code=/, expiresIn: 120 });
  t.equal(json.err, '');
});

t.test('--open hands the link to the browser of this person', { skip: process.platform === 'win32' }, async (t) => {
  const [browser, seen] = [join(folder, 'browser'), join(folder, 'seen')];
  writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" > ${seen}.part && mv ${seen}.part ${seen}\n`);
  chmodSync(browser, 0o755);
  const open = (program: string) => cli(['dashboard', '--open', '--certs', certs], { BROWSER: program });
  const { code, out } = await open(browser);
  t.equal(code, 0);
  let text: string | undefined;
  while (text === undefined) {
    try {
      text = readFileSync(seen, 'utf8');
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  t.equal(text, out.trim());
  const none = await open(join(folder, 'nowhere'));
  t.equal(none.code, 0, 'the link is printed all the same');
  t.match(none.err, /open the link yourself/);
});

t.test('token --check says what the gateway thinks of a token, and ends with 1 when it would refuse it', async (t) => {
  const [good, bad] = [join(folder, 'good.jwt'), join(folder, 'bad.jwt')];
  await run('token', '--output', good);
  await run('token', '--output', bad, '--wrong', 'expired');
  const accepted = await run('token', '--check', good);
  t.equal(accepted.code, 0);
  t.match(accepted.out, /^ok {2}signature/m);
  t.match(accepted.out, /The gateway would accept it \(policy gateway\)\.\n$/);
  writeFileSync(bad, `Authorization: Bearer ${readFileSync(bad, 'utf8')}\n`);
  const refused = await run('token', '--check', bad);
  t.equal(refused.code, 1);
  t.match(refused.out, /^NO {2}times +exp is /m);
  t.match(refused.out, /would refuse it \(policy gateway, expired\)/);
  const json = await run('token', '--check', bad, '--json');
  t.match(JSON.parse(json.out), { ok: false, refusal: { reason: 'expired' } });
  const absent = await run('token', '--check', join(folder, 'absent.jwt'));
  t.equal(absent.code, 1);
  t.match(absent.err, /ERR_CLI_FILE|cannot be read/);
});
