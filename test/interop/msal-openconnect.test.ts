import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/entra/tokens/constants.ts';
import { startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { Msal } from '../support/msal.ts';
import { PeerProcess } from '../support/peer-process.ts';

const skip = skipUnless({ programs: ['openconnect', 'ocproxy', 'curl'] });
const run = promisify(execFile);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

for (const policy of ['gateway', 'strict'] as const) {
  t.test(
    `the whole chain, policy ${policy}: MSAL signs in, openconnect takes its token, a page comes through the tunnel`,
    { skip },
    async (t) => {
      await using sim = await startSimulator({ identity: { policy } });
      await using msal = await Msal.start({ caPem: sim.ca });
      const { authority } = sim.urls;
      await msal.call({
        call: 'configure',
        kind: 'public',
        configuration: {
          auth: { clientId: DEFAULT_CLIENT_ID, authority, knownAuthorities: [new URL(authority).host] },
        },
      });
      const { result, failure } = await msal.call({
        call: 'password',
        username: 'alice@contoso.com',
        password: DEFAULT_PASSWORD,
        scopes: [TUNNEL_DEFAULT_SCOPE],
      });
      t.equal(failure, undefined);

      const directory = t.testdir();
      const [ca, token] = [join(directory, 'ca.pem'), join(directory, 'token.jwt')];
      writeFileSync(ca, sim.ca);
      writeFileSync(token, result!.accessToken, { mode: 0o600 });
      const socks = await freePort();
      await using client = new PeerProcess('openconnect', [
        '--protocol=anyconnect',
        '--http-auth=Bearer',
        '--token-mode=oidc',
        `--token-secret=@${token}`,
        `--cafile=${ca}`,
        '--script-tun',
        `--script=ocproxy -D ${socks}`,
        sim.urls.gateway,
      ]);
      await client.until(/Configured as 169\.254\./);
      const { fields } = await sim.journal.waitFor({ name: 'auth.accepted' });
      t.equal(fields.user, result!.uniqueId, 'the gateway knows the user by the object id');

      const { stdout } = await run('curl', [
        '-sS',
        '--max-time',
        '20',
        '--retry',
        '5',
        '--retry-connrefused',
        '--proxy',
        `socks5h://127.0.0.1:${socks}`,
        'http://intranet.contoso.internal/',
      ]);
      t.match(stdout, /You reached the on-premises network through the tunnel/);
    },
  );
}
