import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';

const DAY = 86_400_000;

/**
 * The self-signed certificate of a signing key, DER. Nothing trusts it: it exists because key sets contain one (`x5c`)
 * and because its SHA-1 thumbprint is the key's `kid`.
 *
 * Loaded on demand: only creating a new key needs the X.509 library, which costs start-up time.
 */
export async function selfSignedCertificate(keys: CryptoKeyPair, serial: string, now: number): Promise<Buffer> {
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial,
      name: 'CN=accounts.accesscontrol.tunnelite.internal',
      notBefore: new Date(now - DAY),
      notAfter: new Date(now + 5 * 365 * DAY),
      signingAlgorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      keys,
    },
    webcrypto as unknown as Crypto,
  );
  return Buffer.from(certificate.rawData);
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;
type Crypto = Parameters<typeof X509CertificateGenerator.createSelfSigned>[1] & {};
