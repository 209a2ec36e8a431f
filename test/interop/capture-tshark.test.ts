import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';
import { run } from '../support/namespace.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// What Wireshark makes of a capture of a stock openconnect: it needs nothing but the file.

t.setTimeout(200_000);
const skip = skipUnless({ programs: [...SOCKS_TUNNEL_PROGRAMS, 'tshark', 'capinfos', 'editcap'] });

const WHOAMI = 'http://intranet.contoso.internal/whoami';
const CHECKED = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);

/** What tshark prints for the packets that a filter finds, one a line. */
function tshark(file: string, filter: string, ...fields: string[]): string[] {
  const columns = fields.length > 0 ? ['-T', 'fields', ...fields.flatMap((field) => ['-e', field])] : [];
  const out = run('tshark', ['-r', file, ...CHECKED, '-Y', filter, ...columns], { maxBuffer: 256 * 1024 * 1024 });
  return out.split('\n').filter((line) => line !== '');
}

/** How much was decrypted of the data that a filter finds. */
function decrypted(file: string, filter: string, kind: 'TLS' | 'DTLS'): number {
  const out = run('tshark', ['-r', file, '-x', '-Y', filter], { maxBuffer: 256 * 1024 * 1024 });
  return out.match(new RegExp(`Decrypted ${kind}`, 'g'))?.length ?? 0;
}

/** Nothing that Wireshark would find wrong; and the programs beside it take the file. */
function assertSound(t: Test, file: string): void {
  const bad = [
    '_ws.malformed',
    'ip.checksum.status == "Bad"',
    'tcp.checksum.status == "Bad"',
    'udp.checksum.status == "Bad"',
    '(tcp.analysis.flags && frame.interface_name contains "outer")',
  ];
  t.strictSame(tshark(file, bad.join(' || ')), []);
  const info = spawnSync('capinfos', [file], { encoding: 'utf8' });
  t.equal(info.status, 0, info.stderr);
  t.match(info.stdout, /Strict time order: +True/);
  t.equal(spawnSync('editcap', ['-c', '50', file, `${file}.part.pcapng`]).status, 0);
}

for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
  t.test(`a session of a stock client is decrypted, outer and inner, with ${maxVersion}`, { skip }, async (t) => {
    await using sim = await startSimulator({ gateway: { dpd: 3, tls: { maxVersion } } });
    const folder = t.testdir();
    const file = join(folder, 'all.pcapng');
    const capture = await sim.capture({ file });
    const tunnel = await SocksTunnel.open(sim, await sim.token(), folder);
    const { fields } = await sim.journal.waitFor({ name: 'session.connect' });
    await sim.journal.waitFor({ name: 'channel.dtls.open' });
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
    const rule = sim.faults.add({ name: 'no-udp', on: { seam: 'udp' }, then: { do: 'drop' } });
    await tunnel.fetch(WHOAMI);
    await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'cstp' } }, { timeout: 60_000 });
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
    rule.remove();
    await tunnel[Symbol.asyncDispose]();
    await sim.journal.waitFor({ name: 'session.disconnect' });
    const { lost } = await capture.stop();
    t.equal(lost, 0);
    assertSound(t, file);

    const gateway = 'frame.interface_name == "gateway outer"';
    t.strictSame(tshark(file, `${gateway} && http.request.method == "POST"`, 'http.request.method').slice(0, 1), [
      'POST',
    ]);
    t.match(
      tshark(file, `http.request.method == "CONNECT"`, 'http.request.line').join(),
      /X-CSTP-/i,
      'the CONNECT is read',
    );
    const of = (layer: string) => `frame.interface_name == "${fields.session} ${layer}"`;
    t.ok(decrypted(file, `${of('outer')} && tls.app_data`, 'TLS') > 3, 'CSTP is decrypted');
    t.ok(decrypted(file, `${of('outer')} && dtls.app_data`, 'DTLS') > 3, 'DTLS is decrypted');
    t.match(tshark(file, `${of('inner')} && http.request`, 'http.request.full_uri').join(), WHOAMI);
    t.match(tshark(file, `${of('inner')} && dns`, 'dns.qry.name').join(), /intranet\.contoso\.internal/);
    t.match(tshark(file, 'frame.comment contains "fault.injected"', 'syslog.msg')[0], /Injected the fault no-udp/);
    t.match(
      tshark(file, 'frame.comment contains "channel.switch"', 'frame.comment').join(),
      /over cstp instead of dtls/,
    );
  });
}

t.test('over IPv6 too', { skip }, async (t) => {
  await using sim = await startSimulator({ gateway: { host: '::' } });
  const folder = t.testdir();
  const file = join(folder, 'six.pcapng');
  const capture = await sim.capture({ file, layers: 'outer' });
  const at = { ca: sim.ca, urls: { gateway: `https://[::1]:${sim.gateway.port}` } };
  const tunnel = await SocksTunnel.open(at, await sim.token(), folder);
  await sim.journal.waitFor({ name: 'channel.dtls.open' });
  await tunnel.fetch(WHOAMI);
  await tunnel[Symbol.asyncDispose]();
  await capture.stop();
  assertSound(t, file);
  t.strictSame([...new Set(tshark(file, 'ipv6', 'ipv6.src'))], ['::1']);
  t.ok(decrypted(file, 'dtls.app_data', 'DTLS') > 1);
  t.ok(tshark(file, 'http.request.method == "CONNECT"').length === 1);
});

t.test('the command writes a file, several, or the newest part from memory', { skip }, async (t) => {
  const folder = t.testdir();
  const certs = join(folder, 'certs');
  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
  t.teardown(() => started.child.kill('SIGKILL'));
  const ready = JSON.parse(await started.waitFor(/\n/)) as { gateway: string; ca: string };
  const path = (name: string) => join(folder, name);
  const begin = (...args: string[]) => {
    const running = spawnCli(['capture', ...args, '--certs', certs]);
    t.teardown(() => running.child.kill('SIGKILL'));
    return async () => {
      running.child.kill('SIGINT');
      t.match(await running.ended, { code: 0 });
    };
  };
  const mark = JSON.parse((await cli(['journal', '--json', '-n', '1', '--certs', certs])).out).seq as number;
  const ends = [
    begin(path('all.pcapng')),
    begin(path('ring.pcapng'), '--ring', '1MB', '--inner'),
    begin(path('many.pcapng'), '--size', '20kB', '--files', '2'),
  ];
  for (let i = 0; i < 3; i++) {
    const args = [
      'wait-for',
      'capture.started',
      '--where',
      `capture=c${i + 1}`,
      '--since',
      String(mark),
      '--certs',
      certs,
    ];
    t.equal((await cli(args)).code, 0);
  }
  const token = (await cli(['token', '--certs', certs])).out.trim();
  const gateway = { ca: readFileSync(ready.ca, 'utf8'), urls: { gateway: ready.gateway } };
  const tunnel = await SocksTunnel.open(gateway, token, folder);
  for (let i = 0; i < 5; i++) t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
  await tunnel[Symbol.asyncDispose]();
  t.equal((await cli(['wait-for', 'session.disconnect', '--certs', certs])).code, 0);
  for (const end of ends) await end();
  for (const name of ['all.pcapng', 'ring.pcapng']) {
    t.equal(statSync(path(name)).mode & 0o777, 0o600);
    t.match(tshark(path(name), 'http.request', 'http.request.full_uri').join(), WHOAMI, name);
  }
  t.ok(tshark(path('all.pcapng'), 'http.request.method == "CONNECT"').length === 1);
  const many = readdirSync(folder).filter((name) => name.startsWith('many-'));
  t.equal(many.length, 2, many.join());
  for (const name of many) t.equal(spawnSync('capinfos', [path(name)]).status, 0, name);
  t.match(await cli(['capture', path('x'), '--size', 'much', '--certs', certs]), {
    code: 2,
    err: /not a number of bytes/,
  });
  t.match(await cli(['capture', path('x'), '--inner', '--outer', '--certs', certs]), {
    code: 2,
    err: /exclude each other/,
  });
  t.match(await cli(['capture', path('no/x'), '--certs', certs]), { code: 1, err: /ERR_CAPTURE_FILE/ });
  t.match(await cli(['capture', path('t'), '--duration', '50ms', '--certs', certs]), { code: 0 });
  t.match(await cli(['capture', path('r'), '--ring', '1MB', '--duration', '50ms', '--json', '--certs', certs]), {
    code: 0,
  });
});
