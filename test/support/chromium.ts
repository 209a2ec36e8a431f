import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type LaunchOptions } from 'playwright-core';
import { moveToOwnNetwork } from './own-network.ts';

// Before anything listens: a test whose browser loses its connections to the comings and goings of others' interfaces fails for nothing.
moveToOwnNetwork();

export const CHROMIUM = '/usr/bin/chromium';
/** Programs without which there is no {@link Chromium}. */
export const CHROMIUM_NEEDS = ['chromium', 'certutil'] as const;

interface VisitOptions {
  readonly javaScriptEnabled?: boolean;
  readonly colorScheme?: 'light' | 'dark';
  /** Default 900 × 760. */
  readonly viewport?: { readonly width: number; readonly height: number };
  /** Whether frames of other sites have their cookies. Chrome lets them by default, Debian's Chromium does not. */
  readonly thirdPartyCookies?: boolean;
  readonly proxy?: { readonly server: string };
}

/** A headless Chromium that trusts one more CA; each visit has a fresh profile. */
export class Chromium implements AsyncDisposable {
  readonly #home: string;
  readonly #launch: LaunchOptions;
  readonly #browser: Browser;
  #profiles = 0;

  private constructor(home: string, launch: LaunchOptions, browser: Browser) {
    this.#home = home;
    this.#launch = launch;
    this.#browser = browser;
  }

  /**
   * @param options.ca PEM of the CA, which is trusted as a person makes Chromium on Linux trust one: in the user's NSS store
   * @param options.args for its command line
   */
  static async start({
    ca,
    args = [],
  }: {
    readonly ca?: string;
    readonly args?: readonly string[];
  } = {}): Promise<Chromium> {
    const home = await mkdtemp(join(tmpdir(), 'tunnelite-chromium-'));
    const [store, file] = [join(home, '.pki/nssdb'), join(home, 'ca.pem')];
    await mkdir(store, { recursive: true });
    const certutil = (...args: string[]) =>
      execFileSync('certutil', ['-d', `sql:${store}`, ...args], { timeout: 30_000 });
    certutil('-N', '--empty-password');
    if (ca !== undefined) {
      await writeFile(file, ca);
      certutil('-A', '-t', 'C,,', '-n', 'Tunnelite', '-i', file);
    }
    const launch = {
      executablePath: CHROMIUM,
      headless: true,
      env: { ...process.env, HOME: home },
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ...args,
      ],
    };
    return new Chromium(home, launch, await chromium.launch(launch));
  }

  /** A person who has never been here: no cookies. */
  async visit(options: VisitOptions = {}): Promise<{ readonly context: BrowserContext } & AsyncDisposable> {
    const { thirdPartyCookies = false, ...others } = options;
    const settings = { viewport: { width: 900, height: 760 }, ...others };
    const context = thirdPartyCookies
      ? await chromium.launchPersistentContext(await this.#profile(), { ...this.#launch, ...settings })
      : await this.#browser.newContext(settings);
    return { context, [Symbol.asyncDispose]: () => context.close() };
  }

  /** A profile with the setting "Allow third-party cookies", which no option of the command line has. */
  async #profile(): Promise<string> {
    this.#profiles += 1;
    const profile = join(this.#home, `profile-${this.#profiles}`);
    await mkdir(join(profile, 'Default'), { recursive: true });
    const preferences = JSON.stringify({ profile: { cookie_controls_mode: 0 } });
    await writeFile(join(profile, 'Default/Preferences'), preferences);
    return profile;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}
