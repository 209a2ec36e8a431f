import type { Gateway, SessionInfo } from '../gateway/index.ts';
import { TunneliteError } from '../lib/errors.ts';

/**
 * The sessions of the gateway, and what an operator can do to one. Ids are the six characters of the log and the journal.
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

  /** All sessions whose cookie is good, connected or not; copies that stay as they are. */
  list(): SessionInfo[] {
    return this.#gateway.sessions();
  }

  /**
   * One session, as it is now.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  get(id: string): SessionInfo {
    const session = this.#gateway.sessions().find((one) => one.id === id);
    if (session) return session;
    throw new TunneliteError('ERR_SESSION_UNKNOWN', `There is no session ${JSON.stringify(id)}.`, { details: { id } });
  }

  /**
   * Ends a session as an administrator does: the client gets a disconnect packet, and its cookie is invalid at once.
   * @param options `reason`: a sentence for the journal; the client is not told it, as by the real server
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  disconnect(id: string, options: { readonly reason?: string } = {}): void {
    this.get(id);
    this.#gateway.disconnect(id, options.reason);
  }

  /**
   * Ends a session as its time limit does (`session-timeout`): the client gets a disconnect packet, and its cookie is invalid. One that
   * has no tunnel only loses its cookie, as after `gateway.cookieTimeout`.
   * @throws TunneliteError `ERR_SESSION_UNKNOWN`
   */
  expire(id: string): void {
    this.get(id);
    this.#gateway.expire(id);
  }

  /**
   * Has the client renew its tunnel, and with it all keys. The protocol knows no rekey that a server begins: the connection
   * ends without a disconnect packet, and the client comes back with its cookie, as it does for a rekey of its own.
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
