import { type Found, foundIn } from '../../bearer/found.ts';
import type { Principal, TokenVerifier } from '../../bearer/types.ts';
import type { FaultPorts, StreamFault } from '../../faults/ports.ts';
import type { ClientHeaders } from '../../wire/cstp-headers.ts';
import { type BearerPrefix, readBearer } from './bearer.ts';

/** What a login needs from the gateway. */
export interface LoginHost {
  readonly verifier: TokenVerifier;
  readonly faults: FaultPorts;
  readonly bearerPrefix: BearerPrefix;
}

/** A final refusal; only the log contains the reason. */
export interface LoginRefusal extends Found {
  readonly kind: 'refused';
  readonly reason: string;
  readonly explanation: string;
}

/** Kind of a POST request. */
export type LoginRequest =
  | LoginRefusal
  /** Without a token: the client gets a challenge. */
  | { readonly kind: 'challenge' }
  | { readonly kind: 'token'; readonly token: string };

/** @param repeated the connection is already authenticated */
export function readLogin(host: LoginHost, headers: ClientHeaders, repeated: boolean): LoginRequest {
  if (repeated) {
    const explanation = 'The connection had already authenticated and sent a second login.';
    return refused('repeated', explanation);
  }
  const bearer = readBearer(headers.authorization, host.bearerPrefix);
  if (bearer.kind === 'absent') return { kind: 'challenge' };
  if (bearer.kind === 'refused') return refused('scheme', bearer.explanation);
  return bearer;
}

/**
 * The user of the token, or why the token or the fault plan refuses the client.
 *
 * @param suffer applies the fault plan to the connection; resolves with true when the connection has ended
 */
export async function checkLogin(
  host: LoginHost,
  token: string,
  remote: { readonly address: string; readonly key: string },
  suffer: (fault: StreamFault) => Promise<boolean>,
): Promise<LoginRefusal | { readonly kind: 'accepted'; readonly principal: Principal } | { readonly kind: 'gone' }> {
  const verdict = await host.verifier.verify(token);
  const principal = verdict.ok ? verdict.principal : undefined;
  const facts = { remote, person: principal, claims: principal?.claims };
  const harm = host.faults.stream?.('authenticate', facts);
  if (harm && (await suffer(harm))) return { kind: 'gone' };
  const fault = host.faults.decision?.('authenticate', facts);
  if (fault) return refused('fault', fault.explanation);
  if (verdict.ok) return { kind: 'accepted', principal: verdict.principal };
  const { reason, explanation } = verdict.refusal;
  return refused(reason, explanation, foundIn(verdict.refusal));
}

function refused(reason: string, explanation: string, found: Found = {}): LoginRefusal {
  return { kind: 'refused', reason, explanation, ...found };
}
