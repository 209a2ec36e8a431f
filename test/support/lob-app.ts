import type { Test } from 'tap';
import { DEFAULT_CLIENT_ID } from '../../src/entra/directory/default-directory.ts';
import { type Simulator, type TunnelDelegate, TunnelSdk } from '../../src/index.ts';
import { exchange } from '../../src/lib/http-exchange.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/lib/tunnel-api.ts';

/** The tokens of a device: what the apps of one maker share through its keychain. */
export class SharedTokenCache {
  readonly #sim: Simulator;
  readonly #user: string;
  #token: string | undefined;

  constructor(sim: Simulator, user = 'alice@contoso.com') {
    this.#sim = sim;
    this.#user = user;
  }

  /** The cached token, unless it is the one that failed; else a sign-in with name and password. */
  async token(failed: string): Promise<string> {
    if (this.#token === failed) this.#token = undefined;
    this.#token ??= await this.#signIn();
    return this.#token;
  }

  async #signIn(): Promise<string> {
    const { body } = await exchange(`${this.#sim.urls.authority}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: DEFAULT_CLIENT_ID,
        username: this.#user,
        password: 'Passw0rd!',
        scope: TUNNEL_DEFAULT_SCOPE,
      }).toString(),
      ca: this.#sim.ca,
      timeout: 10_000,
      maxBytes: 65_536,
    });
    return (JSON.parse(body.toString()) as { access_token: string }).access_token;
  }
}

/** An app with the Tunnel SDK in it, and all that its delegate heard, in order. */
export class LobApp {
  readonly heard: string[] = [];
  readonly sdk: TunnelSdk;
  readonly #cache: SharedTokenCache;
  readonly #server: string;
  #wake: (() => void)[] = [];

  constructor(t: Test, sim: Simulator, cache: SharedTokenCache) {
    this.sdk = new TunnelSdk({ ca: sim.ca });
    this.#cache = cache;
    this.#server = new URL(sim.urls.gateway).host;
    t.teardown(() => this.sdk.deinitialize());
  }

  /** The app starts: it initializes the SDK, which connects once it is. */
  launch(): void {
    const delegate: TunnelDelegate = {
      onInitialized: () => {
        this.#note('initialized');
        this.sdk.connect();
      },
      onConnected: () => this.#note('connected'),
      onReconnecting: () => this.#note('reconnecting'),
      onUserInteractionRequired: () => this.#note('user interaction required'),
      onDisconnected: () => this.#note('disconnected'),
      onError: (error) => this.#note(`error ${error}`),
      onTokenRequired: (failed) => {
        this.#note(failed === '' ? 'token required' : 'token refused');
        return this.#cache.token(failed);
      },
    };
    // The SDK tells its delegate nothing of channels, but its log has them.
    const log = { logMessage: (): void => this.#settled() };
    this.sdk.initialize(delegate, { 'com.microsoft.tunnel.server_address': this.#server, Socket: 'info' }, log);
  }

  /** Waits until the client sends over a channel. */
  async over(channel: 'tls' | 'dtls'): Promise<void> {
    while (this.sdk.client?.channel !== channel) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Waits until the delegate has heard this, or anything that rules it out. */
  async until(text: string): Promise<void> {
    while (!this.heard.includes(text)) {
      const over = this.heard.find((one) => /^(error|disconnected|user)/.test(one));
      if (over !== undefined) throw new Error(`“${text}” will not come after “${over}”: ${this.heard.join(', ')}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #note(text: string): void {
    this.heard.push(text);
    this.#settled();
  }

  #settled(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
