import { type KeyObject, webcrypto } from 'node:crypto';
// The one place that imports this pair, in this order: the second needs the first's metadata functions.
// Loaded lazily by its callers, because it takes longer than a whole warm start may.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { RandomSource } from '../lib/random.ts';
import { BACKDATE_DAYS, CA_DAYS, DAY_MS, LEAF_DAYS } from './constants.ts';
import { encodeNameConstraints, NAME_CONSTRAINTS_OID } from './name-constraints.ts';
import type { LeafRequest, NameConstraints, PermittedNames } from './types.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

x509.cryptoProvider.set(webcrypto);

/** A certificate and the key that it certifies, both PEM. */
interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The issuing side of a CA. */
interface Issuer {
  readonly certPem: string;
  readonly key: KeyObject;
}

/**
 * Creates a self-signed CA (RFC 5280: version 3, `CA:true`, a path length of one intermediate, and name constraints of the given kind).
 * @param previous a CA whose key and subject are kept, so that certificates issued before remain valid
 */
export async function issueCa(
  options: {
    now: number;
    random: RandomSource;
    permitted: PermittedNames;
    constraints: NameConstraints;
    /** Name of the CA, added to the product name. */
    name?: string;
  },
  previous?: Issuer,
): Promise<Issued> {
  const keys = previous ? await importPair(previous) : await generate();
  const name = previous
    ? new x509.X509Certificate(previous.certPem).subject
    : `O=Tunnelite, CN=Tunnelite ${options.name ?? 'development CA'} ${options.random.bytes(4).toString('hex')}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(options.random),
    name,
    ...validity(options.now, CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(options.constraints === 'off' ? [] : [nameConstraints(options.permitted, options.constraints)]),
    ],
  });
  return { certPem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

interface LeafOptions {
  readonly now: number;
  readonly random: RandomSource;
  readonly request: LeafRequest;
  readonly validity?: { readonly notBefore: Date; readonly notAfter: Date };
}

/** A leaf certificate for the names of the request, with a new key. */
export async function issueLeaf(options: LeafOptions, issuer: Issuer): Promise<Issued> {
  return leaf(options, new x509.X509Certificate(issuer.certPem), (await importPair(issuer)).privateKey);
}

/** A leaf below an intermediate created only for it: `certPem` contains both. A CA without path length for one issues the leaf itself. */
export async function issueBelowIntermediate(options: LeafOptions, issuer: Issuer): Promise<Issued> {
  const ca = new x509.X509Certificate(issuer.certPem);
  if (ca.getExtension(x509.BasicConstraintsExtension)?.pathLength === 0) return issueLeaf(options, issuer);
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(options.random),
    subject: [{ O: ['Tunnelite'] }, { CN: ['Contoso issuing CA'] }],
    issuer: ca.subject,
    ...validity(options.now, LEAF_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (await importPair(issuer)).privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
    ],
  });
  const { certPem, keyPem } = await leaf(options, certificate, keys.privateKey);
  return { certPem: certPem + pem(certificate), keyPem };
}

/** A leaf signed by its own key. */
export async function issueSelfSigned(options: LeafOptions): Promise<Issued> {
  const keys = await generate();
  return leaf(options, undefined, keys.privateKey, keys);
}

/** @param issuer undefined for a self-signed leaf */
async function leaf(
  options: LeafOptions,
  issuer: x509.X509Certificate | undefined,
  signingKey: webcrypto.CryptoKey,
  own?: webcrypto.CryptoKeyPair,
): Promise<Issued> {
  const { request } = options;
  const keys = own ?? (await generate());
  const names = [
    ...request.dnsNames.map((value) => new x509.GeneralName('dns', value)),
    ...request.ips.map((value) => new x509.GeneralName('ip', value)),
  ];
  const usages = (request.usages ?? ['server']).map((usage) =>
    usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
  );
  const commonName = request.commonName ?? request.dnsNames[0] ?? request.ips[0] ?? 'tunnelite';
  const subject = [{ O: ['Tunnelite'] }, { CN: [commonName.slice(0, 64)] }];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(options.random),
    subject,
    issuer: issuer?.subject ?? subject,
    ...(options.validity ?? validity(options.now, LEAF_DAYS)),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(issuer ? [await x509.AuthorityKeyIdentifierExtension.create(issuer)] : []),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certPem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

function nameConstraints(permitted: PermittedNames, kind: 'full' | 'dns'): x509.Extension {
  return new x509.Extension(NAME_CONSTRAINTS_OID, true, new Uint8Array(encodeNameConstraints(permitted, kind)));
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
