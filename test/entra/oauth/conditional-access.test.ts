import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  defaultDirectory,
  type PolicyInput,
  type TenantInput,
} from '../../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../../src/lib/tunnel-api.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

/** The default tenant, changed. */
function start(change: (tenant: TenantInput) => void): Promise<TestProvider> {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  return startProvider({ directory });
}

/** The code that a password request of Alice's ends with; 0 when she gets in. */
async function outcome(provider: TestProvider, changes: Record<string, string> = {}): Promise<number> {
  const form = {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scope: TUNNEL_DEFAULT_SCOPE,
    ...changes,
  };
  const { status, body } = await provider.post('/contoso.com/oauth2/v2.0/token', form);
  return status === 200 ? 0 : body.error_codes[0];
}

const block = (more: Partial<PolicyInput>): PolicyInput => ({ displayName: 'P', controls: ['block'], ...more });

t.test('a policy on risk strikes users of that risk, and no others', async (t) => {
  for (const [risk, policy, code] of [
    ['none', ['low', 'medium'], 0],
    ['low', ['low', 'medium'], 53003],
    ['medium', ['low', 'medium'], 53003],
    ['medium', ['low'], 0],
    ['high', ['low'], 53011],
  ] as const) {
    await using provider = await start((tenant) => {
      tenant.users!.find((user) => user.userPrincipalName === 'alice@contoso.com')!.risk = risk;
      tenant.policies = [block({ risk: [...policy] })];
    });
    t.equal(await outcome(provider), code, `${risk}, for ${policy}`);
  }
});

t.test('who is excluded is excluded, by any spelling', async (t) => {
  for (const [policy, code] of [
    [{}, 53003],
    [{ excludeUsers: ['ALICE@contoso.com'] }, 0],
    [{ users: ['Alice@Contoso.com'] }, 53003],
    [{ users: ['Alice@Contoso.com'], excludeUsers: ['alice@contoso.com'] }, 0],
    [{ users: ['bob@contoso.com'] }, 0],
    [{ clients: [DEFAULT_CLIENT_ID.toUpperCase()] }, 53003],
    [{ excludeClients: [DEFAULT_CLIENT_ID.toUpperCase()] }, 0],
  ] as const) {
    await using provider = await start((tenant) => {
      tenant.policies = [block(policy as Partial<PolicyInput>)];
    });
    t.equal(await outcome(provider), code, JSON.stringify(policy));
  }
});

t.test('of several controls all are needed, or one with “or”; a block goes before all', async (t) => {
  for (const [controls, operator, code] of [
    [['approved-client-app', 'mfa'], undefined, 53002],
    [['mfa', 'approved-client-app'], 'or', 50076],
    [['mfa', 'block'], undefined, 53003],
    [['password-change', 'mfa'], 'or', 0],
    [['mfa'], 'or', 50076],
  ] as const) {
    await using provider = await start((tenant) => {
      const alice = tenant.users!.find((user) => user.userPrincipalName === 'alice@contoso.com')!;
      Object.assign(alice, { mfaRegistered: true });
      Object.assign(tenant.applications![0]!, { approvedClientApp: false, appProtection: false });
      tenant.policies = [{ displayName: 'P', controls: [...controls], ...(operator ? { operator } : {}) }];
    });
    t.equal(await outcome(provider), code, `${controls} ${operator ?? 'and'}`);
  }
});
