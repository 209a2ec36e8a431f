import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Simulator } from '../../src/index.ts';
import { SocksTunnel } from './socks-tunnel.ts';

/** Tunnels of a stock openconnect whose sessions are to be explained. */
export class ExplainedTunnels {
  readonly #sim: Simulator;
  readonly #folder: string;

  constructor(sim: Simulator, folder: string) {
    this.#sim = sim;
    this.#folder = folder;
  }

  /** The id of the latest session. */
  last(): string {
    return this.#sim.sessions.list().at(-1)!.id;
  }

  /** A tunnel that ends with the test, and the id of its session. */
  async open(t: Test, ...args: string[]): Promise<{ tunnel: SocksTunnel; id: string }> {
    const tunnel = await SocksTunnel.open(this.#sim, await this.#sim.token(), this.#folder, args);
    t.teardown(() => tunnel[Symbol.asyncDispose]());
    return { tunnel, id: this.last() };
  }

  /** A file with a new token. */
  async tokenFile(): Promise<string> {
    const path = join(this.#folder, 'other.jwt');
    writeFileSync(path, await this.#sim.token(), { mode: 0o600 });
    return path;
  }
}
