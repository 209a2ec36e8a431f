import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SeedPolicies } from '../../src/intune/index.ts';
import { graphClient } from '../support/graph.ts';
import { skipUnless } from '../support/interop.ts';
import { OCSERV_INNER, OCSERV_PASSWORD, OCSERV_USER, startOcserv } from '../support/ocserv.ts';
import { ALICE, LOB, makePolicies, managedApp } from '../support/policies.ts';
import { start } from '../support/running-simulator.ts';

/*
 * A policy that names a gateway which is not ours: an app gets it, and `TunnelClient` in it finds ocserv by it and moves data through it.
 * Debian's ocserv has no sign-in by token, so that it is signed in to by name and password.
 */

const options = { skip: skipUnless({ programs: ['ocserv', 'ocpasswd', 'openssl'], root: true, tun: true }) };
t.setTimeout(200_000);

const login = { user: OCSERV_USER, password: OCSERV_PASSWORD };
const put = ({ appConfiguration }: SeedPolicies, key: string, value: string): void => {
  const settings = appConfiguration.body.customSettings as { name: string; value: string }[];
  const found = settings.find(({ name }) => name === `com.microsoft.tunnel.${key}`);
  if (found) found.value = value;
  else settings.push({ name: `com.microsoft.tunnel.${key}`, value });
};

/** A certificate that has signed itself, for an address. */
function selfSigned(t: Test, address: string): { readonly certPem: string; readonly keyPem: string } {
  const folder = t.testdir();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=inner', '-addext', `subjectAltName=IP:${address}`, '-days', '2'];
  const files = ['-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files], { stdio: 'ignore' });
  return { certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') };
}

/** A web server behind ocserv, at the address that the kernel has in its tunnels. */
async function serve(t: Test, server: http.Server | https.Server): Promise<number> {
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** An app with the policies that are made, on a device that trusts the CA of ocserv. */
async function lab(t: Test, change: (policies: SeedPolicies) => void = () => {}) {
  const server = await startOcserv();
  t.teardown(() => server[Symbol.asyncDispose]());
  const sim = await start(t);
  const graph = await graphClient(t, sim);
  const ids = await makePolicies(sim, graph, {
    change: (policies) => {
      put(policies, 'server_address', `localhost:${server.port}`);
      // What the SDK logs is set by the policy as well: which channel carries data is told at this level.
      (policies.appConfiguration.body.customSettings as object[]).push({ name: 'Socket', value: 'info' });
      change(policies);
    },
  });
  const dtls = Promise.withResolvers<void>();
  const app = managedApp(t, sim, {
    device: { ca: server.caPem, login },
    logDelegate: {
      logMessage: (message) => {
        if (/^Data goes over dtls/.test(message)) dtls.resolve();
      },
    },
  });
  return { server, sim, graph, ids, app, dtls: dtls.promise };
}

t.test(
  'the client in an app connects to ocserv by a delivered policy, and pages come through it',
  options,
  async (t) => {
    const { certPem, keyPem } = selfSigned(t, OCSERV_INNER);
    const page = await serve(
      t,
      https.createServer({ cert: certPem, key: keyPem }, ({ socket }, answer) =>
        answer.end(`page ${socket.remoteAddress}`),
      ),
    );
    const { server, sim, graph, ids, app, dtls } = await lab(t, (policies) => {
      const der = certPem.replace(/-----[^-]+-----|\s/g, '');
      const item = { displayName: 'Inner root', trustedRootCertificate: der };
      put(policies, 'trusted_root_certificates', JSON.stringify([item]));
    });
    t.match(await app.launch(ALICE), { tunnel: 'connected', why: /the SDK starts it with the app/ });
    sim.journal.expect({ name: 'intune.delivered', fields: { app: LOB } });
    const client = app.sdk!.client!;
    t.match(client.configuration, { address4: /^192\.168\.177\./ });
    await dtls;
    t.ok((await client.ping(OCSERV_INNER)) >= 0, 'the kernel behind ocserv answers');
    const { status, body } = await app.fetch(`https://${OCSERV_INNER}:${page}/`);
    t.equal(status, 200, 'the certificate of the page is trusted by the policy alone');
    t.match(body.toString(), /page (::ffff:)?192\.168\.177\.(?!1$)\d+/, 'the page was asked for from inside');
    t.equal(client.channel, 'dtls');
    t.equal(sim.journal.count({ name: 'auth.challenge' }), 0, 'the gateway of the simulator was not asked');

    await graph('PATCH', `/beta/deviceAppManagement/targetedManagedAppConfigurations/${ids.appConfiguration}`, {
      assignments: [],
    });
    t.match(await app.launch(ALICE), { tunnel: 'not asked', why: /assigned to no one/ }, 'the policy is taken away');
    t.notOk(app.connected);
    await server.process.until(/user disconnected/);
  },
);

t.test(
  'a PAC file of the policy is fetched through ocserv, and says which requests take the proxy',
  options,
  async (t) => {
    const page = await serve(
      t,
      http.createServer((_, answer) => answer.end('page')),
    );
    const asked: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', ({ url = '' }, socket) => {
      asked.push(`${url} from ${(socket as Socket).remoteAddress}`);
      const onward = connect(page, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
      for (const each of [socket, onward]) each.on('error', () => onward.destroy());
    });
    const proxyPort = await serve(t, proxy);
    let fetched = 0;
    const pac = await serve(
      t,
      http.createServer((_, answer) => {
        fetched++;
        answer.end(
          `function FindProxyForURL(url, host) { return host === '${OCSERV_INNER}' ? 'DIRECT' : 'PROXY ${OCSERV_INNER}:${proxyPort}'; }`,
        );
      }),
    );
    const { sim, app } = await lab(t, (policies) => {
      put(policies, 'proxy_pacurl', `http://${OCSERV_INNER}:${pac}/proxy.pac`);
    });
    t.match(await app.launch(ALICE), { tunnel: 'connected' });
    t.equal((await app.fetch('http://elsewhere.example/')).body.toString(), 'page');
    t.match(asked, [/^elsewhere\.example:80 from (::ffff:)?192\.168\.177\.(?!1$)\d+$/], 'from inside ocserv’s tunnel');
    t.equal((await app.fetch(`http://${OCSERV_INNER}:${page}/`)).body.toString(), 'page');
    t.equal(asked.length, 1, 'DIRECT means without the proxy');
    t.equal(fetched, 1);
    t.equal(sim.journal.count({ name: 'auth.challenge' }), 0);
  },
);

t.test('a login that ocserv refuses is told to the person at the phone', options, async (t) => {
  const { sim, server } = await lab(t);
  const wrong = { user: OCSERV_USER, password: 'wrong' };
  const app = managedApp(t, sim, { device: { ca: server.caPem, login: wrong }, token: () => 'x' });
  t.match(await app.launch(ALICE), { tunnel: 'failed', code: 'ERR_CLIENT_TOKEN_REFUSED' });
});
