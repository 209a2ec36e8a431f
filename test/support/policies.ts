import type { Test } from 'tap';
import { appConfiguration, ManagedApp, type ManagedAppOptions } from '../../src/client/index.ts';
import { MAM_RESOURCE_ID } from '../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/entra/index.ts';
import type { Simulator } from '../../src/index.ts';
import { type SeedPolicies, seedPolicies } from '../../src/intune/index.ts';
import { clientFacts } from '../../src/simulator/index.ts';
import type { graphClient } from './graph.ts';
import { askToken, PASSWORD } from './running-simulator.ts';

export const ALICE = { username: 'alice@contoso.com', kind: 'work' } as const;
export const LOB = 'com.contoso.lob';

type Graph = Awaited<ReturnType<typeof graphClient>>;

/** The three policies for an app, and a group with Alice in it, made over Graph as an administrator's tool does. */
export async function makePolicies(
  sim: Simulator,
  graph: Graph,
  options: {
    readonly app?: string;
    readonly platform?: 'ios' | 'android';
    /** Policies that are left out. */
    readonly without?: readonly (keyof SeedPolicies)[];
    /** What is changed of bodies before they are sent. */
    readonly change?: (policies: SeedPolicies) => void;
  } = {},
): Promise<Record<keyof SeedPolicies, string>> {
  const { app = LOB, platform = 'ios', without = [], change } = options;
  const made = await graph('POST', '/v1.0/groups', { displayName: `Users of ${app}` });
  const { body: me } = await graph('GET', '/v1.0/me');
  const ref = { '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${me.id}` };
  await graph('POST', `/v1.0/groups/${made.body.id}/members/$ref`, ref);
  const { id: site } = (await sim.intune()).site;
  const facts = clientFacts(sim, { name: 'localhost', address: '127.0.0.1' });
  const policies = structuredClone(seedPolicies(facts, { app, platform, group: String(made.body.id), site }));
  change?.(policies);
  const ids: Record<string, string> = {};
  for (const name of Object.keys(policies) as (keyof SeedPolicies)[]) {
    if (without.includes(name)) continue;
    const { status, body } = await graph('POST', `/beta${policies[name].path}`, policies[name].body);
    if (status !== 201) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
    ids[name] = String(body.id);
  }
  return ids as Record<keyof SeedPolicies, string>;
}

/** Signs Alice in at Entra ID, as an app without a broker does in a test. */
export async function signIn(t: Test, sim: Simulator, scope: string): Promise<string> {
  const { body } = await askToken(t, sim, { ...PASSWORD, scope });
  return body.access_token ?? '';
}

/** An app on a phone: its policies come over the network, its tokens from Entra ID. */
export function managedApp(t: Test, sim: Simulator, options: Partial<ManagedAppOptions> = {}): ManagedApp {
  const { app = LOB, platform = 'ios' } = options;
  const managed = new ManagedApp({
    app,
    platform,
    device: { ca: sim.ca },
    policies: async () => {
      const token = await signIn(t, sim, `${MAM_RESOURCE_ID}/.default`);
      return appConfiguration({ authority: sim.urls.authority, token, app, platform, ca: sim.ca });
    },
    token: () => signIn(t, sim, TUNNEL_DEFAULT_SCOPE),
    ...options,
  });
  t.teardown(() => managed.close());
  return managed;
}
