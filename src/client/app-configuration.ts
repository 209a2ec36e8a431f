import type { Clock } from '../lib/clock.ts';
import { errorText, isTunneliteError, TunneliteError } from '../lib/errors.ts';
import { exchange } from '../lib/http-exchange.ts';
import { parseObject } from '../lib/strict-json.ts';

/** An app's policies for one user. */
export interface AppConfiguration {
  /** Keys and values of the app configuration policies, merged. */
  readonly settings: Readonly<Record<string, string>>;
  /** From the app protection policy; null if there is none. */
  readonly protection: { readonly connectToVpnOnLaunch: boolean } | null;
  /** Why a policy did not reach the app: sentences. */
  readonly notes: readonly string[];
}

export interface AppConfigurationRequest {
  /** Location of the simulator’s Entra ID: any address at its origin, such as the authority. */
  readonly authority: string | URL;
  /** A token for *Microsoft Mobile Application Management*. */
  readonly token: string;
  /** Bundle id, or package id. */
  readonly app: string;
  readonly platform: 'ios' | 'android';
  /** True for a device that Intune manages as a whole. */
  readonly enrolled?: boolean;
  /** PEM of the CA to trust instead of the system's. */
  readonly ca?: string;
  readonly clock?: Clock;
}

const MAX_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 15_000;

/**
 * Gets an app's policies from a simulator, as an enrolled app gets them from the Intune service. The protocol of that service is not
 * public, so this one is Tunnelite's own; keys and values are the same as in a real app.
 * @throws TunneliteError `ERR_CLIENT_POLICY`
 * @example
 * ```ts fragment
 * const { settings } = await appConfiguration({ authority: sim.urls.authority, token, app: 'com.contoso.lob', platform: 'ios', ca: sim.ca });
 * ```
 */
export async function appConfiguration(request: AppConfigurationRequest): Promise<AppConfiguration> {
  const { authority, token, app, platform, enrolled = false, ca, clock } = request;
  const url = new URL('/tunnelite/app-configuration', authority);
  url.search = new URLSearchParams({ app, platform, enrolled: String(enrolled) }).toString();
  try {
    const { status, body } = await exchange(url, {
      headers: { authorization: `Bearer ${token}` },
      ...(ca === undefined ? {} : { ca }),
      ...(clock === undefined ? {} : { clock }),
      maxBytes: MAX_BYTES,
      timeout: TIMEOUT_MS,
    });
    const answer = parseObject(body.toString('utf8'));
    if (typeof answer === 'string') throw new Error(`the answer (${status}) is not a JSON object`);
    if (status !== 200) throw new Error(`${status} ${refusalOf(answer)}`);
    return readConfiguration(answer);
  } catch (cause) {
    const why = isTunneliteError(cause) ? cause.message : errorText(cause);
    throw new TunneliteError(
      'ERR_CLIENT_POLICY',
      `The policies for ${app} could not be fetched: ${why.replace(/\.$/, '')}.`,
      {
        cause,
      },
    );
  }
}

function refusalOf(answer: Readonly<Record<string, unknown>>): string {
  const error = answer['error'] as { code?: unknown; message?: unknown } | undefined;
  return `${String(error?.code ?? '')}: ${String(error?.message ?? '').slice(0, 300)}`;
}

function readConfiguration(answer: Readonly<Record<string, unknown>>): AppConfiguration {
  const { settings, protection, notes } = answer as Partial<AppConfiguration>;
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new Error('the answer has no settings');
  }
  const pairs = Object.entries(settings);
  if (!pairs.every(([, value]) => typeof value === 'string')) throw new Error('a setting is not a string');
  return {
    settings: Object.fromEntries(pairs),
    protection: protection ? { connectToVpnOnLaunch: protection.connectToVpnOnLaunch === true } : null,
    notes: Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : [],
  };
}
