import { ClientState, TunnelClient } from '../../client/index.ts';
import { systemClock, type Timer } from '../../lib/clock.ts';
import { errorText, isTunneliteError } from '../../lib/errors.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { ClientAction } from '../format/types.ts';
import type { Recording } from './record.ts';
import type { StageClient } from './stage.ts';
import type { Tokens } from './tokens.ts';

/** Milliseconds after which a client whose session has ended signs in again, as in a world. */
const SIGN_IN_AGAIN_MS = 5000;

/** The bundled client on the machine's sockets. */
export class BundledClient implements StageClient {
  readonly index: number;
  readonly #sim: Simulator;
  readonly #tokens: Tokens;
  readonly #recording: Recording;
  #client: TunnelClient | undefined;
  #wanted = false;
  #refused = false;
  #again: Timer | undefined;
  #connecting: Promise<void> | undefined;

  constructor(index: number, sim: Simulator, tokens: Tokens, recording: Recording) {
    this.index = index;
    this.#sim = sim;
    this.#tokens = tokens;
    this.#recording = recording;
  }

  get connected(): boolean {
    const state = this.#client?.state;
    return state === ClientState.Connected || state === ClientState.Rekeying;
  }

  async fetch(url: string, timeout: number): Promise<string | undefined> {
    if (!this.#client) return 'no tunnel';
    const late = Promise.withResolvers<string>();
    const timer = systemClock.setTimer(timeout, () => late.resolve('timeout'));
    try {
      const page = this.#client.fetch(url, { ca: this.#sim.ca }).then(
        ({ status }) => (status >= 400 ? `status ${status}` : undefined),
        (error: unknown) => errorText(error),
      );
      return await Promise.race([page, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  async act(action: ClientAction): Promise<void> {
    if (action === 'connect') this.start();
    else if (action === 'disconnect') await this.stop();
    else if (action === 'rekey') this.#client?.rekey();
    else if (action === 'roam') this.#client?.networkChanged();
    else if (action === 'forget-token') this.#tokens.forget(this.index);
  }

  /** Connects, and keeps the tunnel open from then on. */
  start(): void {
    this.#wanted = true;
    if (!this.#client) this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    this.#again?.cancel();
    await this.#client?.close();
    await this.#connecting;
    await this.#client?.close();
    this.#client = undefined;
  }

  async #connect(): Promise<void> {
    try {
      this.#client = await TunnelClient.connect({
        server: this.#sim.urls.gateway,
        ca: this.#sim.ca,
        token: () => {
          const refused = this.#refused;
          this.#refused = false;
          return this.#tokens.get(this.index, refused);
        },
        onState: (state) => this.#note(`is ${state}`),
        onChannel: (channel, why) => this.#note(`moves to ${channel}: ${why}`),
        onDisconnect: (error) => this.#ended(error),
      });
      this.#note(`has ${this.#client.configuration.address4 ?? this.#client.configuration.address6}`);
      if (!this.#wanted) await this.#client.close();
    } catch (error) {
      this.#ended(error);
    }
  }

  #ended(error: unknown): void {
    this.#client = undefined;
    const code = isTunneliteError(error) ? error.code : errorText(error);
    this.#note(`has ended: ${code}`);
    if (code === 'ERR_CLIENT_TOKEN_REFUSED') this.#refused = true;
    this.#again?.cancel();
    this.#again = systemClock.setTimer(SIGN_IN_AGAIN_MS, () => this.#wanted && this.start());
  }

  #note(text: string): void {
    this.#recording.note(this.index, text);
  }
}
