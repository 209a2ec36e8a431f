import { TunnelClient } from '../../client/index.ts';
import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { Narrator } from './narrator.ts';
import { signIn, type TokenCache } from './sign-in.ts';

/** How far to move the clock so that every token of the demo has expired: Entra ID issues none with a longer lifetime. */
const A_TOKENS_LIFE_MS = 90 * 60_000;

interface Revocation {
  readonly sim: Simulator;
  /** The user's session; it is over afterwards. */
  readonly client: TunnelClient;
  readonly cache: TokenCache;
  readonly user: string;
  readonly story: Narrator;
}

/** Disables the user, and shows how Entra ID, the gateway and the app react. */
export async function revokeUser({ sim, client, cache, user, story }: Revocation): Promise<void> {
  const begin = story.elapsed;
  story.turn(`The administrator disables ${user}, and revokes all sign-ins`);
  sim.identity.directory.defaultTenant.users.update(user, { enabled: false });
  sim.identity.revokeSessions(user);
  story.detail(
    `The tunnel is still ${client.connected ? 'open' : 'closed'}: a gateway checks a token only when a tunnel begins`,
  );

  const mark = sim.journal.mark();
  for (const { id } of sim.sessions.list()) sim.sessions.disconnect(id, { reason: 'the user was disabled' });
  await sim.journal.waitFor({ name: 'session.disconnect', since: mark });
  await client.close();
  story.detail(
    'So the administrator ends the session: the app gets a disconnect packet, and its cookie is no longer valid',
  );

  const answer = await signIn(sim, user);
  if (answer.refusal === undefined) throw new TunneliteError('ERR_INTERNAL', 'Entra ID signed in a disabled user.');
  story.detail(`The app asks for a new token. Entra ID refuses: ${answer.refusal}`);

  story.detail(
    'The old token is valid until it expires, because nobody asks Entra ID about it. So the clock is moved forward by 90 minutes',
  );
  await sim.clock.advance(A_TOKENS_LIFE_MS);
  const { reason, explanation } = await refused(sim, cache.token);
  story.detail(`Now the gateway also refuses the old token, with 401. ${explanation}`);
  const code = /AADSTS\d+/.exec(answer.refusal)?.[0] ?? 'refused';
  story.done('', 'The user is revoked', `Entra ID: ${code}; gateway: 401, ${reason}`, begin);
}

/** The gateway's answer to an expired token. @throws TunneliteError if it accepts the token */
async function refused(
  sim: Simulator,
  token: string,
): Promise<{ readonly reason: string; readonly explanation: string }> {
  const mark = sim.journal.mark();
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token }).catch((error: unknown) => {
    if (isTunneliteError(error) && error.code === 'ERR_CLIENT_TOKEN_REFUSED') return undefined;
    throw error;
  });
  if (client) {
    await client.close();
    throw new TunneliteError('ERR_INTERNAL', 'The gateway accepted an expired token.');
  }
  return (await sim.journal.waitFor({ name: 'auth.refused', since: mark })).fields;
}
