import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
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
  /** PEM that the gateway must present instead of a certificate of that CA. */
  readonly gatewayCertificate?: string | undefined;
}

/** Asks the listeners over real connections, as a client would: what answers here works. */
export function probes(targets: ProbeTargets): HealthCheck {
  return async () => {
    const checks = [probeGateway(targets)];
    if (targets.identityMetadata !== undefined) checks.push(probeIdentity(targets.identityMetadata, targets.ca));
    return Promise.all(checks);
  };
}

async function probeGateway({ gateway, ca, gatewayCertificate }: ProbeTargets): Promise<HealthResult> {
  const name = 'gateway';
  try {
    const { status, body } = await get(gateway, ca, gatewayCertificate);
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
    if (count > 0)
      return { name, ok: true, explanation: `${url} publishes ${count} signing ${count === 1 ? 'key' : 'keys'}.` };
    return { name, ok: false, explanation: `${keysUrl} publishes no signing key.` };
  } catch (error) {
    return { name, ok: false, explanation: `${url} does not answer as it should: ${errorText(error)}` };
  }
}

function get(url: string, ca: string, pinned?: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const headers = { 'user-agent': 'tunnelite-probe' };
    // A certificate of somebody else's CA is compared as a whole: whom it is for and until when is not ours to judge.
    const trust = pinned === undefined ? { ca } : { rejectUnauthorized: false };
    const outgoing = request(url, { ...trust, agent: false, signal, headers });
    outgoing.on('socket', (socket) => {
      socket.once('secureConnect', () => {
        const presented = (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256;
        if (pinned !== undefined && presented !== new X509Certificate(pinned).fingerprint256) {
          outgoing.destroy(new Error('another certificate than the configured one is presented'));
        }
      });
    });
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
