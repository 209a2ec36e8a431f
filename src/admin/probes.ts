import { createJsonFetcher } from '../bearer/fetch-json.ts';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { type Dial, exchange } from '../lib/http-exchange.ts';
import type { HealthCheck, HealthResult } from './types.ts';

/** Timeout of one request, in milliseconds, and maximum response size in bytes; all targets are on this machine. */
const LIMITS = { timeout: 3_000, maxBytes: 256 * 1024 } as const;

/** The gateway's answer to an unknown user agent (microsoft/mstunnel-ocserv). */
const ALIVE = 'I am still alive!!';

export interface ProbeTargets {
  /** `https://127.0.0.1:8443` */
  readonly gateway: string;
  /** URL of the OpenID metadata; undefined when identity is elsewhere. */
  readonly identityMetadata: string | undefined;
  /** PEM of the CA that must have issued both certificates. */
  readonly ca: string;
  /** Opens the connections. Default: sockets of this machine. */
  readonly dial?: Dial | undefined;
  readonly clock?: Clock;
  /** PEM of the certificate that the gateway must present instead of one from that CA. */
  readonly gatewayCertificate?: string | undefined;
  /** Why the gateway currently accepts no clients, if it knows. */
  readonly unavailable?: () => string | undefined;
}

/** Probes the listeners over real connections, as a client would. */
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
    return { name, ok: false, explanation: `${url} does not answer correctly: ${errorText(error)}` };
  } finally {
    await fetcher.close();
  }
}
