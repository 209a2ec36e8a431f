import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { shellWord } from '../../src/lib/shell-word.ts';
import { cli, spawnCli } from '../support/cli.ts';

interface Ready {
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  readonly ca: string;
}

t.test('start runs until SIGTERM; token and healthcheck find it meanwhile', async (t) => {
  const certs = join(t.testdir(), 'certs');
  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'warn']);
  t.teardown(() => started.child.kill('SIGKILL'));
  const ready = JSON.parse(await started.waitFor(/\n/)) as Ready;
  t.match(ready, {
    ready: true,
    gateway: /^https:\/\/localhost:\d+$/,
    ca: join(certs, 'ca.pem'),
    pid: started.child.pid,
  });

  const readyz = await fetch(`${ready.admin}/readyz`);
  t.equal(readyz.status, 200);
  const health = await cli(['healthcheck', '--certs', certs]);
  t.equal(health.code, 0, health.err);
  t.match(health.out, /^ok gateway: /m);

  const good = await cli(['token', '--certs', certs, '--json']);
  t.equal(good.code, 0, good.err);
  t.match(JSON.parse(good.out), { accessToken: /^ey/, user: 'alice@contoso.com', claims: { scp: 'Tunnel_Allow' } });
  const bob = await cli(['token', '--certs', certs, '--user', 'bob@contoso.com', '--json']);
  t.equal(JSON.parse(bob.out).user, 'bob@contoso.com');
  const changed = await cli([
    'token',
    '--certs',
    certs,
    '--claim',
    'x=[1]',
    '--claims',
    '{"scp":null}',
    '--expires-in',
    '60',
    '--json',
  ]);
  const { claims, expiresIn } = JSON.parse(changed.out);
  t.same(claims.x, [1]);
  t.notOk('scp' in claims);
  t.ok(expiresIn <= 60);
  const expired = await cli(['token', '--certs', certs, '--wrong', 'expired', '--json']);
  t.ok(JSON.parse(expired.out).expiresIn < 0);
  const file = join(t.testdirName, 'token.jwt');
  t.match(await cli(['token', '--certs', certs, '--output', file]), {
    code: 0,
    out: '',
    err: /^Wrote a token of alice/,
  });
  t.match(readFileSync(file, 'utf8'), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(await cli(['token', '--certs', certs, '--output', join(certs, 'missing', 'token.jwt')]), {
    code: 1,
    err: /missing.token\.jwt cannot be written.*\n.*\n\(ERR_CLI_FILE\)/,
  });
  t.match(await cli(['token', '--certs', certs, '--wrong', 'nonsense']), {
    code: 2,
    err: /^There is no deliberately wrong token "nonsense"\.\n"tunnelite token --wrong list" shows all kinds\.\n\(ERR_CLI_USAGE\)/,
  });
  t.match(await cli(['token', '--certs', certs, '--user', 'nobody@contoso.com']), { code: 1, err: /AADSTS50034/ });

  t.equal(statSync(join(certs, 'instance.json')).mode & 0o777, 0o600);
  started.child.kill('SIGTERM');
  const { code, err } = await started.ended;
  t.equal(code, 0, err);
  t.notOk(existsSync(join(certs, 'instance.json')), 'it takes its address back');
  t.match(await cli(['token', '--certs', certs]), { code: 1, err: /is not running/ });
});

t.test('the banner comes before the readiness line, and a port that is taken is told', async (t) => {
  const folder = t.testdir();
  const first = spawnCli(['start', '--port', '0', '--certs', join(folder, 'a'), '--log-level', 'silent']);
  t.teardown(() => first.child.kill('SIGKILL'));
  const text = await first.waitFor(/^Ready: .*\n/m);
  const [command = ''] = /sudo openconnect .*--http-auth=Bearer .* https:\/\/localhost:\d+\n/.exec(text) ?? [];
  t.ok(command.includes(` --cafile=${shellWord(join(folder, 'a', 'ca.pem'))} `), text);
  t.match(text, /\nReady: gateway https:\/\/localhost:\d+, Entra ID https:\S+, health http:\S+\n$/);
  const port = /gateway https:\/\/localhost:(\d+)/.exec(text)![1]!;
  const second = spawnCli([
    'start',
    '--port',
    port,
    '--identity-port',
    '0',
    '--admin-port',
    '0',
    '--certs',
    join(folder, 'b'),
  ]);
  t.teardown(() => second.child.kill('SIGKILL'));
  const { code, out, err } = await second.ended;
  t.equal(code, 1);
  t.equal(out, '', 'nothing is announced');
  t.match(err, new RegExp(`\\b${port}\\b[^]*--port 0[^]*ERR_GATEWAY_PORT_IN_USE`));
  const identityPort = /Entra ID https:\/\/localhost:(\d+)/.exec(text)![1]!;
  const third = await cli(['start', '--port', '0', '--identity-port', identityPort, '--certs', join(folder, 'b')]);
  t.equal(third.code, 1);
  t.match(third.err, new RegExp(`\\b${identityPort}\\b[^]*identity\\.port[^]*--port 0[^]*ERR_IDENTITY_LISTEN`));
  const adminPort = /health http:\/\/[^/]*:(\d+)/.exec(text)![1]!;
  const fourth = await cli(['start', '--port', '0', '--admin-port', adminPort, '--certs', join(folder, 'b')]);
  t.equal(fourth.code, 1);
  t.match(fourth.err, new RegExp(`\\b${adminPort}\\b[^]*admin\\.port[^]*--port 0[^]*ERR_ADMIN_LISTEN`));
  first.child.kill('SIGINT');
  t.equal((await first.ended).code, 0);
});

t.test('wait ends when start is ready, and with the error of a start that failed', async (t) => {
  const folder = t.testdir({ 'bad.yaml': 'gateway: { prot: 1 }\n' });
  const [certs, file] = [join(folder, 'certs'), join(folder, 'ready.json')];
  const failed = await cli(['start', '-c', join(folder, 'bad.yaml'), '--ready-file', file, '--json']);
  t.match(failed, { code: 2, err: '' });
  t.match(JSON.parse(failed.out), { error: { code: 'ERR_CONFIG_INVALID', message: /prot/ } });
  t.match(await cli(['wait', '--ready-file', file]), {
    code: 2,
    out: '',
    err: /Did you mean "port"\?[\s\S]*ERR_CONFIG_INVALID/,
  });
  t.notOk(existsSync(file), 'a failure is told once');

  t.match(await cli(['wait', '--ready-file', file, '--timeout', '0.1']), {
    code: 1,
    err: /within 0\.1 s[\s\S]*ERR_TIMEOUT/,
  });
  t.match(await cli(['wait', '--certs', certs, '--timeout', '0.1']), { code: 1, err: /ERR_TIMEOUT/ });
  t.match(await cli(['wait', '--timeout', 'long']), { code: 2, err: /not a number of seconds/ });
  t.match(await cli(['wait', '--set', 'certs.directory=none']), { code: 1, err: /ERR_CLI_NOT_RUNNING/ });

  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--ready-file', file, '--log-level', 'silent']);
  t.teardown(() => started.child.kill('SIGKILL'));
  const byFile = await cli(['wait', '--ready-file', file, '--json']);
  t.equal(byFile.code, 0, byFile.err);
  t.match(JSON.parse(byFile.out), {
    ready: true,
    pid: started.child.pid,
    gateway: /^https:/,
    ca: join(certs, 'ca.pem'),
  });
  t.notMatch(readFileSync(file, 'utf8'), /secret/);
  const byDirectory = await cli(['wait', '--certs', certs]);
  t.match(byDirectory, { code: 0, out: /^Ready: gateway https:/ });
  t.equal(JSON.parse((await cli(['wait', '--certs', certs, '--json'])).out).secret, undefined);
  started.child.kill('SIGTERM');
  t.equal((await started.ended).code, 0);
  t.notOk(existsSync(file), 'it takes the file back');
});

t.test('a ready file that cannot be written ends a start, with nothing left behind', async (t) => {
  const folder = t.testdir();
  const certs = join(folder, 'certs');
  const file = join(folder, 'none', 'ready.json');
  const args = ['start', '--port', '0', '--certs', certs, '--ready-file', file, '--log-level', 'silent'];
  const started = spawnCli(args);
  t.teardown(() => started.child.kill('SIGKILL'));
  const { code, out, err } = await started.ended;
  t.equal(code, 1);
  t.equal(out, '');
  t.match(err, /ready\.json cannot be written: no such file or directory \(ENOENT\)[\s\S]*\(ERR_CLI_FILE\)/);
  t.notOk(existsSync(join(certs, 'instance.json')));
  // Nor does it hide what went wrong before.
  t.match(await cli([...args, '--set', 'gateway.dpd=x']), { code: 2, err: /ERR_CONFIG_INVALID/ });
});

t.test(
  'one instance for each certificate directory: a second one is refused, in place of a dead one it is not',
  async (t) => {
    const certs = join(t.testdir(), 'certs');
    const address = join(certs, 'instance.json');
    const start = ['start', '--port', '0', '--certs', certs, '--log-level', 'silent'];
    const first = spawnCli(start);
    t.teardown(() => first.child.kill('SIGKILL'));
    await first.waitFor(/^Ready: /m);
    const left = readFileSync(address, 'utf8');
    const second = await cli(start);
    t.match(second, {
      code: 1,
      out: '',
      err: /process \d+, gateway https[\s\S]*--certs\.\n\(ERR_CLI_ALREADY_RUNNING\)/,
    });
    t.match(second.err, new RegExp(`process ${first.child.pid},`));
    t.equal(readFileSync(address, 'utf8'), left, 'the first one is found as before');
    first.child.kill('SIGKILL');
    await first.ended;
    t.ok(existsSync(address), 'killed: its address stays');
    const third = spawnCli(start);
    t.teardown(() => third.child.kill('SIGKILL'));
    await third.waitFor(/^Ready: /m);
    t.not(readFileSync(address, 'utf8'), left);
    third.child.kill('SIGTERM');
    t.equal((await third.ended).code, 0);
    t.notOk(existsSync(address));
  },
);

t.test('a reader of the output that goes away ends an instance as a signal does', async (t) => {
  const certs = join(t.testdir(), 'certs');
  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--log-level', 'debug', '--log-format', 'json']);
  t.teardown(() => started.child.kill('SIGKILL'));
  const text = await started.waitFor(/^Ready: .*\n/m);
  started.child.stderr!.destroy();
  // Each probe of readiness leaves lines in the log.
  await fetch(/http:\S+\/readyz/.exec(text)![0]).catch(() => undefined);
  t.equal((await started.ended).code, 0);
  t.notOk(existsSync(join(certs, 'instance.json')));
});
