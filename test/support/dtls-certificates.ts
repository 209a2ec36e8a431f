import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as typeof globalThis.crypto);

export type KeyKind = 'rsa' | 'p256' | 'p384' | 'ed25519';

const ALGORITHMS: Record<KeyKind, webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams | webcrypto.Algorithm> = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  p256: { name: 'ECDSA', namedCurve: 'P-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384' },
  ed25519: { name: 'Ed25519' },
};

export interface TestCertificate {
  /** PEM of the leaf. */
  readonly cert: string;
  readonly key: string;
  /** PEM of the CA. */
  readonly ca: string;
}

export interface TestCertificateOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly clientOnly?: boolean;
}

const HOUR = 3_600_000;

/** A leaf for localhost, 127.0.0.1 and gateway.test, signed by a CA of its own. */
export async function testCertificate(kind: KeyKind, options: TestCertificateOptions = {}): Promise<TestCertificate> {
  const caAlgorithm = ALGORITHMS.p256 as webcrypto.EcKeyGenParams;
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const caKeys = (await webcrypto.subtle.generateKey(caAlgorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const notBefore = options.notBefore ?? new Date(Date.now() - HOUR);
  const notAfter = options.notAfter ?? new Date(Date.now() + 24 * HOUR);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test CA',
    notBefore,
    notAfter,
    signingAlgorithm,
    keys: caKeys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const keys = (await webcrypto.subtle.generateKey(ALGORITHMS[kind], true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const usage = options.clientOnly ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: '02',
    subject: 'CN=localhost',
    issuer: ca.subject,
    notBefore,
    notAfter,
    signingAlgorithm,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'dns', value: 'gateway.test' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const key = KeyObject.from(keys.privateKey as webcrypto.CryptoKey).export({ type: 'pkcs8', format: 'pem' });
  return { cert: leaf.toString('pem'), key: key as string, ca: ca.toString('pem') };
}

/** One certificate of a path, with what is needed to issue the next. */
export interface MadeCertificate {
  readonly pem: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface CertificateRequest {
  /** Subject, such as `CN=Root`. */
  readonly name: string;
  readonly ca: boolean;
  /** Who signs; itself when left out. */
  readonly issuer?: MadeCertificate;
  /** Milliseconds since the Unix epoch; an hour ago to a day from now when left out. */
  readonly from?: number;
  readonly to?: number;
}

/** A certificate with a key of its own, signed by any other: also by one that is no CA. */
export async function makeCertificate({ name, ca, issuer, from, to }: CertificateRequest): Promise<MadeCertificate> {
  const algorithm = ALGORITHMS.p256 as webcrypto.EcKeyGenParams;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: webcrypto.getRandomValues(Buffer.alloc(8)).fill(1, 0, 1).toString('hex'),
    subject: name,
    issuer: issuer ? new x509.X509Certificate(issuer.pem).subject : name,
    notBefore: new Date(from ?? Date.now() - HOUR),
    notAfter: new Date(to ?? Date.now() + 24 * HOUR),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    publicKey: keys.publicKey,
    signingKey: (issuer ?? { keys }).keys.privateKey,
    extensions: [new x509.BasicConstraintsExtension(ca)],
  });
  return { pem: certificate.toString('pem'), keys };
}
