import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignIn } from '../../src/client/core/index.ts';
import { passwordSignIn } from '../../src/load/index.ts';
import { testLeaf } from './certificates.ts';
import { freePort } from './free-port.ts';
import { PeerProcess } from './peer-process.ts';

/** The address of the server inside its tunnels. */
export const OCSERV_INNER = '192.168.177.1';
export const OCSERV_USER = 'test';
export const OCSERV_PASSWORD = 'correct horse';

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
  execFileSync('ocpasswd', ['-c', passwords, OCSERV_USER], { input: `${OCSERV_PASSWORD}\n${OCSERV_PASSWORD}\n` });
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

/** The login of its user. */
export const ocservSignIn: SignIn = passwordSignIn(OCSERV_USER, OCSERV_PASSWORD);
