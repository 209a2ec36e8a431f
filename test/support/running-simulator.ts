import type { Test } from 'tap';
import { Agent, fetch } from 'undici';
import { DEFAULT_CLIENT_ID } from '../../src/entra/directory/default-directory.ts';
import {
  type ConfigInput,
  type Simulator,
  type SimulatorRuntime,
  startSimulator,
  TunnelClient,
} from '../../src/index.ts';

/** A simulator until the test is over. */
export async function start(t: Test, config: ConfigInput = {}, runtime: SimulatorRuntime = {}): Promise<Simulator> {
  const sim = await startSimulator(config, runtime);
  t.teardown(() => sim.close());
  return sim;
}

/** A client of it, and the id of its session; `ended` tells why it was cut off. */
export async function connect(t: Test, sim: Simulator, user = 'alice@contoso.com') {
  const { promise: ended, resolve } = Promise.withResolvers<Error>();
  const mark = sim.journal.mark();
  const client = await TunnelClient.connect({
    server: sim.urls.gateway,
    ca: sim.ca,
    token: await sim.token({ user }),
    // What the gateway does to a client is looked at, not what the client does about it.
    reconnectTimeout: 0,
    onDisconnect: resolve,
  });
  t.teardown(() => client.close());
  const { fields } = await sim.journal.waitFor({ name: 'session.connect', since: mark });
  return { client, ended, id: fields.session };
}

/** The parameters of a password grant for a default user. */
export const PASSWORD = {
  grant_type: 'password',
  username: 'alice@contoso.com',
  password: 'Passw0rd!',
  scope: 'openid offline_access',
};

/** Asks the token endpoint of the built-in Entra ID. */
export async function askToken(t: Test, sim: Simulator, form: Record<string, string>) {
  const dispatcher = new Agent({ connect: { ca: sim.ca } });
  t.teardown(() => dispatcher.close());
  const body = new URLSearchParams({ client_id: DEFAULT_CLIENT_ID, ...form });
  const answer = await fetch(`${sim.urls.authority}/oauth2/v2.0/token`, { method: 'POST', body, dispatcher });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}
