import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import {
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  defaultDirectory,
  GRAPH_RESOURCE_ID,
} from '../../src/entra/directory/index.ts';
import type { DirectoryInput } from '../../src/entra/index.ts';
import { ADMIN_SCOPES } from '../support/graph.ts';
import { Msal } from '../support/msal.ts';
import { start } from '../support/running-simulator.ts';

/*
 * Microsoft's own libraries: MSAL for Node gets the token, the Graph client for JavaScript reads and writes, unmodified but for its base URL.
 */

t.setTimeout(200_000);
const run = promisify(execFile);
const ADMIN = '1f6a7e3c-0000-4000-8000-00000000ad31';

/** The default directory with an administrator's tool in it, which was consented to. */
function directory(): DirectoryInput {
  const all = defaultDirectory();
  const [tenant] = all.tenants;
  tenant!.applications!.push({
    appId: ADMIN,
    displayName: 'Admin tool',
    redirectUris: ['http://localhost'],
    permissions: [{ resource: GRAPH_RESOURCE_ID, scopes: ADMIN_SCOPES }],
  });
  tenant!.consents!.push({ client: ADMIN, resource: GRAPH_RESOURCE_ID, scopes: ADMIN_SCOPES });
  return all;
}

/** What a script of an administrator does, in a process of its own that trusts the CA. */
const SCRIPT = fileURLToPath(new URL('../support/graph-script.ts', import.meta.url));

t.test('MSAL gets the token, and the Graph client reads and writes with it', async (t) => {
  const sim = await start(t, { identity: { directory: directory() } });
  await using msal = await Msal.start({ caPem: sim.ca });
  const authority = `${new URL(sim.urls.authority).origin}/${DEFAULT_TENANT_ID}`;
  const auth = { clientId: ADMIN, authority, knownAuthorities: [new URL(authority).host] };
  await msal.call({ call: 'configure', kind: 'public', configuration: { auth } });
  const scopes = [
    'DeviceManagementConfiguration.ReadWrite.All',
    'DeviceManagementApps.ReadWrite.All',
    'Group.ReadWrite.All',
    'User.Read',
  ];
  const { result, failure } = await msal.call({
    call: 'password',
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scopes,
  });
  t.equal(failure, undefined);
  const ca = t.testdir({ 'ca.pem': sim.ca });
  const { stdout } = await run(process.execPath, [SCRIPT], {
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: `${ca}/ca.pem`,
      NODE_NO_WARNINGS: '1',
      GIVEN: JSON.stringify({ origin: new URL(authority).origin, token: result!.accessToken }),
    },
  });
  t.match(JSON.parse(stdout), {
    site: { displayName: 'Tunnelite', health: 'healthy' },
    advanced: [{ name: 'session-timeout', value: '300' }],
    id: /^A_/,
    found: [['@odata.type', 'id', 'version']],
    paged: 'string',
    count: 120,
    me: 'alice@contoso.com',
    error: { code: 'ResourceNotFound', status: 404, requestId: 'string' },
    refused: { code: 'BadRequest', message: /'nonsense' does not exist/ },
  });
  t.equal(sim.config.gateway.sessionTimeout, 300, 'new sessions end after five minutes');
});
