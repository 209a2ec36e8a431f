import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import t from 'tap';
import { TunnelClient } from '../../src/client/index.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { testLeaf } from '../support/certificates.ts';

t.test('a certificate of one’s own is presented instead of a generated one, and readiness compares it', async (t) => {
  const own = await testLeaf('localhost');
  const folder = t.testdir({ 'site.crt': own.certPem, 'site.key': own.keyPem });
  const tls = { certFile: join(folder, 'site.crt'), keyFile: join(folder, 'site.key') };
  await using sim = await startSimulator({ gateway: { tls } });
  t.ok((await sim.check()).every((one) => one.ok));
  const { port } = new URL(sim.urls.gateway);
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: 'localhost', port: Number(port), ca: own.caPem }, () => {
      socket.destroy();
      resolve();
    }).on('error', reject);
  });
});

t.test('files that are no matching certificate and key are refused with their names', async (t) => {
  const [one, two] = [await testLeaf('localhost'), await testLeaf('other.localhost')];
  const folder = t.testdir({ 'a.crt': one.certPem, 'b.key': two.keyPem, text: 'x' });
  const start = (certFile: string, keyFile: string): Promise<unknown> =>
    startSimulator({ gateway: { tls: { certFile: join(folder, certFile), keyFile: join(folder, keyFile) } } });
  await t.rejects(start('a.crt', 'b.key'), { code: 'ERR_CERT_MISMATCH', message: /b\.key does not belong/ });
  await t.rejects(start('text', 'b.key'), {
    code: 'ERR_CONFIG_FILE',
    message: /^gateway\.tls: .* are not a certificate and its key: /,
  });
  await t.rejects(start('none', 'b.key'), {
    code: 'ERR_CONFIG_FILE',
    message: /^gateway\.tls\.certFile: .*none cannot be read: no such file/,
    hint: /generated/,
  });
});

t.test('TLS secrets go to the key-log file, which only its owner can read', async (t) => {
  const keylogFile = join(t.testdir(), 'keys.log');
  await using sim = await startSimulator({ gateway: { tls: { keylogFile } } });
  {
    await using client = await TunnelClient.connect({ server: sim.urls.gateway, token: await sim.token(), ca: sim.ca });
    t.ok(client.connected);
  }
  t.match(readFileSync(keylogFile, 'utf8'), /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/m);
  t.equal(statSync(keylogFile).mode & 0o777, 0o600);
});

t.test('clients may reach Entra ID by another origin, which tokens and metadata then name', async (t) => {
  await using first = await startSimulator();
  const { port } = new URL(first.urls.authority);
  await first.close();
  await using sim = await startSimulator({
    identity: { port: Number(port), publicOrigin: `https://127.0.0.1:${port}` },
  });
  t.match(sim.urls.authority, new RegExp(`^https://127\\.0\\.0\\.1:${port}/`));
  const { claims } = await sim.mintToken();
  t.ok(String(claims.iss).startsWith(`https://127.0.0.1:${port}/`));
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, token: await sim.token(), ca: sim.ca });
  t.ok(client.connected);
});
