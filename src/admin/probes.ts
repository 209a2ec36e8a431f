import { request } from 'node:https';
import { errorText } from '../lib/errors.ts';
import type { HealthCheck, HealthResult } from './types.ts';

/** How long one probe may take, in milliseconds; everything is on this machine. */
const PROBE_TIMEOUT_MS = 3_000;
const MAX_BODY = 256 * 1024;

/** What the gateway answers to an agent that it does not know (reference microsoft-tunnel.md §2.1). */
const ALIVE = 'I am still alive!!';

export interface ProbeTargets {
  /** `https://127.0.0.1:8443` */
  readonly gateway: string;
  /** Where the OpenID metadata are; undefined when identity is somewhere else. */
  readonly identityMetadata: string | undefined;
  /** PEM of the CA that both must present. */
  readonly ca: string;
}

/** Asks the listeners over real connections, as a client would: what answers here works. */
export function probes(targets: ProbeTargets): HealthCheck {
  return async () => {
    const checks = [probeGateway(targets)];
    if (targets.identityMetadata !== undefined) checks.push(probeIdentity(targets.identityMetadata, targets.ca));
    return Promise.all(checks);
  };
}

async function probeGateway({ gateway, ca }: ProbeTargets): Promise<HealthResult> {
  const name = 'gateway';
  try {
    const { status, body } = await get(gateway, ca);
    if (status === 200 && body.includes(ALIVE)) return { name, ok: true, explanation: `${gateway} is alive.` };
    return { name, ok: false, explanation: `${gateway} answered ${status} instead of its probe page.` };
  } catch (error) {
    return { name, ok: false, explanation: `${gateway} does not answer: ${errorText(error)}` };
  }
}

async function probeIdentity(url: string, ca: string): Promise<HealthResult> {
  const name = 'identity';
  try {
    const metadata = await get(url, ca);
    const { jwks_uri: keysUrl } = JSON.parse(metadata.body) as { jwks_uri: string };
    const keys = await get(keysUrl, ca);
    const count = (JSON.parse(keys.body) as { keys: unknown[] }).keys.length;
    if (count > 0) return { name, ok: true, explanation: `${url} publishes ${count} signing keys.` };
    return { name, ok: false, explanation: `${keysUrl} publishes no signing key.` };
  } catch (error) {
    return { name, ok: false, explanation: `${url} does not answer as it should: ${errorText(error)}` };
  }
}

function get(url: string, ca: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const outgoing = request(url, { ca, agent: false, signal, headers: { 'user-agent': 'tunnelite-probe' } });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_BODY) outgoing.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.end();
  });
}
