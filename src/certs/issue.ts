import { type KeyObject, webcrypto } from 'node:crypto';
// The one place that imports this pair, in this order: the second needs the first's metadata functions.
// Loaded lazily by its callers, because it takes longer than a whole warm start may.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { RandomSource } from '../lib/random.ts';
import { BACKDATE_DAYS, CA_DAYS, DAY_MS, LEAF_DAYS } from './constants.ts';
import { encodeNameConstraints, NAME_CONSTRAINTS_OID } from './name-constraints.ts';
import type { LeafRequest, PermittedNames } from './types.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

x509.cryptoProvider.set(webcrypto);

/** A certificate and the key that it certifies, both PEM. */
export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The issuing side of a CA. */
export interface Issuer {
  readonly certPem: string;
  readonly key: KeyObject;
}

/**
 * A self-signed CA (RFC 5280: version 3, `CA:true`, path length 0, name constraints).
 * @param previous when given, its key and subject stay, so that certificates issued before remain valid
 */
export async function issueCa(
  options: { now: number; random: RandomSource; permitted: PermittedNames },
  previous?: Issuer,
): Promise<Issued> {
  const keys = previous ? await importPair(previous) : await generate();
  const name = previous
    ? new x509.X509Certificate(previous.certPem).subject
    : `O=Tunnelite, CN=Tunnelite development CA ${options.random.bytes(4).toString('hex')}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(options.random),
    name,
    ...validity(options.now, CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.Extension(NAME_CONSTRAINTS_OID, true, new Uint8Array(encodeNameConstraints(options.permitted))),
    ],
  });
  return { certPem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** A leaf certificate for the names of the request, with a new key. */
export async function issueLeaf(
  options: { now: number; random: RandomSource; request: LeafRequest },
  issuer: Issuer,
): Promise<Issued> {
  const { request } = options;
  const ca = new x509.X509Certificate(issuer.certPem);
  const keys = await generate();
  const names = [
    ...request.dnsNames.map((value) => new x509.GeneralName('dns', value)),
    ...request.ips.map((value) => new x509.GeneralName('ip', value)),
  ];
  const usages = (request.usages ?? ['server']).map((usage) =>
    usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
  );
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(options.random),
    subject: [{ O: ['Tunnelite'] }, { CN: [(request.dnsNames[0] ?? request.ips[0] ?? 'tunnelite').slice(0, 64)] }],
    issuer: ca.subject,
    ...validity(options.now, LEAF_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (await importPair(issuer)).privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      new x509.SubjectAlternativeNameExtension(names),
    ],
  });
  return { certPem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function importPair(issuer: Issuer): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = issuer.key.export({ type: 'pkcs8', format: 'der' });
  const spki = new x509.X509Certificate(issuer.certPem).publicKey.rawData;
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']),
  };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** RFC 5280 §4.1.2.2: positive and at most 20 bytes. */
function serial(random: RandomSource): string {
  const bytes = random.bytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(now - BACKDATE_DAYS * DAY_MS),
    notAfter: new Date(now + (days - BACKDATE_DAYS) * DAY_MS),
  };
}
