import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import t from 'tap';
import { patternChunk } from '../../src/services/index.ts';
import { desk, GATEWAY, NAME } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';
import { join, Namespace } from '../support/namespace.ts';

// The whole of Tunnelite in one namespace, a person's machine with the stock client in another one: token, tunnel,
// routes, DNS, ping, pages, uploads and downloads, and every reason why a token is refused.

t.setTimeout(600_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'ping', 'curl', 'dig', 'ss'], namespaces: true, tun: true });

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function patternHash(count: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < count; ) {
    const chunk = patternChunk(at, count - at);
    hash.update(chunk);
    at += chunk.length;
  }
  return hash.digest('hex');
}

for (const dtls of [true, false]) {
  const over = dtls ? 'DTLS' : 'TLS';
  t.test(`a stock client with a token works as on a real network, over ${over}`, { skip }, async (t) => {
    const one = await desk(t);
    const run = await one.connect(await one.sim.token(), ...(dtls ? [] : ['--no-dtls']));
    t.equal(run.outcome, 'connected', run.text());

    t.match(
      run.text(),
      /told: dns=10\.20\.0\.53 domain=contoso\.internal split=contoso\.internal banner=Welcome to Contoso mtu=1\d{3}/,
    );
    const address = one.client.exec('ip', ['-o', 'addr', 'show', 'dev', 'tun-desk']);
    t.match(address, /inet 169\.254\.0\.2/);
    t.match(address, /inet6 fd00:aaaa::2/);
    t.match(one.client.exec('ip', ['route']), /10\.20\.0\.0\/16 dev tun-desk/);

    for (const target of ['10.20.0.10', 'fd10:20::10', '10.20.0.53']) {
      const { stdout } = await one.client.output('ping', ['-c', '2', '-i', '0.2', '-W', '3', target]);
      t.match(stdout.toString(), / 2 received/, `ping ${target}`);
    }
    const answer = await one.client.output('dig', ['+short', '@10.20.0.53', 'intranet.contoso.internal', 'AAAA']);
    t.equal(answer.stdout.toString().trim(), 'fd10:20::10');

    const plain = JSON.parse((await one.curl('http://intranet.contoso.internal/whoami')).toString());
    t.match(plain, { scheme: 'http', source: { address: /^(169\.254\.0\.2|fd00:aaaa::2)$/ } });
    const secure = JSON.parse((await one.curl('-4', 'https://intranet.contoso.internal/whoami')).toString());
    t.match(secure, { scheme: 'https', user: plain.user, source: { address: '169.254.0.2' } });

    const size = 50_000_000;
    t.equal(
      sha256(await one.curl('-4', `http://intranet.contoso.internal/bytes/${size}`)),
      patternHash(size),
      '50 MB down, byte-exact',
    );
    const file = joinPath(one.directory, 'upload');
    const body = Buffer.concat(Array.from({ length: 763 }, (_, i) => patternChunk(i * 65_536, 65_536)));
    writeFileSync(file, body);
    const upload = await one.curl(
      '-4',
      '-H',
      'Content-Type: application/octet-stream',
      '-H',
      'Expect:',
      '--data-binary',
      `@${file}`,
      'http://intranet.contoso.internal/upload',
    );
    t.strictSame(JSON.parse(upload.toString()), { bytes: body.length, sha256: sha256(body) }, '50 MB up, byte-exact');
    t.equal(one.sim.gateway.sessions()[0]!.dataChannel, dtls ? 'dtls' : 'cstp');

    await run.stop();
    const { fields } = await one.sim.journal.waitFor({ name: 'session.disconnect' });
    t.match(fields, { reason: 'user', address4: undefined });
    t.equal(one.sim.gateway.sessionAt('169.254.0.2'), undefined, 'the address is free again');
  });
}

t.test('after a TCP reset the client comes back with the same address', { skip }, async (t) => {
  const one = await desk(t, { gateway: { dpd: 3 } });
  const run = await one.connect(await one.sim.token(), '--no-dtls');
  t.equal(run.outcome, 'connected', run.text());
  const before = one.sim.journal.query({ name: 'session.connect' })[0]!;
  one.client.exec('ss', ['-K', 'dst', GATEWAY]);
  const after = await one.sim.journal.waitFor({ name: 'session.connect', after: before.seq }, { timeout: 30_000 });
  t.match(after.fields, {
    resumed: true,
    session: before.fields.session,
    address4: before.fields.address4,
    address6: before.fields.address6,
  });
  t.match(JSON.parse((await one.curl('-4', 'http://intranet.contoso.internal/whoami')).toString()), {
    source: { address: '169.254.0.2' },
  });
  await run.stop();
});

for (const [wrong, reason] of [
  ['expired', 'expired'],
  ['not-yet', 'not-yet-valid'],
  ['aud', 'audience'],
  ['tid', 'tenant'],
  ['alg-none', 'algorithm'],
  ['sig', 'signature'],
] as const) {
  t.test(`the token "${wrong}" is refused at once, and the journal explains it`, { skip }, async (t) => {
    const one = await desk(t);
    const run = await one.connect(await one.sim.token({ wrong }));
    t.equal(run.outcome, 1, run.text());
    t.match(run.text(), /401 Authentication failed|Unexpected 401|authentication failed/i);
    const { fields } = await one.sim.journal.waitFor({ name: 'auth.refused' });
    t.equal(fields.reason, reason, fields.explanation);
    t.match(fields.explanation, /\w{4,}.*\./);
    t.equal(one.sim.gateway.sessions().length, 0);
  });
}

t.test('a client without a token is asked for one and gets nothing else', { skip }, async (t) => {
  const one = await desk(t);
  const { code, stderr } = await one.client.output(
    'openconnect',
    [
      '--protocol=anyconnect',
      '--http-auth=Bearer',
      '--non-inter',
      '--no-system-trust',
      `--cafile=${joinPath(one.directory, 'ca.pem')}`,
      `--resolve=${NAME}:${GATEWAY}`,
      `https://${NAME}:${one.sim.gateway.port}/`,
    ],
    { timeout: 30_000 },
  );
  t.not(code, 0, stderr);
  await one.sim.journal.waitFor({ name: 'auth.challenge' });
  t.equal(one.sim.gateway.sessions().length, 0);
});

t.test('five clients at a time each get an address and their own pages', { skip }, async (t) => {
  const one = await desk(t);
  const clients = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const namespace = Namespace.create(`many${i}`);
      t.teardown(() => namespace.remove());
      join(one.server, [`10.98.${i}.1/24`], namespace, [`10.98.${i}.2/24`]);
      namespace.ip('route', 'add', GATEWAY, 'via', `10.98.${i}.1`);
      const file = joinPath(one.directory, `token${i}`);
      writeFileSync(file, await one.sim.token({ user: i % 2 ? 'bob@contoso.com' : 'alice@contoso.com' }));
      const child = namespace.spawn('openconnect', [
        '--protocol=anyconnect',
        '--http-auth=Bearer',
        '--token-mode=oidc',
        `--token-secret=@${file}`,
        '--no-system-trust',
        `--cafile=${joinPath(one.directory, 'ca.pem')}`,
        `--resolve=${NAME}:${GATEWAY}`,
        '--interface=tun-desk',
        `--script=${joinPath(one.directory, 'script')}`,
        `https://${NAME}:${one.sim.gateway.port}/`,
      ]);
      await new Promise<void>((resolve) => {
        let log = '';
        const look = (chunk: Buffer): void => {
          log += chunk;
          if (log.includes('script: connected')) resolve();
        };
        child.stdout!.on('data', look);
        child.stderr!.on('data', look);
      });
      return namespace;
    }),
  );
  const seen = await Promise.all(
    clients.map(async (namespace) => {
      const { stdout } = await namespace.output('curl', ['-sS', '--max-time', '30', 'http://10.20.0.10/whoami']);
      return JSON.parse(stdout.toString()) as { session: string; source: { address: string } };
    }),
  );
  t.equal(new Set(seen.map((one) => one.session)).size, 5);
  t.equal(new Set(seen.map((one) => one.source.address)).size, 5);
});
