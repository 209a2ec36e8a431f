/** The clients of the benchmarks, in processes of their own: one that logs in, and a light one for DTLS handshakes. */
import { spawnSync } from 'node:child_process';
import { join as path } from 'node:path';
import { Child } from '../lib/child.ts';
import { ADDRESS, type Bench, HERE, NAME, PORT, type Server } from './servers.ts';

export interface Done {
  readonly done: number;
  readonly perSecond: number;
}

/** The compiled client for handshakes, or undefined; says why. */
export function compileStorm(bench: Bench): string | undefined {
  const program = bench.path('dtls-storm');
  const { error, status, stderr } = spawnSync(
    'cc',
    ['-O2', '-o', program, path(HERE, 'dtls-storm.c'), '-lssl', '-lcrypto', '-lpthread'],
    { encoding: 'utf8' },
  );
  if (status === 0) return program;
  const why = error ? 'there is no C compiler' : (/^.*error:.*$/m.exec(stderr)?.[0] ?? stderr.slice(0, 200));
  console.log(
    `The light client for DTLS handshakes could not be built (${why}; Debian: apt-get install gcc libc6-dev libssl-dev): ` +
      'a client in TypeScript makes them, which costs more than the server. Look at CPU a handshake, not at the rate.',
  );
  return undefined;
}

/** Sessions of one server, and what makes them. */
export class Sessions {
  readonly server: Server;
  readonly #client: Child;
  readonly #storm: Child | undefined;
  #keys: string[] = [];

  constructor(bench: Bench, server: Server, storm: string | undefined) {
    this.server = server;
    const stdio = { stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'] };
    const client = server.namespace.spawn(
      process.execPath,
      // Its own collections are not what is measured.
      ['--max-semi-space-size=64', path(HERE, 'login-client.ts'), ADDRESS, NAME, server.ca, ...server.account],
      stdio,
    );
    this.#client = new Child(bench.keep(client), `The client of ${server.name}`);
    if (storm !== undefined) {
      const child = server.namespace.spawn(storm, [ADDRESS, String(PORT)], stdio);
      this.#storm = new Child(bench.keep(child), `dtls-storm of ${server.name}`);
    }
  }

  login(count: number, concurrent: number): Promise<Done> {
    return this.#client.ask(`login ${count} ${concurrent}`);
  }

  resume(count: number, concurrent: number): Promise<Done> {
    return this.#client.ask(`resume ${count} ${concurrent}`);
  }

  /** Handshakes for as many sessions that have none yet. */
  async handshakes(count: number, concurrent: number): Promise<Done> {
    if (!this.#storm) return await this.#client.ask(`dtls ${count} ${concurrent}`);
    if (this.#keys.length < count)
      this.#keys.push(...(await this.#client.ask<{ readonly keys: string[] }>('keys')).keys);
    const lines = this.#keys.splice(0, count);
    const result = await this.#storm.ask<Done & { readonly failed: number }>(
      [...lines, `run ${concurrent}`].join('\n'),
    );
    if (result.done < lines.length || lines.length < count)
      throw new Error(`${result.done} of ${count} DTLS handshakes with ${this.server.name} were completed.`);
    return result;
  }

  /** Ends the clients, and with them the sessions. */
  close(): void {
    this.#client.process.stdin!.end();
    this.#storm?.process.stdin?.end();
  }
}
