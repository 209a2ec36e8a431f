import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import type { AlertName } from '../protocol/alerts.ts';

/** Longest accepted path from a leaf to a root. */
const MAX_PATH = 8;
/** OID of TLS server authentication (RFC 5280 §4.2.1.12). */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';

/** What a server's certificate is checked against. */
interface VerificationOptions {
  /** PEM; the roots that ship with Node.js when undefined. */
  readonly ca: string | readonly string[] | undefined;
  /** Host name or IP address; undefined = not checked. */
  readonly servername: string | undefined;
  /** Wall-clock time, ms since the Unix epoch. */
  readonly now: number;
}

/** Why a chain was refused: the alert to send and a readable sentence. */
interface VerificationFailure {
  readonly alert: AlertName;
  readonly explanation: string;
}

/** Parses the DER certificates of a Certificate message; undefined when one is not a certificate. */
export function parseChain(chain: readonly Buffer[]): X509Certificate[] | undefined {
  try {
    return chain.map((der) => new X509Certificate(der));
  } catch {
    return undefined;
  }
}

/** Certificates of PEM text, which may hold several. */
export function parsePem(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Checks a server's chain: a path to a trusted certificate, validity period, key usage, and name. Returns the failure, or
 * undefined when the chain is valid. Name constraints and revocation are not checked.
 */
export function verifyChain(
  chain: readonly X509Certificate[],
  options: VerificationOptions,
): VerificationFailure | undefined {
  const leaf = chain[0];
  if (!leaf) return { alert: 'bad_certificate', explanation: 'The server sent no certificate.' };
  const { servername } = options;
  if (servername !== undefined) {
    const matches = isIP(servername) ? leaf.checkIP(servername) : leaf.checkHost(servername);
    if (!matches) {
      const names = leaf.subjectAltName ?? leaf.subject;
      return { alert: 'bad_certificate', explanation: `The certificate is not for ${servername} but for ${names}.` };
    }
  }
  // `keyUsage` of X509Certificate is the extended key usage.
  const usage = leaf.keyUsage as readonly string[] | undefined;
  if (usage && !usage.includes(SERVER_AUTH) && !usage.includes(ANY_EXTENDED_KEY_USAGE)) {
    return { alert: 'unsupported_certificate', explanation: 'The certificate is not for server authentication.' };
  }
  return verifyPath(leaf, chain.slice(1), trusted(options.ca), options.now);
}

function trusted(ca: VerificationOptions['ca']): X509Certificate[] {
  const pems = ca === undefined ? rootCertificates : typeof ca === 'string' ? [ca] : ca;
  return pems.flatMap(parsePem);
}

function verifyPath(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): VerificationFailure | undefined {
  let certificate = leaf;
  for (let depth = 0; depth < MAX_PATH; depth++) {
    if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) {
      const explanation = `The certificate of ${oneLine(certificate.subject)} is valid from ${certificate.validFrom} to ${certificate.validTo} only.`;
      return { alert: 'certificate_expired', explanation };
    }
    if (roots.some((root) => root.raw.equals(certificate.raw))) return undefined;
    const signed = (issuer: X509Certificate): boolean =>
      issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    const issuer = roots.find(signed) ?? sent.find(signed);
    if (!issuer || issuer.raw.equals(certificate.raw)) break;
    certificate = issuer;
  }
  const explanation = `No trusted certificate signed the certificate of ${oneLine(certificate.subject)}.`;
  return { alert: 'unknown_ca', explanation };
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ');
}
