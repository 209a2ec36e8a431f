/**
 * Logins a second, DTLS handshakes a second, and memory a session, beside ocserv.
 *
 *   sudo node bench/tunnel/sessions.ts [sessions] [logins at a time]
 *
 * A login is a new TLS connection, authentication and CONNECT: one POST with a bearer token for the simulator, three with user and
 * password for ocserv. Memory is the growth of the proportional set size (PSS) of all the server's processes. Needs root.
 */
import { readFileSync } from 'node:fs';
import { join as path } from 'node:path';
import {
  children,
  cleanUp,
  firstLine,
  HERE,
  NAME,
  numbers,
  processTree,
  type Server,
  startServers,
} from './servers.ts';

const [count = 200, concurrency = 8] = numbers;

/** PSS in bytes of a process and all below it. */
function memory(pid: number): number {
  let total = 0;
  for (const id of processTree(pid)) {
    try {
      total += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {
      // it ended meanwhile
    }
  }
  return total;
}

async function run(name: string, server: Server): Promise<void> {
  const before = memory(server.child.pid!);
  const client = server.namespace.spawn(
    process.execPath,
    [
      path(HERE, 'login-client.ts'),
      '10.99.0.1',
      NAME,
      server.ca,
      String(count),
      String(concurrency),
      ...server.account,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(client);
  const { logins } = JSON.parse(await firstLine(client, /^\{"logins.*\}$/m, 'The client')) as { logins: number };
  const tls = memory(server.child.pid!);
  const { handshakes } = JSON.parse(await firstLine(client, /^\{"handshakes.*\}$/m, 'The client')) as {
    handshakes: number;
  };
  const dtls = memory(server.child.pid!);
  console.log(
    `${name.padEnd(9)}  ${logins.toFixed(0).padStart(5)} logins/s  ${handshakes.toFixed(0).padStart(5)} DTLS handshakes/s  ` +
      `${((tls - before) / count / 1024).toFixed(0).padStart(5)} KiB a session on TLS, ${((dtls - before) / count / 1024).toFixed(0).padStart(5)} KiB with DTLS`,
  );
  client.stdin!.end();
}

try {
  for (const [name, server] of await startServers()) await run(name, server);
} finally {
  await cleanUp();
}
