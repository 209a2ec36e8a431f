import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignIn } from '../../src/client/core/index.ts';
import { TunneliteError } from '../../src/lib/errors.ts';
import { testLeaf } from './certificates.ts';
import { freePort } from './free-port.ts';
import { PeerProcess } from './peer-process.ts';

/** The address of the server inside its tunnels. */
export const OCSERV_INNER = '192.168.177.1';
const USER = 'test';
const PASSWORD = 'correct horse';

/** ocserv with a user who has a password, on loopback. */
export interface Ocserv extends AsyncDisposable {
  readonly port: number;
  readonly caPem: string;
  readonly process: PeerProcess;
}

/** @param more lines of its configuration */
export async function startOcserv(more: readonly string[] = []): Promise<Ocserv> {
  const directory = mkdtempSync(join(tmpdir(), 'tl-ocserv-'));
  const leaf = await testLeaf('localhost');
  const port = await freePort();
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const passwords = join(directory, 'passwd');
  execFileSync('ocpasswd', ['-c', passwords, USER], { input: `${PASSWORD}\n${PASSWORD}\n` });
  const config = file(
    'ocserv.conf',
    [
      `auth = "plain[passwd=${passwords}]"`,
      'listen-host = 127.0.0.1',
      `tcp-port = ${port}`,
      `udp-port = ${port}`,
      `socket-file = ${join(directory, 'socket')}`,
      `pid-file = ${join(directory, 'pid')}`,
      `server-cert = ${file('cert.pem', leaf.certPem)}`,
      `server-key = ${file('key.pem', leaf.keyPem)}`,
      'use-occtl = false',
      'isolate-workers = false',
      'max-ban-score = 0',
      'rate-limit-ms = 0',
      'keepalive = 300',
      'cookie-timeout = 60',
      'device = tlo',
      'predictable-ips = true',
      'ipv4-network = 192.168.177.0/24',
      'route = 192.168.177.0/255.255.255.0',
      'compression = false',
      'dtls-legacy = true',
      'try-mtu-discovery = false',
      ...more,
    ].join('\n'),
  );
  const process = new PeerProcess('ocserv', ['-f', '-d', '9', '-c', config]);
  await process.until(/listening \(UDP\)/);
  return {
    port,
    caPem: leaf.caPem,
    process,
    async [Symbol.asyncDispose]() {
      // The main process takes its workers and their devices with it.
      process.signal('SIGTERM');
      await Promise.race([process.ended, new Promise((resolve) => setTimeout(resolve, 3_000).unref())]);
      await process[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The login with a name and a password, in forms (reference openconnect-protocol §4.2). */
export const passwordSignIn: SignIn = async (connection, { url, userAgent, signal, onStep }) => {
  const post = async (path: string, body: string): Promise<string> => {
    const headers = [
      ['Host', url.host],
      ['User-Agent', userAgent],
      ['X-Transcend-Version', '1'],
      ['X-Aggregate-Auth', '1'],
      ['Content-Type', 'application/x-www-form-urlencoded'],
    ] as const;
    const answer = await connection.exchange({ method: 'POST', path, headers, body }, signal);
    if (answer.status !== 200) throw new TunneliteError('ERR_CLIENT_TOKEN_REFUSED', `${answer.status}`);
    return answer.body.toString('utf8');
  };
  await post('/', '');
  onStep({ step: 'challenge' });
  await post('/auth', `username=${encodeURIComponent(USER)}`);
  const last = await post('/auth', `password=${encodeURIComponent(PASSWORD)}`);
  if (!/id="success"/.test(last)) throw new TunneliteError('ERR_CLIENT_TOKEN_REFUSED', last);
};
