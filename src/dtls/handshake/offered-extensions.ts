import { isIP } from 'node:net';
import type { EndpointConfig } from '../association/endpoint-config.ts';
import type { DtlsClientCredentials } from '../association/types.ts';
import { numbers, uint, vector } from '../protocol/byte-writer.ts';
import { type CipherSuiteName, cipherSuite } from '../protocol/cipher-suites.ts';
import { EXTENSION } from '../protocol/constants.ts';
import { type Extensions, serverNameExtension } from './hello-extensions.ts';
import { GROUP_PREFERENCE } from './key-agreement.ts';
import { SIGNATURE_SCHEMES } from './signature-schemes.ts';

/** The extensions of our ClientHello for what it offers. */
export function offeredExtensions(
  credentials: DtlsClientCredentials,
  cipherSuites: readonly CipherSuiteName[],
  config: EndpointConfig,
): Extensions {
  const extensions: Extensions = new Map();
  if (credentials.kind === 'certificate') {
    const { servername } = credentials;
    if (servername !== undefined && !isIP(servername)) {
      extensions.set(EXTENSION.serverName, serverNameExtension(servername));
    }
    extensions.set(EXTENSION.signatureAlgorithms, vector(numbers(SIGNATURE_SCHEMES), 2));
  }
  if (cipherSuites.some((name) => cipherSuite(name).keyExchange.startsWith('ecdhe'))) {
    extensions.set(EXTENSION.supportedGroups, vector(numbers(GROUP_PREFERENCE), 2));
    extensions.set(EXTENSION.ecPointFormats, Buffer.from([1, 0]));
  }
  if (config.extendedMasterSecret && credentials.kind !== 'resume') {
    extensions.set(EXTENSION.extendedMasterSecret, Buffer.alloc(0));
  }
  if (cipherSuites.some((name) => cipherSuite(name).macKeyLength > 0)) {
    extensions.set(EXTENSION.encryptThenMac, Buffer.alloc(0));
  }
  extensions.set(EXTENSION.renegotiationInfo, Buffer.from([0]));
  if (config.recordSizeLimit > 0) extensions.set(EXTENSION.recordSizeLimit, uint(config.recordSizeLimit, 2));
  return extensions;
}
