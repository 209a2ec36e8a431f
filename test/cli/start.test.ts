import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
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
    code: 1,
    err: /no deliberately wrong token/,
  });
  t.match(await cli(['token', '--certs', certs, '--user', 'nobody@contoso.com']), { code: 1, err: /AADSTS50034/ });

  t.equal(statSync(join(certs, 'instance.json')).mode & 0o777, 0o600);
  started.child.kill('SIGTERM');
  const { code, err } = await started.ended;
  t.equal(code, 0, err);
  t.notOk(existsSync(join(certs, 'instance.json')), 'it takes its address back');
  t.match(await cli(['token', '--certs', certs]), { code: 1, err: /does not run here/ });
});

t.test('the banner comes before the readiness line, and a port that is taken is told', async (t) => {
  const folder = t.testdir();
  const first = spawnCli(['start', '--port', '0', '--certs', join(folder, 'a'), '--log-level', 'silent']);
  t.teardown(() => first.child.kill('SIGKILL'));
  const text = await first.waitFor(/^Ready: .*\n/m);
  t.match(text, /sudo openconnect .*--http-auth=Bearer .*--cafile=\S+\/a\/ca\.pem https:\/\/localhost:\d+\n/);
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
  t.match(err, new RegExp(`\\b${port}\\b[^]*ERR_GATEWAY_PORT_IN_USE`));
  const identityPort = /Entra ID https:\/\/localhost:(\d+)/.exec(text)![1]!;
  const third = await cli(['start', '--port', '0', '--identity-port', identityPort, '--certs', join(folder, 'b')]);
  t.equal(third.code, 1);
  t.match(third.err, new RegExp(`\\b${identityPort}\\b[^]*identity\\.port[^]*ERR_IDENTITY_LISTEN`));
  first.child.kill('SIGINT');
  t.equal((await first.ended).code, 0);
});
