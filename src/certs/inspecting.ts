import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import { CA_RENEW_DAYS, DAY_MS } from './constants.ts';
import { decodeNameConstraints, permitsDns, permitsIp, uncovered, unite } from './name-constraints.ts';
import type { CertificateStore } from './types.ts';

/** What is kept of the CA, beside the machine's own. */
const STATE = 'inspecting-ca';

/** A separate CA for TLS-inspecting proxies: trusting the machine's CA must not imply trusting them, nor the other way round. */
export interface InspectingAuthority {
  /** PEM of the certificate to trust; created at the first call. */
  ca(): Promise<string>;
  /**
   * A server's certificate for one name or address. `notAfter`: milliseconds since the Unix epoch.
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`
   */
  certificate(host: string): Promise<{ readonly cert: string; readonly key: string; readonly notAfter: number }>;
}

interface InspectingOptions {
  /** The store that contains the CA; the CA has the same name constraints. */
  readonly certificates: CertificateStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
}

interface Kept {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The inspecting CA of this machine. Nothing is created, read or loaded before it is used. */
export function inspectingAuthority(options: InspectingOptions): InspectingAuthority {
  let loaded: Promise<Kept> | undefined;
  const load = (): Promise<Kept> => {
    loaded ??= loadInspecting(options).catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
  return {
    ca: async () => (await load()).certPem,
    async certificate(host) {
      const { certPem, keyPem } = await load();
      const { permitted } = decodeNameConstraints(new X509Certificate(certPem).raw)!;
      if (isIP(host) ? !permitsIp(permitted, host) : !permitsDns(permitted, host)) {
        throw new TunneliteError(
          'ERR_CERT_NAME_NOT_PERMITTED',
          `The name constraints of the inspecting CA do not permit ${host}.`,
          { hint: 'Add its domain to certs.domains.', details: { name: STATE, refused: [host] } },
        );
      }
      const { issueLeaf } = await import('./issue.ts');
      const request = isIP(host) ? { dnsNames: [], ips: [host] } : { dnsNames: [host], ips: [] };
      const { clock, random } = options;
      const issued = await issueLeaf({ now: clock.now(), random, request }, { certPem, key: createPrivateKey(keyPem) });
      return {
        cert: issued.certPem + certPem,
        key: issued.keyPem,
        notAfter: Date.parse(new X509Certificate(issued.certPem).validTo),
      };
    },
  };
}

async function loadInspecting({ certificates, clock, random, emit }: InspectingOptions): Promise<Kept> {
  const own = decodeNameConstraints(new X509Certificate(certificates.ca.certPem).raw)!;
  const found = keptOf(await certificates.readState(STATE));
  const before = found && decodeNameConstraints(new X509Certificate(found.certPem).raw);
  const good =
    before?.kind === own.kind &&
    uncovered(before.permitted, own.permitted).length === 0 &&
    Date.parse(new X509Certificate(found!.certPem).validTo) - clock.now() > CA_RENEW_DAYS * DAY_MS;
  if (found && good) return found;
  const { issueCa } = await import('./issue.ts');
  const permitted = before ? unite(before.permitted, own.permitted) : own.permitted;
  const issued = await issueCa(
    { now: clock.now(), random, permitted, constraints: own.kind, name: 'inspecting CA' },
    found && { certPem: found.certPem, key: createPrivateKey(found.keyPem) },
  );
  const path = certificates.directory ?? 'memory';
  if (found) {
    await certificates.writeState(STATE, issued);
    emit('certificate.renewed', { certificate: STATE, path, reason: 'its names changed, or it was about to expire' });
    return issued;
  }
  if (await certificates.createState(STATE, issued)) {
    emit('certificate.created', { certificate: STATE, path });
    return issued;
  }
  // Another process created one at the same time: use that one, as the other process does.
  return loadInspecting({ certificates, clock, random, emit });
}

function keptOf(value: unknown): Kept | undefined {
  if (value === undefined) return undefined;
  const { certPem, keyPem } = value as Partial<Kept>;
  try {
    if (typeof certPem === 'string' && typeof keyPem === 'string') {
      const certificate = new X509Certificate(certPem);
      if (certificate.checkPrivateKey(createPrivateKey(keyPem)) && decodeNameConstraints(certificate.raw)) {
        return { certPem, keyPem };
      }
    }
  } catch {
    // Said below.
  }
  throw new TunneliteError(
    'ERR_CERT_CORRUPT',
    `The state file ${STATE}.json does not hold a CA certificate and its key.`,
    {
      hint: 'Delete it to create a new one, which clients of the inspecting proxy must then trust.',
    },
  );
}
