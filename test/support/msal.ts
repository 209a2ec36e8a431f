import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthenticationResult } from '@azure/msal-node';
import type { TestProvider } from './identity-provider.ts';
import type { MsalCall, MsalFailure } from './msal-process.ts';

interface DeviceCode {
  readonly userCode: string;
  readonly verificationUri: string;
}

interface Message {
  readonly ready?: true;
  readonly result?: AuthenticationResult | null;
  readonly failure?: MsalFailure;
  readonly deviceCode?: DeviceCode;
  readonly openBrowser?: string;
}

/** What the person does while MSAL waits. */
export interface Person {
  readonly onDeviceCode?: (code: DeviceCode) => Promise<void>;
  readonly onBrowser?: (url: string) => Promise<void>;
}

export interface Outcome {
  readonly result: AuthenticationResult | undefined;
  readonly failure: MsalFailure | undefined;
}

/** An unmodified MSAL in a process that trusts the provider's CA. */
export class Msal implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
  }

  static async start(provider: Pick<TestProvider, 'caPem'>): Promise<Msal> {
    const directory = await mkdtemp(join(tmpdir(), 'tunnelite-msal-'));
    const ca = join(directory, 'ca.pem');
    await writeFile(ca, provider.caPem);
    const child = fork(new URL('msal-process.ts', import.meta.url), {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, NODE_NO_WARNINGS: '1' },
    });
    await once(child, 'message');
    return new Msal(child, directory);
  }

  /** Makes one call and plays the person meanwhile. */
  call(call: MsalCall, person: Person = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#child.off('message', listen);
        this.#child.off('exit', onExit);
      };
      const fail = (error: unknown): void => {
        finish();
        reject(error);
      };
      const onExit = (): void => fail(new Error('The MSAL process ended.'));
      const listen = (message: Message): void => {
        if (message.deviceCode) person.onDeviceCode?.(message.deviceCode).catch(fail);
        else if (message.openBrowser !== undefined) person.onBrowser?.(message.openBrowser).catch(fail);
        else {
          finish();
          resolve({ result: message.result ?? undefined, failure: message.failure });
        }
      };
      this.#child.on('message', listen);
      this.#child.on('exit', onExit);
      this.#child.send(call);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill();
      await gone;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
