import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { CertificateStore, LeafRequest, NameConstraints, PermittedNames } from '../certs/index.ts';
import { type Config, needsCertificate } from '../config/index.ts';
import { bareHost, endpointText, hostText, isWildcard } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import type { Emit } from '../telemetry/events.ts';

/** Hint for a machine whose name the CA does not include. */
const NAME_CHANGED =
  'the CA was created when the machine had another name. To use this name, add it to gateway.names and identity.names; the CA is then renewed, and clients must trust the new one';

/** The names the CA must be allowed to certify for this configuration. */
export function permittedNames(config: Config): PermittedNames {
  const dns = new Set(config.certs.domains);
  const ips = new Set<string>();
  for (const name of [...config.gateway.names, ...identityNames(config)]) (isIP(name) ? ips : dns).add(name);
  for (const host of [config.gateway.host, config.identity.host]) {
    if (!isWildcard(host)) ips.add(host);
  }
  for (const host of config.services.hosts) {
    for (const name of host.names) dns.add(parentOf(name));
    if (isReachedByAddress(host)) for (const address of host.addresses) ips.add(address);
  }
  return { dns: [...dns], ips: [...ips] };
}

/** The kind of name constraints to give the CA; undefined = those it has. */
export function nameConstraints({ certs }: Config): NameConstraints | undefined {
  return certs.nameConstraints === 'keep' ? undefined : certs.nameConstraints;
}

/**
 * The name of this machine, if a listener is open to other machines: they may use that name. It is no reason to renew the CA,
 * because a container has a different one on each start.
 */
export function welcomeNames(config: Config, machine = hostname()): Partial<PermittedNames> {
  return isOpen(config) ? { dns: [machine] } : {};
}

const isOpen = ({ gateway, identity }: Config): boolean => isWildcard(gateway.host) || isWildcard(identity.host);

/** PEM chain and key of one server. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** How to reissue it; undefined for a certificate that is not ours. */
  readonly leaf?: { readonly name: string; readonly request: LeafRequest; readonly notAfter: number };
}

/** The certificate also contains the intranet's addresses. Other sites are reached by name, so that new ones do not need a new CA. */
const isReachedByAddress = ({ tcp }: Config['services']['hosts'][number]): boolean =>
  Object.values(tcp).includes('intranet-https');

/** The certificates of the three servers: gateway, Entra ID, mock services. */
export async function leafCertificates(
  certificates: CertificateStore,
  config: Config,
  emit: Emit,
  machine = hostname(),
): Promise<{ readonly gateway: ServerTls; readonly identity: ServerTls; readonly services: ServerTls }> {
  const known = certificates.permits(machine);
  if (!known && isOpen(config)) emit('certificate.name.omitted', { host: machine, explanation: NAME_CHANGED });
  const own = known ? [machine] : [];
  const issue = async (name: string, request: LeafRequest): Promise<ServerTls> => {
    const { certPem, keyPem, notAfter } = await certificates.leaf(name, request);
    return { cert: certPem, key: keyPem, leaf: { name, request, notAfter } };
  };
  // One after the other, so that their events have a fixed order.
  const gateway = ownCertificate(config) ?? (await issue('gateway', serverNames(config.gateway, own)));
  const identity = await issue('identity', identityServerNames(config, own));
  const services = await issue('services', {
    dnsNames: unique(
      config.services.hosts.filter(({ tcp }) => needsCertificate(tcp)).flatMap((host) => [...host.names]),
    ),
    ips: unique(config.services.hosts.filter(isReachedByAddress).flatMap((host) => [...host.addresses])),
  });
  return { gateway, identity, services };
}

/** All names and addresses at which clients can reach the built-in Entra ID: those in its certificate. */
export function identityServerNames(config: Config, machine: readonly string[] = [hostname()]): ServerNames {
  return serverNames({ host: config.identity.host, names: identityNames(config) }, machine);
}

/** The gateway's names in the configuration: for a certificate to use next to one that is not ours. */
export const gatewayNames = (config: Config): LeafRequest => serverNames(config.gateway, []);

/** The hosts of URLs, with their port, at which clients can reach the built-in Entra ID. */
export function identityHosts(config: Config): readonly string[] {
  const { port, publicOrigin } = config.identity;
  const { dnsNames, ips } = identityServerNames(config);
  const origins = [...dnsNames, ...ips].map((name) => `https://${endpointText(name, port)}`);
  return [...origins, ...(publicOrigin === null ? [] : [publicOrigin])].map((origin) => new URL(origin).host);
}

/** Names of the built-in Entra ID in the configuration. */
function identityNames({ identity }: Config): readonly string[] {
  if (identity.publicOrigin === null) return identity.names;
  return [...identity.names, bareHost(new URL(identity.publicOrigin).hostname)];
}

/** The certificate that the configuration names, instead of one of ours. */
function ownCertificate({ gateway: { tls } }: Config): ServerTls | undefined {
  if (tls.certFile === null || tls.keyFile === null) return undefined;
  const cert = readPem('certFile', tls.certFile);
  const key = readPem('keyFile', tls.keyFile);
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (cause) {
    throw new TunneliteError(
      'ERR_CONFIG_FILE',
      `gateway.tls: ${tls.certFile} and ${tls.keyFile} are not a certificate and its key: ${errorText(cause)}`,
      {
        cause,
        hint: 'Use PEM files: the certificate chain, leaf first, and its unencrypted private key.',
      },
    );
  }
  throw new TunneliteError(
    'ERR_CERT_MISMATCH',
    `The key in ${tls.keyFile} does not belong to the certificate in ${tls.certFile}.`,
    {
      hint: 'Use the key that the certificate was issued for.',
    },
  );
}

function readPem(member: 'certFile' | 'keyFile', file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TunneliteError('ERR_CONFIG_FILE', `gateway.tls.${member}: ${file} cannot be read: ${errorText(cause)}`, {
      cause,
      hint: 'Check the path and its permissions, or omit both files for a generated certificate.',
    });
  }
}

/** URLs of gateway and Entra ID for other machines: under each name beyond this machine's own. */
export function addressesElsewhere(
  config: Config,
  certificates: CertificateStore,
  local: { readonly gateway: string; readonly authority: string | undefined },
): { readonly gateway: string; readonly authority: string | undefined }[] {
  const machine = certificates.permits(hostname()) ? [hostname()] : [];
  const namesOf = ({ host, names }: { readonly host: string; readonly names: readonly string[] }): string[] =>
    unique([...names, ...(isWildcard(host) ? machine : [])]);
  const issuer = local.authority === undefined ? [] : namesOf(config.identity);
  return namesOf(config.gateway).map((name) => ({
    gateway: under(name, local.gateway),
    authority: issuer.some((one) => sameName(one, name)) ? under(name, local.authority!) : undefined,
  }));
}

/** The same URL with another host. */
function under(name: string, address: string): string {
  const url = new URL(address);
  url.hostname = hostText(name);
  return url.href.replace(/\/$/, '');
}

interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
}

function serverNames(
  { host, names }: { readonly host: string; readonly names: readonly string[] },
  machine: readonly string[],
): ServerNames {
  const everywhere = isWildcard(host);
  return {
    dnsNames: unique(['localhost', ...(everywhere ? machine : []), ...names.filter((name) => !isIP(name))]),
    ips: unique(['127.0.0.1', '::1', ...(everywhere ? [] : [host]), ...names.filter((name) => isIP(name))]),
  };
}

function parentOf(name: string): string {
  const labels = name.split('.');
  return labels.length > 2 ? labels.slice(1).join('.') : name;
}

const nameKey = (name: string): string => canonicalAddress(name).toLowerCase();
const sameName = (a: string, b: string): boolean => nameKey(a) === nameKey(b);
/** Each name and address once, in its first spelling. */
function unique(names: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const name of names) if (!byKey.has(nameKey(name))) byKey.set(nameKey(name), name);
  return [...byKey.values()];
}
