import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, connect as dial, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { tokenFromCommand } from '../../src/cli/context/token-command.ts';
import { bytesText, rates } from '../../src/cli/context/traffic-line.ts';
import { testLeaf } from '../support/certificates.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';

/* `tunnelite connect` and `tunnelite curl` against a running instance, with stock curl as the other program. */

t.setTimeout(150_000);

const run = promisify(execFile);
const folder = t.testdir();
const certs = join(folder, 'certs');
const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
t.teardown(() => started.child.kill('SIGKILL'));
const ready = JSON.parse(await started.waitFor(/\n/)) as { gateway: string; ca: string };
const here = (...argv: string[]) => cli([...argv, '--certs', certs]);
const WHOAMI = 'http://intranet.contoso.internal/whoami';

t.test('curl signs in, fetches a page through a tunnel of its own, and prints it', async (t) => {
  const plain = await here('curl', WHOAMI);
  t.equal(plain.code, 0, plain.err);
  t.match(plain.out, /alice@contoso\.com/);
  t.match((await here('curl', 'https://intranet/whoami', '--user', 'bob@contoso.com', '-k')).out, /bob@contoso\.com/);
  const head = await here('curl', '-I', 'https://intranet.contoso.internal/');
  t.match(head.out, /^HTTP\/1\.1 200 OK\ncontent-type: /m);
  t.notMatch(head.out, /<html/);
  const sent = await here('curl', '-i', '-d', 'a=1', '-d', 'b=2', '-H', 'X-One: 1', 'http://api.contoso.internal/echo');
  t.match(sent.out, /^HTTP\/1\.1 200[\s\S]*POST[\s\S]*a=1&b=2/m);
  t.match(sent.out, /x-one/i);
  const file = join(folder, 'page');
  t.equal((await here('curl', '-o', file, 'http://intranet.contoso.internal/bytes/3000000')).out, '');
  t.equal(readFileSync(file).length, 3_000_000);
  writeFileSync(file, 'from a file');
  t.match((await here('curl', '--data', `@${file}`, 'http://api.contoso.internal/echo')).out, /from a file/);
  const json = JSON.parse((await here('curl', '--json', WHOAMI)).out) as Record<string, unknown>;
  t.match(json, { status: 200, encoding: 'utf8', body: /alice/, headers: { 'content-type': /./ } });
  const binary = await here('curl', '--json', 'http://intranet.contoso.internal/bytes/10');
  t.match(JSON.parse(binary.out), { status: 200 });
  t.match((await here('curl', '-v', WHOAMI)).err, /gateway: tls[\s\S]*intranet\.contoso\.internal port 80 \(tunnel\)/);
});

t.test('curl says what went wrong, and ends with the code for it', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['http://nothing.contoso.internal/'], 1, /ERR_CLIENT_DNS/],
    [['http://refused.contoso.internal/'], 1, /ERR_CLIENT_OPEN/],
    [['http://192.0.2.1/'], 1, /ERR_CLIENT_OUTSIDE/],
    [['https://untrusted.contoso.internal/'], 1, /ERR_CLIENT_FETCH/],
    [['-f', 'http://api.contoso.internal/status/404'], 1, /answered 404/],
    [['-m', '0.5', 'http://api.contoso.internal/delay/30000'], 1, /ERR_TIMEOUT/],
    [['-o', join(folder, 'no/such/folder'), WHOAMI], 1, /ERR_CLI_FILE/],
    [['-X', 'A B', WHOAMI], 2, /not a method/],
    [['-H', 'no header', WHOAMI], 2, /name: value/],
    [['-d', '@/no/such/file', WHOAMI], 2, /cannot be read/],
    [['ftp://intranet/'], 2, /not an http/],
    [['--dtls', 'maybe', WHOAMI], 2, /not one of auto/],
    [['--via-proxy', 'x', WHOAMI], 2, /via-proxy/],
    [['--server', 'a b', '--token', 'x', WHOAMI], 2, /host:port/],
    [['--server', 'localhost:1', WHOAMI], 2, /use --token/],
    [['--token', 'x', '--user', 'y', WHOAMI], 2, /exclude/],
    [['--user', 'nobody@contoso.com', WHOAMI], 1, /nobody/],
    [['--token', 'x', WHOAMI], 1, /ERR_CLIENT_TOKEN_REFUSED/],
    [['--token-command', 'exit 3', WHOAMI], 1, /ended with 3[\s\S]*ERR_CLI_TOKEN/],
  ];
  for (const [args, code, words] of cases) {
    const result = await here('curl', ...args);
    t.equal(result.code, code, `${args.join(' ')}: ${result.err}`);
    t.match(result.err, words, args.join(' '));
  }
  const loop = await here('curl', '-L', 'http://api.contoso.internal/redirect/20');
  t.ok(loop.code <= 1, loop.err);
});

t.test(
  'connect lets other programs in, tells what happens, and leaves cleanly',
  { skip: skipUnless({ programs: ['curl'] }) },
  async (t) => {
    const child = spawnCli([
      'connect',
      '--certs',
      certs,
      '--socks',
      '0',
      '--http-proxy',
      '0',
      '--json',
      '--outside',
      'refuse',
    ]);
    t.teardown(() => child.child.kill('SIGKILL'));
    const lines = (await child.waitFor(/"proxy":"http-proxy"[^\n]*\n/))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const events = lines.map(({ event }) => event);
    t.ok(events.includes('step') && events.includes('connected'));
    t.match(
      lines.find(({ event }) => event === 'connected'),
      { address4: /^169\.254\./, dnsServers: ['10.20.0.53'] },
    );
    const port = (name: string) => lines.find(({ proxy }) => proxy === name)!.port;
    for (const way of [
      ['--socks5-hostname', `127.0.0.1:${port('socks')}`],
      ['--proxy', `http://127.0.0.1:${port('http-proxy')}`],
    ]) {
      const { stdout } = await run('curl', [
        '-sS',
        '--cacert',
        ready.ca,
        ...way,
        'https://intranet.contoso.internal/whoami',
      ]);
      t.match(stdout, /alice@contoso\.com/);
      await t.rejects(run('curl', ['-sS', '--fail', ...way, 'http://192.0.2.1/']));
    }
    await child.waitFor(/"event":"refused","time":"[^"]+","host":"192\.0\.2\.1","port":80,"code":"ERR_CLIENT_OUTSIDE"/);
    child.child.kill('SIGINT');
    const { code, out, err } = await child.ended;
    t.equal(code, 0, err);
    t.match(out.trim().split('\n').at(-1), /"event":"closed".*"bytesIn":\d+/);
    t.equal(JSON.parse((await here('sessions', '--json')).out).sessions.length, 0, 'the gateway knows that it left');
  },
);

for (const [option, json, listens, tells] of [
  [
    '--socks',
    true,
    /"proxy":"socks".*"port":(\d+)/,
    /"event":"full".*"proxy":"socks","closed":[1-9]\d*,"open":1024\}\n/,
  ],
  [
    '--http-proxy',
    false,
    /Listening: curl --proxy 127\.0\.0\.1:(\d+) …\n/,
    /\n[1-9]\d* connections? to port \d+ closed at once: the limit of 1024 open connections is reached\.\n/,
  ],
] as const) {
  t.test(`connect tells that ${option} is full, ${json ? 'as an event' : 'in words'}`, async (t) => {
    const child = spawnCli(['connect', '--certs', certs, option, '0', ...(json ? ['--json'] : [])]);
    t.teardown(() => child.child.kill('SIGKILL'));
    const port = Number(listens.exec(await child.waitFor(listens))![1]);
    const held: Socket[] = [];
    t.teardown(() => {
      for (const socket of held) socket.destroy();
    });
    let full = false;
    const told = child.waitFor(tells).then(() => {
      full = true;
    });
    // Those that say nothing are let go after a while, so that on a slow machine it takes some more to fill it.
    while (!full && held.length < 20_000) {
      const wave = Array.from({ length: 50 }, () => dial(port, '127.0.0.1').on('error', () => {}));
      held.push(...wave);
      await Promise.all(
        wave.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))),
      );
    }
    await told;
    child.child.kill('SIGTERM');
    t.equal((await child.ended).code, 0);
  });
}

t.test('connect with a command for the token asks it once more when the gateway refuses', async (t) => {
  const calls = join(folder, 'calls');
  const good = (await here('token')).out.trim();
  const command = `echo x >> ${calls}; if [ $(wc -l < ${calls}) = 1 ]; then echo stale; else echo ${good}; fi`;
  const server = new URL(ready.gateway).host;
  const child = spawnCli(['connect', '--server', server, '--cacert', ready.ca, '--token-command', command]);
  t.teardown(() => child.child.kill('SIGKILL'));
  const out = await child.waitFor(/Connected: 169\.254\.[\d.]+, MTU \d+, networks 10\.20/);
  t.notMatch(out, /\u001b/, 'no terminal, no status line');
  t.equal(readFileSync(calls, 'utf8'), 'x\nx\n');
  child.child.kill('SIGTERM');
  t.equal((await child.ended).code, 0);
  const refused = await cli([
    'connect',
    '--server',
    server,
    '--cacert',
    ready.ca,
    '--token-command',
    'echo stale',
    '--json',
  ]);
  t.equal(refused.code, 1);
  t.match(refused.out, /ERR_CLIENT_TOKEN_REFUSED/);
});

t.test('connect refuses what it cannot do', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['--socks', '70000'], 2, /not a port/],
    [['--socks', 'x'], 2, /not a port/],
    [['--reconnect-timeout', 'x'], 2, /seconds/],
    [['--outside', 'x'], 2, /refuse, direct/],
    [['--socks', '1', '--listen', '192.0.2.1'], 1, /anyone who can reach[\s\S]*ERR_CLIENT_LISTEN/],
    [['--server', 'localhost:1', '--token', 'x'], 1, /ERR_CLIENT_CONNECT/],
  ];
  for (const [args, code, words] of cases) {
    const result = await here('connect', ...args);
    t.equal(result.code, code, `${args.join(' ')}: ${result.err}`);
    t.match(result.err, words, args.join(' '));
  }
  const elsewhere = await cli(['connect', '--certs', join(folder, 'none')]);
  t.equal(elsewhere.code, 1);
  t.match(elsewhere.err, /ERR_CLI_NOT_RUNNING/);
});

t.test('connect says what it has met in place of a gateway', async (t) => {
  const asked: (string | undefined)[] = [];
  const ca = join(folder, 'other-ca.pem');
  const siteOf = async (name: string): Promise<Server> => {
    const { certPem: cert, keyPem: key, caPem } = await testLeaf(name);
    writeFileSync(ca, caPem);
    return createServer({ cert, key }, (request, response) => {
      asked.push(request.headers.authorization);
      request.resume();
      response.end('<html></html>');
    });
  };
  const [site, other] = [await siteOf('localhost'), await siteOf('other.contoso.internal')];
  const silent = createTcpServer((socket) => socket.on('error', () => {}));
  for (const server of [site, other, silent]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
  }
  const at = (server: Server): string => `localhost:${(server.address() as AddressInfo).port}`;
  const cases: [string, string[], RegExp][] = [
    ['a certificate of an authority that nobody trusts', ['--server', at(site)], /ERR_CLIENT_UNTRUSTED/],
    [
      'a certificate for another name',
      ['--server', at(other), '--cacert', ca],
      /localhost[\s\S]*other\.contoso\.internal[\s\S]*ERR_CLIENT_UNTRUSTED/,
    ],
    ['a web server', ['--server', at(site), '--cacert', ca], /200 OK[\s\S]*web server[\s\S]*ERR_CLIENT_PROTOCOL/],
    ['a name that is none', ['--server', 'nothing.invalid'], /nothing\.invalid[\s\S]*ERR_CLIENT_CONNECT/],
  ];
  for (const [what, args, words] of cases) {
    const { code, err } = await cli(['connect', ...args, '--token', 'x.y.z']);
    t.equal(code, 1, what);
    t.match(err, words, what);
    t.notMatch(err, /x\.y\.z| {4}at /, `${what}: no token, no stack`);
  }
  t.strictSame(asked, [undefined], 'nobody but a gateway gets the token');
  const hangs = spawnCli(['connect', '--server', at(silent), '--token', 'x']);
  t.teardown(() => hangs.child.kill('SIGKILL'));
  await once(silent, 'connection');
  hangs.child.kill('SIGINT');
  t.equal((await hangs.ended).code, 0, 'whoever interrupts does not wait for a server that is silent');
});

// Shorter than any limit of what is waited for: for connecting it is an hour here, and a command has a minute.
t.test('whoever interrupts waits neither for a gateway nor for a command', { timeout: 45_000 }, async (t) => {
  const silent = createTcpServer((socket) => socket.on('error', () => {}));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const started = join(folder, 'command-runs');
  const command = `echo x > ${started}; sleep 600`;
  const [gateway, ca] = [new URL(ready.gateway).host, ready.ca];
  for (const [args, reached] of [
    [['--server', `localhost:${(silent.address() as AddressInfo).port}`, '--token', 'x'], once(silent, 'connection')],
    [['--server', gateway, '--cacert', ca, '--token-command', command], undefined],
  ] as const) {
    const child = spawnCli(['connect', '--timeout', '3600', '--json', ...args]);
    t.teardown(() => child.child.kill('SIGKILL'));
    if (reached) await reached;
    else while (!existsSync(started)) await new Promise((resolve) => setImmediate(resolve));
    child.child.kill('SIGINT');
    const { code, err } = await child.ended;
    t.equal(code, 0);
    t.equal(err, '');
  }
});

t.test('a command for a token that hangs, says too much or the wrong thing is ended', async (t) => {
  const code = 'ERR_CLI_TOKEN';
  t.equal(await tokenFromCommand('echo "  abc.def  "'), 'abc.def');
  await t.rejects(tokenFromCommand('sleep 600 & sleep 600', 300), { code, message: /did not end within 0\.3 s/ });
  await t.rejects(tokenFromCommand('yes'), { code, message: /more than 64 KiB/ });
  await t.rejects(tokenFromCommand('head -c 1000 /dev/urandom'), { code, message: /something other/ });
  await t.rejects(tokenFromCommand('echo one two'), { code, message: /something other/ });
  await t.rejects(tokenFromCommand("printf 'a\\0b'"), { code, message: /something other/ });
  await t.rejects(tokenFromCommand('true'), { code, message: /nothing/ });
  const patience = new AbortController();
  const interrupted = tokenFromCommand('sleep 600', 60_000, patience.signal);
  patience.abort();
  await t.rejects(interrupted, { code, message: /was interrupted/ });
  await t.rejects(tokenFromCommand('exit 9'), { code, message: /ended with 9/ });
  await t.rejects(tokenFromCommand('/no/such/program 2> /dev/null'), { code, message: /ended with 127/ });
});

t.test('rates and sizes are told in short', async (t) => {
  t.strictSame(rates({ at: 0, bytesIn: 0, bytesOut: 10 }, { at: 2000, bytesIn: 1000, bytesOut: 10 }), {
    down: 500,
    up: 0,
  });
  t.strictSame([0, 999, 1000, 1234, 99_900, 999_600, 5e13].map(bytesText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '100 kB',
    '1.0 MB',
    '50 TB',
  ]);
});
