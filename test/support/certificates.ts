import { type CertificateStore, type LeafCertificate, loadCertificates } from '../../src/certs/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';

let store: Promise<CertificateStore> | undefined;

/** One throw-away CA for all tests of a process, in memory. */
export function testCertificates(): Promise<CertificateStore> {
  store ??= loadCertificates({ directory: undefined, clock: systemClock, random: systemRandom, emit: () => {} });
  return store;
}

/** A leaf of the test CA, for names within what it may certify. */
export async function testLeaf(...dnsNames: string[]): Promise<LeafCertificate & { readonly caPem: string }> {
  const certificates = await testCertificates();
  const name = dnsNames[0]!.replaceAll(/[^a-z0-9]/g, '-');
  const leaf = await certificates.leaf(name, { dnsNames, ips: ['127.0.0.1', '::1'] });
  return { ...leaf, caPem: certificates.ca.certPem };
}
