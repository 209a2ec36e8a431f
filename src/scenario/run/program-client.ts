import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Timer } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { connectHost, endpointText } from '../../lib/endpoint.ts';
import { errorText } from '../../lib/errors.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { ClientAction, CommandClient } from '../format/types.ts';
import { freePort } from './free-port.ts';
import { Program } from './program.ts';
import type { Recording } from './record.ts';
import { fetchBySocks } from './socks-page.ts';
import type { StageClient } from './stage.ts';
import type { Tokens } from './tokens.ts';

/** The command for `client: openconnect`: no root, because the tunnel's traffic goes through ocproxy. */
export const OPENCONNECT: CommandClient = {
  command: [
    'openconnect',
    '--protocol=anyconnect',
    '--http-auth=Bearer',
    '--token-mode=oidc',
    '--token-secret=@{tokenFile}',
    '--cafile={caFile}',
    '--script-tun',
    '--script=ocproxy -D {socksPort}',
    '{server}',
  ],
};

/** What a client that is a program needs. */
export interface ProgramClientParts {
  readonly index: number;
  readonly sim: Simulator;
  readonly wanted: CommandClient;
  readonly tokens: Tokens;
  readonly recording: Recording;
  /** Its own folder for files. */
  readonly folder: string;
}

/** A client that is another program, such as openconnect. */
export class ProgramClient implements StageClient {
  readonly index: number;
  readonly #parts: ProgramClientParts;
  #program: Program | undefined;
  #socksPort = 0;
  #wanted = false;
  #again: Timer | undefined;
  /** Number of refused tokens when it started. */
  #refusals = 0;
  #started = 0;

  constructor(parts: ProgramClientParts) {
    this.index = parts.index;
    this.#parts = parts;
  }

  /** The gateway cannot distinguish programs on one machine: there must be as many sessions as clients. */
  get connected(): boolean {
    const { sim } = this.#parts;
    return this.#program?.running === true && sim.sessions.list().some(({ state }) => state === 'connected');
  }

  async fetch(url: string, timeout: number): Promise<string | undefined> {
    const { sim, wanted, folder } = this.#parts;
    if (this.#program?.running !== true) return 'the client is not running';
    if (!wanted.fetch)
      return fetchBySocks({ url, socksPort: this.#socksPort, ca: sim.ca, clock: systemClock, timeout });
    let last = '';
    const { promise, resolve } = Promise.withResolvers<number | string>();
    const command = wanted.fetch.map((text) => this.#filled(text, url));
    const fetching = new Program({ command, cwd: folder, onLine: (text) => (last = text), onEnd: resolve });
    const timer = systemClock.setTimer(timeout, () => void fetching.stop(systemClock));
    const status = await promise;
    timer.cancel();
    if (status === 0) return undefined;
    return fetching.stopping ? 'timeout' : `status ${status}${last === '' ? '' : `: ${last}`}`;
  }

  async act(action: ClientAction): Promise<void> {
    const { tokens } = this.#parts;
    if (action === 'forget-token') tokens.forget(this.index);
    else if (action === 'connect') await this.start();
    else await this.stop();
  }

  async start(): Promise<void> {
    this.#again?.cancel();
    this.#wanted = true;
    if (this.#program?.running) return;
    const { sim, wanted, tokens, recording, folder, index } = this.#parts;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const refusals = recording.events.filter(({ event }) => event.name === 'auth.refused').length;
    const refused = this.#started > 0 && refusals > this.#refusals;
    this.#refusals = refusals;
    this.#started++;
    let token: string;
    try {
      token = await tokens.get(index, refused);
    } catch (error) {
      recording.note(index, `gets no token: ${errorText(error)}`);
      this.#startAgain();
      return;
    }
    if (!this.#wanted) return;
    writeFileSync(join(folder, 'ca.pem'), sim.ca);
    writeFileSync(join(folder, 'token.jwt'), token, { mode: 0o600 });
    this.#socksPort = await freePort();
    if (!this.#wanted) return;
    const program: Program = new Program({
      command: wanted.command.map((text) => this.#filled(text)),
      cwd: folder,
      onLine: (text) => recording.note(index, text),
      onEnd: (status) => {
        recording.exit(index, status, program.stopping);
        if (!program.stopping) this.#startAgain();
      },
    });
    this.#program = program;
  }

  /** Ends it, and all processes that it started. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#again?.cancel();
    await this.#program?.stop(systemClock);
  }

  #startAgain(): void {
    const { restart } = this.#parts.wanted;
    if (!this.#wanted || restart === undefined) return;
    this.#again = systemClock.setTimer(parseDuration(restart), () => void this.start());
  }

  #filled(text: string, url = ''): string {
    const { sim, folder, index } = this.#parts;
    const { host } = sim.config.gateway;
    const values: Readonly<Record<string, string>> = {
      server: sim.urls.gateway,
      host: endpointText(connectHost(host), sim.gateway.port).replace(/:\d+$/, ''),
      port: String(sim.gateway.port),
      authority: sim.urls.authority,
      caFile: join(folder, 'ca.pem'),
      tokenFile: join(folder, 'token.jwt'),
      socksPort: String(this.#socksPort),
      folder,
      index: String(index),
      url,
    };
    return text.replaceAll(/\{([A-Za-z]+)\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? values[name]! : whole,
    );
  }
}
