import { createJsonFetcher } from '../bearer/fetch-json.ts';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { type Dial, exchange } from '../lib/http-exchange.ts';
import type { HealthCheck, HealthResult } from './types.ts';

/** How long one request may take, in milliseconds, and how long an answer may be; everything is on this machine. */
const LIMITS = { timeout: 3_000, maxBytes: 256 * 1024 } as const;

/** The gateway's answer to an unknown user agent (microsoft/mstunnel-ocserv). */
const ALIVE = 'I am still alive!!';

export interface ProbeTargets {
  /** `https://127.0.0.1:8443` */
  readonly gateway: string;
  /** Where the OpenID metadata are; undefined when identity is somewhere else. */
  readonly identityMetadata: string | undefined;
  /** PEM of the CA that both must present. */
  readonly ca: string;
  /** How both are reached; by sockets of the machine's when left out. */
  readonly dial?: Dial | undefined;
  readonly clock?: Clock;
  /** PEM that the gateway must present instead of a certificate of that CA. */
  readonly gatewayCertificate?: string | undefined;
  /** Why the gateway takes no clients now, if it knows that it does not. */
  readonly unavailable?: () => string | undefined;
}

/** Asks the listeners over real connections, as a client would: what answers here works. */
export function probes(targets: ProbeTargets): HealthCheck {
  return async () => {
    const checks = [probeGateway(targets)];
    if (targets.identityMetadata !== undefined) checks.push(probeIdentity(targets.identityMetadata, targets));
    return Promise.all(checks);
  };
}

async function probeGateway({ gateway, gatewayCertificate, unavailable, ...way }: ProbeTargets): Promise<HealthResult> {
  const name = 'gateway';
  const explanation = unavailable?.();
  if (explanation !== undefined) return { name, ok: false, explanation };
  try {
    const headers = { 'user-agent': 'tunnelite-probe' };
    const { status, body } = await exchange(gateway, { ...LIMITS, headers, ...wayOf(way), pinned: gatewayCertificate });
    if (status === 200 && body.includes(ALIVE)) return { name, ok: true, explanation: `${gateway} is alive.` };
    return { name, ok: false, explanation: `${gateway} answered ${status} instead of its probe page.` };
  } catch (error) {
    return { name, ok: false, explanation: `${gateway} does not answer: ${errorText(error)}` };
  }
}

type Way = Pick<ProbeTargets, 'ca' | 'dial' | 'clock'>;

const wayOf = ({ ca, dial, clock }: Way) => ({ ca, dial, ...(clock ? { clock } : {}) });

async function probeIdentity(url: string, way: Way): Promise<HealthResult> {
  const name = 'identity';
  const fetcher = createJsonFetcher(wayOf(way));
  try {
    const { jwks_uri: keysUrl } = (await fetcher.fetchJson(url, LIMITS)) as { jwks_uri: string };
    const count = ((await fetcher.fetchJson(keysUrl, LIMITS)) as { keys: unknown[] }).keys.length;
    if (count > 0)
      return { name, ok: true, explanation: `${url} publishes ${count} signing ${count === 1 ? 'key' : 'keys'}.` };
    return { name, ok: false, explanation: `${keysUrl} publishes no signing key.` };
  } catch (error) {
    return { name, ok: false, explanation: `${url} does not answer as it should: ${errorText(error)}` };
  } finally {
    await fetcher.close();
  }
}
