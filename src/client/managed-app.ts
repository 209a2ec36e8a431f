import { systemClock } from '../lib/clock.ts';
import { type ErrorCode, TunneliteError } from '../lib/errors.ts';
import type { AppConfiguration } from './app-configuration.ts';
import { systemCarrier } from './core/index.ts';
import { type AppRules, appRules } from './managed-rules.ts';
import { resourceTrust } from './resource-trust.ts';
import type { TunnelDelegate, TunnelLogDelegate } from './sdk-types.ts';
import { type TunnelFetchOptions, type TunnelFetchResponse, tunnelFetch } from './traffic/fetch.ts';
import { type TunnelDevice, TunnelSdk } from './tunnel-sdk.ts';

/** The user of an app. */
export interface ManagedAccount {
  readonly username: string;
  /** `personal`: an account that no organization manages. */
  readonly kind: 'work' | 'personal';
}

export interface ManagedAppOptions {
  /** Bundle id, or package id. `com.microsoft.msedge` and `com.microsoft.emmx` are Edge. */
  readonly app: string;
  readonly platform: 'ios' | 'android';
  /** The policies of the app for an account: `appConfiguration`, or a test's own. Called on each launch and account switch. */
  readonly policies: (account: ManagedAccount) => AppConfiguration | Promise<AppConfiguration>;
  /**
   * A token for the gateway; return an empty string if there is none.
   * @param failedToken the token that the gateway refused; empty on the first call
   */
  readonly token: (account: ManagedAccount, failedToken: string) => string | Promise<string>;
  readonly device?: TunnelDevice;
  readonly delegate?: Omit<TunnelDelegate, 'onTokenRequired'>;
  readonly logDelegate?: TunnelLogDelegate;
}

/** Result of a launch or an account switch. */
export interface AppOutcome {
  /** `connected`: there is a tunnel; `not asked`: no policy asks for one; `failed`: a policy asks for one, but there is none. */
  readonly tunnel: 'connected' | 'not asked' | 'failed';
  /** The reason, as a sentence for the user of the phone. */
  readonly why: string;
  readonly code: ErrorCode | undefined;
}

/**
 * The Tunnel behavior of an app that policies manage ("Microsoft Tunnel for MAM", learn.microsoft.com): it gets the policies of its user, connects
 * if they say so, and routes its requests accordingly.
 *
 * @example
 * ```ts fragment
 * const app = new ManagedApp({
 *   app: 'com.contoso.lob', platform: 'ios', device: { ca: sim.ca },
 *   policies: async ({ username }) => (await sim.intune()).deliver({ user: username, app: 'com.contoso.lob', platform: 'ios' }),
 *   token: ({ username }) => sim.token({ user: username }),
 * });
 * const { tunnel, why } = await app.launch({ username: 'alice@contoso.com', kind: 'work' });
 * ```
 */
export class ManagedApp {
  readonly #options: ManagedAppOptions;
  #sdk: TunnelSdk | undefined;
  #account: ManagedAccount | undefined;
  #rules: AppRules | undefined;
  #outcome: AppOutcome = { tunnel: 'not asked', why: 'The app was not launched.', code: undefined };
  /** Serializes operations: an account switch waits for the launch before it. */
  #turns: Promise<unknown> = Promise.resolve();
  /** Aborted, with a sentence, when no tunnel requested so far is wanted anymore. */
  #wanted = new AbortController();

  constructor(options: ManagedAppOptions) {
    this.#options = options;
  }

  /** The current user of the app. */
  get account(): ManagedAccount | undefined {
    return this.#account;
  }

  /** The SDK in the app, while a work account uses it and its policies configure a tunnel. */
  get sdk(): TunnelSdk | undefined {
    return this.#sdk;
  }

  get connected(): boolean {
    return this.#sdk?.client?.connected === true;
  }

  /** Result of the last launch or switch. */
  get outcome(): AppOutcome {
    return this.#outcome;
  }

  /** The app comes to the foreground. @param account who is signed in; if omitted, nobody */
  launch(account?: ManagedAccount): Promise<AppOutcome> {
    const { signal } = this.#wanted;
    return this.#next(() => this.#use(account, 'launch', signal));
  }

  /** Another account signs in, or is selected in an app with several: a work account connects, any other one disconnects. */
  switchTo(account: ManagedAccount | undefined): Promise<AppOutcome> {
    const { signal } = this.#wanted;
    return this.#next(() => this.#use(account, 'switch', signal));
  }

  /** The user requests the tunnel, for policies that do not start it automatically. */
  connect(): Promise<AppOutcome> {
    const { signal } = this.#wanted;
    return this.#next(() => (this.connected ? this.#outcome : this.#open('the user requested it', signal)));
  }

  /** The user ends the tunnel, or cancels one that is not up yet; this works even if a token or policies never arrive. */
  disconnect(): Promise<void> {
    this.#giveUp('The user disconnected.');
    return this.#next(async () => {
      await this.#sdk?.disconnect();
      this.#outcome = { tunnel: 'not asked', why: 'The user disconnected.', code: undefined };
    });
  }

  /**
   * Sends one web request as the policies require: through the tunnel if there is one; otherwise outside it, unless strict mode forbids that.
   * @throws TunneliteError `ERR_CLIENT_STRICT`, and those of `TunnelClient.fetch`
   */
  async fetch(address: string | URL, options: TunnelFetchOptions = {}): Promise<TunnelFetchResponse> {
    const client = this.#sdk?.client;
    if (client?.connected) return client.fetch(address, options);
    const url = new URL(address);
    if (this.#rules?.strict) {
      throw new TunneliteError(
        'ERR_CLIENT_STRICT',
        `${url.host} is not opened: strict mode is on, and there is no tunnel.`,
      );
    }
    const { carrier = systemCarrier, clock = systemClock } = this.#options.device ?? {};
    const open = ({ host, port, signal }: { host: string; port: number; signal?: AbortSignal | undefined }) =>
      carrier.connect({ host, port }, signal ?? new AbortController().signal);
    return tunnelFetch({ open, trust: resourceTrust(), clock }, url, options);
  }

  /** The app ends, even if it is still waiting for something. */
  close(): Promise<void> {
    this.#giveUp('The app was closed.');
    return this.#next(() => this.#leave());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #next<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => {});
    return turn;
  }

  #giveUp(why: string): void {
    this.#wanted.abort(why);
    this.#wanted = new AbortController();
  }

  async #use(
    account: ManagedAccount | undefined,
    occasion: 'launch' | 'switch',
    signal: AbortSignal,
  ): Promise<AppOutcome> {
    if (signal.aborted) return this.#ends('not asked', String(signal.reason));
    const { app, platform, policies } = this.#options;
    if (occasion === 'switch' && account?.username === this.#account?.username && this.connected) return this.#outcome;
    await this.#leave();
    this.#account = account;
    if (account?.kind !== 'work') {
      const who = account === undefined ? 'Nobody is signed in' : `${account.username} is a personal account`;
      return this.#ends('not asked', `${who}, so there is no tunnel.`);
    }
    let given: AppConfiguration;
    try {
      given = await unlessAborted(policies(account), signal);
    } catch (error) {
      if (signal.aborted) return this.#ends('not asked', String(signal.reason));
      const code = error instanceof TunneliteError ? error.code : undefined;
      return this.#ends('failed', error instanceof Error ? error.message : String(error), code);
    }
    const rules = appRules({ app, platform }, given);
    this.#rules = rules;
    if (rules.connect === undefined) return this.#ends('not asked', rules.why);
    return this.#open(rules.connect, signal);
  }

  async #open(occasion: string, signal: AbortSignal): Promise<AppOutcome> {
    if (signal.aborted) return this.#ends('not asked', String(signal.reason));
    const { delegate, logDelegate, device, token } = this.#options;
    const [account, rules] = [this.#account, this.#rules];
    if (account?.kind !== 'work' || !rules?.hasTunnel) {
      return this.#ends('not asked', rules?.why ?? 'No work account uses the app, so there is no tunnel.');
    }
    await this.#sdk?.deinitialize();
    const sdk = new TunnelSdk(device);
    this.#sdk = sdk;
    return new Promise((resolve) => {
      const settle = (tunnel: AppOutcome['tunnel'], why: string, code?: ErrorCode): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(this.#ends(tunnel, why, code));
      };
      const giveUp = (): void => {
        void sdk.deinitialize();
        settle('not asked', String(signal.reason));
      };
      signal.addEventListener('abort', giveUp);
      sdk.initialize(
        {
          ...delegate,
          onTokenRequired: (failed) => token(account, failed),
          onInitialized: () => {
            delegate?.onInitialized?.();
            sdk.connect();
          },
          onConnected: () => {
            delegate?.onConnected?.();
            settle('connected', `The tunnel is open: ${occasion}.`);
          },
          onUserInteractionRequired: () => {
            delegate?.onUserInteractionRequired?.();
            settle(
              'failed',
              'The gateway refuses the tokens of this user, who must sign in again.',
              'ERR_CLIENT_TOKEN_REFUSED',
            );
          },
          onError: (error, code, message) => {
            delegate?.onError?.(error, code, message);
            settle('failed', message, code);
          },
        },
        rules.settings,
        logDelegate,
      );
    });
  }

  async #leave(): Promise<void> {
    const sdk = this.#sdk;
    this.#sdk = undefined;
    this.#rules = undefined;
    await sdk?.deinitialize();
  }

  #ends(tunnel: AppOutcome['tunnel'], why: string, code?: ErrorCode): AppOutcome {
    this.#outcome = { tunnel, why, code };
    return this.#outcome;
  }
}

/** Resolves with an external answer, or rejects as soon as it is no longer wanted. */
async function unlessAborted<T>(answer: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(new Error(String(signal.reason)));
  signal.addEventListener('abort', giveUp);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
