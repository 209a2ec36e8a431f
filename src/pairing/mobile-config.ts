import { createHash } from 'node:crypto';
import { build } from 'plist';
import { derOf } from './der.ts';
import type { PairingFacts } from './types.ts';

/**
 * A configuration profile for iOS and iPadOS that contains only the CA certificate (Apple, Device Management, `CertificateRoot`).
 * Identifiers derive from the certificate: installing it again replaces the profile, and another CA's profile coexists. It is not signed:
 * the only key that could sign it belongs to a CA that the phone does not trust yet.
 */
export function mobileConfig({ name, ca }: Pick<PairingFacts, 'name' | 'ca'>): string {
  const id = ca.fingerprint.replaceAll(':', '').toLowerCase();
  const title = 'Tunnelite development CA';
  return `${build({
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: `local.tunnelite.${id.slice(0, 16)}`,
    PayloadUUID: uuid(`profile ${id}`),
    PayloadDisplayName: `${title} (${name})`,
    PayloadDescription: `Lets this device trust the test gateway on ${name}. Remove it after testing.`,
    PayloadOrganization: 'Tunnelite',
    PayloadRemovalDisallowed: false,
    PayloadContent: [
      {
        PayloadType: 'com.apple.security.root',
        PayloadVersion: 1,
        PayloadIdentifier: `local.tunnelite.${id.slice(0, 16)}.ca`,
        PayloadUUID: uuid(`certificate ${id}`),
        PayloadDisplayName: title,
        PayloadDescription: `SHA-256 ${ca.fingerprint}`,
        PayloadCertificateFileName: 'tunnelite-ca.crt',
        PayloadContent: derOf(ca.pem),
      },
    ],
  })}\n`;
}

/** A UUID derived from a string, version 8 (RFC 9562 §5.8), in upper case as Apple writes them. */
function uuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    .toUpperCase();
}
