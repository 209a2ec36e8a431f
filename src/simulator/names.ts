import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { CertificateStore, LeafCertificate, PermittedNames } from '../certs/index.ts';
import type { Config } from '../config/index.ts';
import { hostText } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';

const WILDCARD_ADDRESSES = new Set(['0.0.0.0', '::']);

/** What the CA has to be allowed to certify for this configuration. */
export function permittedNames(config: Config): PermittedNames {
  const dns = new Set(config.certs.domains);
  const ips = new Set<string>();
  for (const name of [...config.gateway.names, ...identityNames(config)]) (isIP(name) ? ips : dns).add(name);
  for (const host of [config.gateway.host, config.identity.host]) {
    if (WILDCARD_ADDRESSES.has(host)) dns.add(hostname());
    else ips.add(host);
  }
  for (const host of config.services.hosts) {
    for (const name of host.names) dns.add(parentOf(name));
    for (const address of host.addresses) ips.add(address);
  }
  return { dns: [...dns], ips: [...ips] };
}

/** PEM chain and key of one server. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

/** The certificates of the three servers: gateway, Entra ID, mock services. */
export async function leafCertificates(
  certificates: CertificateStore,
  config: Config,
): Promise<{ readonly gateway: ServerTls; readonly identity: ServerTls; readonly services: ServerTls }> {
  const [gateway, identity, services] = await Promise.all([
    ownCertificate(config) ?? certificates.leaf('gateway', serverNames(config.gateway)).then(pem),
    certificates.leaf('identity', serverNames({ host: config.identity.host, names: identityNames(config) })),
    certificates.leaf('services', {
      dnsNames: unique(config.services.hosts.flatMap((host) => [...host.names])),
      ips: unique(config.services.hosts.flatMap((host) => [...host.addresses])),
    }),
  ]);
  return { gateway, identity: pem(identity), services: pem(services) };
}

/** Names that clients reach the built-in Entra ID by. */
function identityNames({ identity }: Config): readonly string[] {
  if (identity.publicOrigin === null) return identity.names;
  return [...identity.names, new URL(identity.publicOrigin).hostname.replace(/^\[|\]$/g, '')];
}

/** The certificate that the configuration names instead of one of ours. */
function ownCertificate({ gateway: { tls } }: Config): ServerTls | undefined {
  if (tls.certFile === null || tls.keyFile === null) return undefined;
  const [cert, key] = [tls.certFile, tls.keyFile].map(readPem) as [string, string];
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (cause) {
    throw new TunneliteError(
      'ERR_CONFIG_FILE',
      `${tls.certFile} and ${tls.keyFile} are no certificate and key: ${errorText(cause)}`,
      {
        cause,
        hint: 'Give PEM files: the certificate chain, leaf first, and its unencrypted private key.',
      },
    );
  }
  throw new TunneliteError(
    'ERR_CERT_MISMATCH',
    `The key in ${tls.keyFile} does not belong to the certificate in ${tls.certFile}.`,
    {
      hint: 'Name the key that the certificate was issued for.',
    },
  );
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TunneliteError('ERR_CONFIG_FILE', `${file} cannot be read: ${errorText(cause)}`, { cause });
  }
}

/** The host part of a URL that reaches a listener from this machine. */
export function urlHost(listen: string): string {
  return hostText(connectHost(listen));
}

/** The name or address that reaches a listener from this machine. */
export function connectHost(listen: string): string {
  return listen === '127.0.0.1' || listen === '::1' || WILDCARD_ADDRESSES.has(listen) ? 'localhost' : listen;
}

function serverNames({ host, names }: { readonly host: string; readonly names: readonly string[] }): {
  dnsNames: string[];
  ips: string[];
} {
  const everywhere = WILDCARD_ADDRESSES.has(host);
  return {
    dnsNames: unique(['localhost', ...(everywhere ? [hostname()] : []), ...names.filter((name) => !isIP(name))]),
    ips: unique(['127.0.0.1', '::1', ...(everywhere ? [] : [host]), ...names.filter((name) => isIP(name))]),
  };
}

function parentOf(name: string): string {
  const labels = name.split('.');
  return labels.length > 2 ? labels.slice(1).join('.') : name;
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];
const pem = (leaf: LeafCertificate): ServerTls => ({ cert: leaf.certPem, key: leaf.keyPem });
