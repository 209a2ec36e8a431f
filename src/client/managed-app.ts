import { systemClock } from '../lib/clock.ts';
import { type ErrorCode, TunneliteError } from '../lib/errors.ts';
import type { AppConfiguration } from './app-configuration.ts';
import { systemCarrier } from './core/index.ts';
import { type AppRules, appRules } from './managed-rules.ts';
import { resourceTrust } from './resource-trust.ts';
import type { TunnelDelegate, TunnelLogDelegate } from './sdk-types.ts';
import { type TunnelFetchOptions, type TunnelFetchResponse, tunnelFetch } from './traffic/fetch.ts';
import { type TunnelDevice, TunnelSdk } from './tunnel-sdk.ts';

/** Who uses an app. */
export interface ManagedAccount {
  readonly username: string;
  /** `personal`: an account that no organization manages. */
  readonly kind: 'work' | 'personal';
}

export interface ManagedAppOptions {
  /** Bundle id, or package id. `com.microsoft.msedge` and `com.microsoft.emmx` are Edge. */
  readonly app: string;
  readonly platform: 'ios' | 'android';
  /** What policies say to the app for an account: `appConfiguration`, or what a test makes up. Asked at each launch and switch. */
  readonly policies: (account: ManagedAccount) => AppConfiguration | Promise<AppConfiguration>;
  /**
   * A token for the gateway; an empty one means that there is none.
   * @param failedToken the one that the gateway refused; empty at first
   */
  readonly token: (account: ManagedAccount, failedToken: string) => string | Promise<string>;
  readonly device?: TunnelDevice;
  readonly delegate?: Omit<TunnelDelegate, 'onTokenRequired'>;
  readonly logDelegate?: TunnelLogDelegate;
}

/** What came of a launch, or of another account. */
export interface AppOutcome {
  /** `connected`: there is a tunnel; `not asked`: policies ask for none; `failed`: they do, and there is none. */
  readonly tunnel: 'connected' | 'not asked' | 'failed';
  /** Why, for the person at the phone: a sentence. */
  readonly why: string;
  readonly code: ErrorCode | undefined;
}

/**
 * An app that policies manage, as far as the tunnel goes (reference tunnel-for-mam.md §1 to §3): it gets what is meant for its user, connects when
 * that says so, and lets its requests take the way that it says.
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
  /** One thing after the other: a switch waits for the launch before it. */
  #turns: Promise<unknown> = Promise.resolve();
  /** Aborted, with a sentence, when nobody wants a tunnel of what was asked for so far. */
  #wanted = new AbortController();

  constructor(options: ManagedAppOptions) {
    this.#options = options;
  }

  /** Who uses the app now. */
  get account(): ManagedAccount | undefined {
    return this.#account;
  }

  /** The SDK in the app, while a work account uses it and policies speak of a tunnel. */
  get sdk(): TunnelSdk | undefined {
    return this.#sdk;
  }

  get connected(): boolean {
    return this.#sdk?.client?.connected === true;
  }

  /** What came of the last launch or switch. */
  get outcome(): AppOutcome {
    return this.#outcome;
  }

  /** The app comes to the foreground. @param account who is signed in; left out: nobody */
  launch(account?: ManagedAccount): Promise<AppOutcome> {
    const { signal } = this.#wanted;
    return this.#next(() => this.#use(account, 'launch', signal));
  }

  /** Another account is signed in, or chosen in an app with several: a work account connects, any other one disconnects. */
  switchTo(account: ManagedAccount | undefined): Promise<AppOutcome> {
    const { signal } = this.#wanted;
    return this.#next(() => this.#use(account, 'switch', signal));
  }

  /** The person asks for the tunnel, where policies do not start it by themselves. */
  connect(): Promise<AppOutcome> {
    const { signal } = this.#wanted;
    return this.#next(() => (this.connected ? this.#outcome : this.#open('the person asked for it', signal)));
  }

  /** The person ends the tunnel, or gives up one that does not come about: a token or policies that never arrive keep nobody. */
  disconnect(): Promise<void> {
    this.#giveUp('The person disconnected.');
    return this.#next(async () => {
      await this.#sdk?.disconnect();
      this.#outcome = { tunnel: 'not asked', why: 'The person disconnected.', code: undefined };
    });
  }

  /**
   * One web request, the way that policies say: through the tunnel while there is one; else beside it, unless strict mode forbids that.
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

  /** The app ends, whatever it waits for. */
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
      return this.#ends('not asked', `${who}, so that there is no tunnel.`);
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
      return this.#ends('not asked', rules?.why ?? 'No work account uses the app, so that there is no tunnel.');
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
            settle('connected', `The tunnel is up: ${occasion}.`);
          },
          onUserInteractionRequired: () => {
            delegate?.onUserInteractionRequired?.();
            settle(
              'failed',
              'The gateway refuses the tokens of this user, who has to sign in anew.',
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

/** What somebody else answers, or a rejection as soon as nobody waits for it anymore. */
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
