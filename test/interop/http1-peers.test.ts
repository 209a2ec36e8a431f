import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { INIT, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { skipUnless, which } from '../support/interop.ts';
import { createTestIssuer } from '../support/issuer.ts';

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile(which(program) ?? program, args, { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

interface Lab extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly directory: string;
}

/** A gateway whose CA lies in a file. */
async function lab(options: Parameters<typeof startTestGateway>[0] = {}): Promise<Lab> {
  const gateway = await startTestGateway(options);
  const directory = await mkdtemp(join(tmpdir(), 'tunnelite-http1-'));
  await writeFile(join(directory, 'ca.pem'), gateway.caPem);
  return {
    gateway,
    directory,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

t.test('curl is served, whatever way it sends a body', { skip: skipUnless({ programs: ['curl'] }) }, async (t) => {
  await using it = await lab();
  const curl = (...args: string[]): Promise<Output> =>
    run('curl', [
      ...['--silent', '--show-error', '--include', '--http1.1', '--cacert', join(it.directory, 'ca.pem')],
      ...args,
      `https://localhost:${it.gateway.port}/`,
    ]);
  const probe = await curl();
  t.match(probe.stdout, /^HTTP\/1\.1 200 OK\r\n/, probe.stderr);
  t.match(probe.stdout, /still alive/);
  const good = ['-H', 'Authorization: Bearer good', '-A', 'Open AnyConnect VPN Agent v9.01'];
  const large = `<?xml version="1.0"?>${' '.repeat(60_000)}${INIT}`;
  const file = join(it.directory, 'body.xml');
  await writeFile(file, large);
  for (const [label, ...args] of [
    ['with a length', '--data-binary', INIT],
    ['in chunks', '--data-binary', INIT, '-H', 'Transfer-Encoding: chunked'],
    ['large, in chunks', '--data-binary', `@${file}`, '-H', 'Transfer-Encoding: chunked'],
    ['after asking whether it may', '--data-binary', INIT, '-H', 'Expect: 100-continue', '--expect100-timeout', '0.1'],
    ['by HTTP/1.0', '--data-binary', INIT, '--http1.0'],
  ]) {
    const login = await curl(...good, ...args);
    t.match(login.stdout, /^HTTP\/1\.[01] 200 OK\r\n[\s\S]*type="complete"/, `${label} ${login.stderr}`);
  }
  const twice = await curl(...good, '-H', 'Authorization: Bearer other', '--data-binary', INIT);
  t.match(twice.stdout, /^HTTP\/1\.1 401 Authentication failed\r\n/);
  t.match(it.gateway.events.of('auth.refused'), [{ explanation: /2 Authorization headers/ }]);
  t.strictSame(it.gateway.events.of('http.rejected'), []);
});

/** Has openconnect log in with a token from a file. */
const logIn = ({ gateway, directory }: Lab, file: string): Promise<Output> =>
  run('openconnect', [
    ...['--protocol=anyconnect', '--authenticate', '--non-inter', '--http-auth=Bearer', '--token-mode=oidc'],
    ...[`--token-secret=@${file}`, `--cafile=${join(directory, 'ca.pem')}`, '--no-system-trust'],
    `https://localhost:${gateway.port}/`,
  ]);

t.test(
  'openconnect logs in with a token file that ends with a line break',
  { skip: skipUnless({ programs: ['openconnect'] }) },
  async (t) => {
    await using it = await lab();
    const file = join(it.directory, 'token.jwt');
    const ends = ['', '\n', '\r\n', '\r\n\r\n'];
    for (const end of ends) {
      await writeFile(file, `good${end}`);
      const output = await logIn(it, file);
      t.equal(output.code, 0, `${JSON.stringify(end)}: ${output.stderr}`);
      t.match(output.stdout, /COOKIE=.*webvpn=/);
      t.equal(output.stderr.match(/Connected to HTTPS/g)?.length, 1, 'on its first connection');
    }
    t.strictSame(it.gateway.events.of('http.rejected'), []);
    t.equal(it.gateway.events.of('auth.accepted').length, ends.length);
  },
);

t.test(
  'openconnect with a token file that PowerShell wrote: accepted, or told what is wrong with the file',
  { skip: skipUnless({ programs: ['openconnect'] }) },
  async (t) => {
    const { fetchJson, clock, authority, token } = await createTestIssuer();
    await using it = await lab({ verifier: createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock }) });
    const file = join(it.directory, 'token.jwt');
    const text = await token();
    const marked = `\ufeff${text}\r\n`;
    for (const [bytes, accepted] of [
      [Buffer.from(`${text}\r\n`), true],
      [Buffer.from(marked), false],
      [Buffer.from(marked, 'utf16le'), false],
      [Buffer.from(marked, 'utf16le').swap16(), false],
    ] as const) {
      await writeFile(file, bytes);
      const { code, stderr } = await logIn(it, file);
      t.equal(code === 0, accepted, stderr);
    }
    const refusals = it.gateway.events.of('auth.refused').map(({ explanation }) => explanation);
    const explained = /byte order mark.*"tunnelite token --output <file>"/;
    t.match(refusals, [explained, explained, explained]);
    t.equal(refusals.length, 3);
    t.strictSame(it.gateway.events.of('http.rejected'), []);
  },
);
