import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ProxyAgent, WebSocket } from 'undici';
import { startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { collect } from '../support/namespace.ts';

// HTTP CONNECT at the gateway's port by stock clients: curl over HTTP/1.1 and HTTP/2, undici for WebSocket.

t.setTimeout(200_000);
const skip = skipUnless({ programs: ['curl'] });

t.test('stock clients reach the mock network by CONNECT, as documented', { skip }, async (t) => {
  const sim = await startSimulator({ gateway: { httpConnect: true } });
  t.teardown(() => sim.close());
  const ca = join(t.testdir(), 'ca.pem');
  await writeFile(ca, sim.ca);
  const token = await sim.token();
  const proxy = ['--proxy', `https://localhost:${sim.gateway.port}`, '--proxy-cacert', ca, '--cacert', ca, '-sS'];
  const curl = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await collect(spawn('curl', [...proxy, ...args]), 'curl', { timeout: 120_000 });
    return `${stdout}${stderr}`;
  };
  const byUser = ['--proxy-user', `bearer:${token}`];

  await t.test('HTTP/1.1 and HTTP/2, with the token in either form', async (t) => {
    const told = ['-o', '/dev/null', '-w', '%{http_connect} %{http_code} %{http_version}'];
    for (const credentials of [byUser, ['--proxy-header', `Proxy-Authorization: Bearer ${token}`]]) {
      t.equal(await curl(...credentials, ...told, 'https://api.contoso.internal/echo'), '200 200 2');
      t.equal(await curl(...credentials, ...told, '--http1.1', 'https://api.contoso.internal/echo'), '200 200 1.1');
      t.equal(await curl(...credentials, ...told, '--proxytunnel', 'http://intranet/whoami'), '200 200 1.1');
      t.equal(await curl(...credentials, ...told, 'https://[fd10:20::10]/whoami', '-k'), '200 200 1.1');
    }
  });

  await t.test('an answer of the proxy is understood', async (t) => {
    const told = ['-o', '/dev/null', '-w', '%{http_connect} '];
    t.match(await curl(...told, 'https://intranet.contoso.internal/'), /^407 .*407/s);
    t.match(await curl(...byUser, ...told, 'https://evil.example.com/'), /^403 .*403/s);
  });

  await t.test('500 downloads at once are each byte-exact', async (t) => {
    const count = 500;
    const bytes = 50_000;
    const folder = t.testdir();
    const args = ['--parallel', '--parallel-immediate', '--parallel-max', String(count), '--proxytunnel'];
    const url = `http://files.contoso.internal/bytes/${bytes}?n=[1-${count}]`;
    t.notMatch(await curl(...byUser, ...args, '-o', join(folder, '#1'), url), /curl:/);
    const body = await curl(...byUser, `https://files.contoso.internal/bytes/${bytes}/sha256`);
    const sums = new Set<string>();
    for (let i = 1; i <= count; i++) {
      sums.add(
        createHash('sha256')
          .update(await readFile(join(folder, String(i))))
          .digest('hex'),
      );
    }
    t.equal(sums.size, 1);
    t.ok(body.includes([...sums][0]!), 'which is what the server says');
  });

  await t.test('WebSocket through undici', async (t) => {
    const dispatcher = new ProxyAgent({
      uri: `https://localhost:${sim.gateway.port}`,
      token: `Bearer ${token}`,
      proxyTls: { ca: sim.ca },
      requestTls: { ca: sim.ca },
    });
    t.teardown(() => dispatcher.close());
    const socket = new WebSocket('wss://stream.contoso.internal/ws', { dispatcher });
    const answer = await new Promise((resolve, reject) => {
      socket.onerror = (event) => reject(event.error);
      socket.onopen = () => socket.send('hello');
      socket.onmessage = ({ data }) => resolve(data);
    });
    t.equal(answer, 'hello');
    socket.close();
  });

  sim.journal.expect({ name: 'resource.end', fields: { channel: 'http-connect', outcome: 'completed' } });
});
