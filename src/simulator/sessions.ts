import type { Gateway, SessionInfo } from '../gateway/index.ts';
import { TunneliteError } from '../lib/errors.ts';

/**
 * The sessions of the gateway, and an operator's actions on them. Ids are the six characters in the log and the journal.
 *
 * @example
 * ```ts
 * const [session] = sim.sessions.list();
 * sim.sessions.disconnect(session.id, { reason: 'the test is over' });
 * ```
 */
export class SessionControls {
  readonly #gateway: Gateway;

  /** @internal */
  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** All sessions with a valid cookie, connected or not; the returned copies do not change. */
  list(): SessionInfo[] {
    return this.#gateway.sessions();
  }

  /**
   * The current state of one session.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  get(id: string): SessionInfo {
    const session = this.#gateway.sessions().find((one) => one.id === id);
    if (session) return session;
    throw new TunneliteError('ERR_SESSION_UNKNOWN', `There is no session ${JSON.stringify(id)}.`, { details: { id } });
  }

  /**
   * Ends a session like an administrator: the client gets a disconnect packet, and its cookie is invalid immediately.
   * @param options `reason`: a sentence for the journal; it is not sent to the client, as with the real server
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  disconnect(id: string, options: { readonly reason?: string } = {}): void {
    this.get(id);
    this.#gateway.disconnect(id, options.reason);
  }

  /**
   * Ends a session like its time limit (`session-timeout`): the client gets a disconnect packet, and its cookie is invalid. A session
   * without a tunnel only loses its cookie, as after `gateway.cookieTimeout`.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  expire(id: string): void {
    this.get(id);
    this.#gateway.expire(id);
  }

  /**
   * Makes the client renew its tunnel, and with it all keys. The protocol has no server-initiated rekey: the connection
   * ends without a disconnect packet, and the client returns with its cookie, as in a rekey of its own.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`, `ERR_SESSION_NOT_CONNECTED`
   */
  rekey(id: string): void {
    this.get(id);
    if (this.#gateway.rekey(id)) return;
    throw new TunneliteError('ERR_SESSION_NOT_CONNECTED', `The session ${id} has no tunnel that could be renewed.`, {
      details: { id },
    });
  }
}
