import { createServer } from 'node:https';
import t from 'tap';
import { probes } from '../../src/admin/index.ts';
import { loadCertificates } from '../../src/certs/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';

const load = () => loadCertificates({ directory: undefined, clock: systemClock, random: systemRandom, emit: () => {} });

t.test('what answers as a client needs it is well, what does not is explained', async (t) => {
  const store = await load();
  const leaf = await store.leaf('probe', { dnsNames: ['localhost'], ips: ['127.0.0.1'] });
  let page = 'I am still alive!!';
  let keys: unknown[] = [{}];
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    if (request.url === '/metadata') response.end(JSON.stringify({ jwks_uri: `${url}/keys` }));
    else if (request.url === '/keys') response.end(JSON.stringify({ keys }));
    else response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
  const targets = { gateway: url, identityMetadata: `${url}/metadata`, ca: store.ca.certPem };
  const check = probes(targets);

  t.match(await check(), [
    { name: 'gateway', ok: true },
    { name: 'identity', ok: true, explanation: /1 signing key/ },
  ]);
  page = 'login';
  keys = [];
  t.match(await check(), [
    { ok: false, explanation: /instead of its probe page/ },
    { ok: false, explanation: /no signing key/ },
  ]);

  const stranger = (await load()).ca.certPem;
  t.match(await probes({ ...targets, ca: stranger })(), [{ ok: false, explanation: /does not answer/ }, { ok: false }]);
  t.match(await probes({ ...targets, identityMetadata: undefined })(), [{ name: 'gateway' }]);
  server.close();
  server.closeAllConnections();
  t.match(await check(), [{ ok: false, explanation: /ECONNREFUSED/ }, { ok: false }]);
});
