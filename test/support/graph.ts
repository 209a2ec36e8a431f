import type { Test } from 'tap';
import { Agent, fetch } from 'undici';
import { GRAPH_RESOURCE_ID } from '../../src/entra/directory/index.ts';
import type { Simulator } from '../../src/index.ts';

/** All that an administrator's tool may do. */
export const ADMIN_SCOPES = [
  'User.Read',
  'User.Read.All',
  'DeviceManagementConfiguration.ReadWrite.All',
  'DeviceManagementApps.ReadWrite.All',
  'Application.ReadWrite.All',
  'Group.ReadWrite.All',
];

export interface GraphAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A token for Microsoft Graph, with these permissions. */
export function graphToken(sim: Simulator, scopes: readonly string[] = ADMIN_SCOPES): Promise<string> {
  return sim.token({ user: 'alice@contoso.com', audience: GRAPH_RESOURCE_ID, scopes: [...scopes] });
}

/** Asks Graph; paths begin with the version. A body that is a text is sent as it is. */
export async function graphClient(t: Test, sim: Simulator, given?: string) {
  const token = given ?? (await graphToken(sim));
  const dispatcher = new Agent({ connect: { ca: sim.ca } });
  t.teardown(() => dispatcher.close());
  const { origin } = new URL(sim.urls.authority);
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<GraphAnswer> => {
    const answer = await fetch(new URL(path, origin), {
      method,
      dispatcher,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  };
}
