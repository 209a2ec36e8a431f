import type { SessionStore, StoredSession } from './types.ts';

/** Keeps sessions in this process: what a single server does, as real sites do not share sessions. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<string, StoredSession>();

  async get(key: string): Promise<StoredSession | undefined> {
    return this.#sessions.get(key);
  }

  async put(session: StoredSession): Promise<void> {
    this.#sessions.set(session.key, session);
  }

  async delete(key: string): Promise<void> {
    this.#sessions.delete(key);
  }
}
