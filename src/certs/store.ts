import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { systemClock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import {
  ALWAYS_PERMITTED_DNS,
  ALWAYS_PERMITTED_IPS,
  BACKDATE_DAYS,
  CA_RENEW_DAYS,
  DAY_MS,
  EXPIRED_DAYS,
  LEAF_DAYS,
  LEAF_RENEW_DAYS,
} from './constants.ts';
import { directoryFiles, type FileStore, memoryFiles } from './directory.ts';
import {
  decodeNameConstraints,
  normalizePermitted,
  permitsDns,
  permitsIp,
  uncovered,
  unite,
} from './name-constraints.ts';
import { trustHelp } from './trust-help.ts';
import type {
  CertificateAuthority,
  CertificateOptions,
  CertificateStore,
  LeafCertificate,
  LeafRequest,
  NameConstraints,
  PermittedNames,
} from './types.ts';

/** The CA's certificate alone, for trust stores. A copy of what {@link CA_KEY_FILE} holds. */
const CA_FILE = 'ca.pem';
/** The CA's key and certificate in one file, so that the pair can only change together. */
const CA_KEY_FILE = 'ca-key.pem';
/** A client with the old file refuses a certificate with a name outside its constraints, whatever name it connects to. */
const TRUST_ANEW =
  'Every client that trusted the old file must trust the new one: phones, browsers, other machines and images, and programs that have read it';
const PRIVATE = 0o600;
const PUBLIC = 0o644;

interface Authority {
  readonly certPem: string;
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly permitted: PermittedNames;
  readonly constraints: NameConstraints;
}

/**
 * Opens the machine's CA and certificates, creates missing ones and renews those about to expire.
 *
 * @example
 * ```ts
 * const certificates = await loadCertificates({ directory: 'certs', clock: systemClock, random: systemRandom, emit });
 * const { certPem, keyPem } = await certificates.leaf('gateway', { dnsNames: ['localhost'], ips: ['127.0.0.1'] });
 * ```
 * @throws TunneliteError `ERR_CERT_DIRECTORY`, `ERR_CERT_CORRUPT`, `ERR_CERT_MISMATCH`
 */
export async function loadCertificates(options: CertificateOptions): Promise<CertificateStore> {
  const { clock, random, emit } = options;
  const files = options.directory === undefined ? memoryFiles() : await directoryFiles(options.directory, random);
  const authority = await loadAuthority(files, options);
  const ca: CertificateAuthority = {
    certPem: authority.certPem,
    path: files.pathOf(CA_FILE),
    fingerprint: authority.certificate.fingerprint256,
    constraints: authority.constraints,
  };
  return {
    ca,
    directory: files.path,
    permits: (dnsName) => permitsDns(authority.permitted, dnsName),
    trustHelp: () => trustHelp(ca),
    leaf: async (name, request) => {
      const file = `${checkName(name)}.pem`;
      checkPermitted(authority.permitted, name, request);
      const stored = await files.read(file);
      const found = stored === undefined ? undefined : parsePair(stored);
      const reason = stored === undefined ? undefined : staleReason(found, authority, request, clock.now());
      if (found && reason === undefined) return leafOf(found, authority);
      const { issueLeaf } = await import('./issue.ts');
      const issued = await issueLeaf({ now: clock.now(), random, request }, authority);
      await files.write(file, issued.keyPem + issued.certPem + authority.certPem, PRIVATE);
      const path = files.pathOf(file) ?? 'memory';
      if (reason === undefined) emit('certificate.created', { certificate: name, path });
      else emit('certificate.renewed', { certificate: name, path, reason });
      return leafOf({ ...issued, certificate: new X509Certificate(issued.certPem) }, authority);
    },
    renewed: async (name, request, from, than) => {
      checkPermitted(authority.permitted, checkName(name), request);
      const now = clock.now();
      const notAfter = Math.min(now + LEAF_DAYS * DAY_MS, Date.parse(authority.certificate.validTo));
      if (notAfter <= than) return undefined;
      const { issueLeaf } = await import('./issue.ts');
      const validity = {
        notBefore: new Date(Math.min(from, now) - BACKDATE_DAYS * DAY_MS),
        notAfter: new Date(notAfter),
      };
      const issued = await issueLeaf({ now, random, request, validity }, authority);
      return leafOf({ ...issued, certificate: new X509Certificate(issued.certPem) }, authority);
    },
    special: async (kind, request) => {
      if (kind !== 'self-signed') checkPermitted(authority.permitted, kind, request);
      const { issueBelowIntermediate, issueLeaf, issueSelfSigned } = await import('./issue.ts');
      const now = clock.now();
      const options = { now, random, request };
      // Clients use the machine's clock: the certificate must be expired by both clocks.
      const ended = Math.min(now, systemClock.now());
      switch (kind) {
        case 'intermediate':
          return issueBelowIntermediate(options, authority);
        case 'self-signed':
          return issueSelfSigned(options);
        case 'expired': {
          const validity = {
            notBefore: new Date(ended - LEAF_DAYS * DAY_MS),
            notAfter: new Date(ended - EXPIRED_DAYS * DAY_MS),
          };
          return issueLeaf({ ...options, validity }, authority);
        }
        case 'client':
          return issueLeaf({ ...options, request: { ...request, usages: ['client'] } }, authority);
      }
    },
    readState: async (name) => {
      const file = `${checkName(name)}.json`;
      const text = await files.read(file);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        const path = files.pathOf(file);
        throw new TunneliteError('ERR_STATE_CORRUPT', `${path} is not valid JSON.`, { cause, details: { path } });
      }
    },
    deleteState: async (name) => files.remove(`${checkName(name)}.json`),
    writeState: async (name, value) => files.write(`${checkName(name)}.json`, stateText(value), PRIVATE),
    createState: async (name, value) => files.create(`${checkName(name)}.json`, stateText(value), PRIVATE),
  };
}

const stateText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

async function loadAuthority(files: FileStore, options: CertificateOptions): Promise<Authority> {
  const { clock, random, emit } = options;
  const welcome = normalizePermitted(options.welcome ?? {});
  const wanted = unite(
    { dns: [...ALWAYS_PERMITTED_DNS], ips: [...ALWAYS_PERMITTED_IPS] },
    normalizePermitted(options.permitted ?? {}),
  );
  const path = files.pathOf(CA_FILE) ?? 'memory';
  const text = (await files.read(CA_KEY_FILE)) ?? (await readAfterCaFile(files));
  if (text === undefined) {
    const { issueCa } = await import('./issue.ts');
    const issued = await issueCa({
      now: clock.now(),
      random,
      permitted: unite(wanted, welcome),
      constraints: options.constraints ?? 'full',
    });
    if (await files.create(CA_KEY_FILE, issued.keyPem + issued.certPem, PRIVATE)) {
      await files.write(CA_FILE, issued.certPem, PUBLIC);
      emit('certificate.created', { certificate: 'ca', path });
      return parseAuthority(issued.keyPem + issued.certPem, path);
    }
    // Another process created one at the same time: use that one, as the other process does.
    return loadAuthority(files, options);
  }
  const found = parseAuthority(text, files.pathOf(CA_KEY_FILE) ?? 'memory');
  const { constraints = found.constraints } = options;
  const missing = uncovered(found.permitted, wanted);
  const reason =
    daysLeft(found.certificate, clock.now()) < CA_RENEW_DAYS
      ? `it expires on ${new Date(found.certificate.validTo).toISOString().slice(0, 10)}`
      : missing.length > 0
        ? `it may not certify ${missing.join(', ')}, which the configuration requires`
        : found.constraints === constraints
          ? undefined
          : `its name constraints are “${found.constraints}”, but the configuration requires “${constraints}”`;
  if (reason === undefined) {
    if ((await files.read(CA_FILE)) !== found.certPem) await files.write(CA_FILE, found.certPem, PUBLIC);
    return found;
  }
  const { issueCa } = await import('./issue.ts');
  const permitted = unite(unite(namedIn(found), wanted), welcome);
  const issued = await issueCa({ now: clock.now(), random, permitted, constraints }, found);
  await files.write(CA_KEY_FILE, issued.keyPem + issued.certPem, PRIVATE);
  await files.write(CA_FILE, issued.certPem, PUBLIC);
  const renewed = parseAuthority(issued.keyPem + issued.certPem, path);
  const { fingerprint256: fingerprint } = renewed.certificate;
  emit('certificate.authority.renewed', { path, fingerprint, reason, explanation: TRUST_ANEW });
  return renewed;
}

/** The names that a CA was created for. An unrestricted type of names in its constraints does not mean that all of them are wanted. */
function namedIn({ constraints, permitted }: Authority): PermittedNames {
  return { dns: constraints === 'off' ? [] : permitted.dns, ips: constraints === 'full' ? permitted.ips : [] };
}

/** A certificate without its key is an error and must not lead to a new CA; a key without its certificate means that another process is writing. */
async function readAfterCaFile(files: FileStore): Promise<string | undefined> {
  if ((await files.read(CA_FILE)) === undefined) return undefined;
  const text = await files.read(CA_KEY_FILE);
  if (text !== undefined) return text;
  const path = files.pathOf(CA_FILE);
  throw new TunneliteError('ERR_CERT_MISMATCH', `${path} exists, but its private key ${CA_KEY_FILE} is not.`, {
    details: { path },
  });
}

function parseAuthority(text: string, path: string): Authority {
  const pair = parsePair(text);
  const read = pair && decodeNameConstraints(pair.certificate.raw);
  if (!pair || !read || !pair.certificate.ca) {
    throw new TunneliteError('ERR_CERT_CORRUPT', `${path} does not hold a CA certificate and key of Tunnelite.`, {
      details: { path },
    });
  }
  const key = createPrivateKey(pair.keyPem);
  if (!pair.certificate.checkPrivateKey(key)) {
    throw new TunneliteError('ERR_CERT_MISMATCH', `The key and the certificate in ${path} do not belong together.`, {
      details: { path },
    });
  }
  const { permitted, kind: constraints } = read;
  return { certPem: pair.certPem, certificate: pair.certificate, key, permitted, constraints };
}

interface Pair {
  readonly keyPem: string;
  readonly certPem: string;
  readonly certificate: X509Certificate;
}

/** The key and the first certificate of a PEM string; undefined when they cannot be read. */
function parsePair(text: string): Pair | undefined {
  const keyPem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/.exec(text)?.[0];
  const certPem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(text)?.[0];
  if (keyPem === undefined || certPem === undefined) return undefined;
  try {
    createPrivateKey(keyPem);
    return { keyPem, certPem, certificate: new X509Certificate(certPem) };
  } catch {
    return undefined;
  }
}

/** Why a stored leaf no longer fits the request; undefined when it does. */
function staleReason(
  pair: Pair | undefined,
  authority: Authority,
  request: LeafRequest,
  now: number,
): string | undefined {
  if (!pair) return 'the file could not be read';
  const { certificate } = pair;
  if (!certificate.checkPrivateKey(createPrivateKey(pair.keyPem))) return 'its key belongs to another certificate';
  if (!certificate.verify(authority.certificate.publicKey)) return 'another CA issued it';
  if (daysLeft(certificate, now) < LEAF_RENEW_DAYS) return 'it is about to expire';
  if (Date.parse(certificate.validFrom) > now) return 'it is not valid yet by this machine’s clock';
  if (namesOf(certificate) !== namesKey(request.dnsNames, request.ips)) return 'its names changed';
  if (usagesOf(certificate) !== usagesKey(request)) return 'its usages changed';
  return undefined;
}

function leafOf(pair: Pair, authority: Authority): LeafCertificate {
  return {
    certPem: pair.certPem + authority.certPem,
    keyPem: pair.keyPem,
    fingerprint: pair.certificate.fingerprint256,
    notAfter: Date.parse(pair.certificate.validTo),
  };
}

function daysLeft(certificate: X509Certificate, now: number): number {
  return (Date.parse(certificate.validTo) - now) / DAY_MS;
}

function namesKey(dnsNames: readonly string[], ips: readonly string[]): string {
  const parts = [...dnsNames.map((name) => name.toLowerCase()), ...ips.map((ip) => ipaddr.parse(ip).toString())];
  return [...new Set(parts)].sort().join(' ');
}

function namesOf(certificate: X509Certificate): string {
  const entries = (certificate.subjectAltName ?? '').split(', ');
  const pick = (prefix: string): string[] =>
    entries.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  return namesKey(pick('DNS:'), pick('IP Address:'));
}

// Object identifiers of RFC 5280 §4.2.1.12.
const USAGE_OIDS = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

function usagesKey(request: LeafRequest): string {
  return (request.usages ?? ['server'])
    .map((usage) => USAGE_OIDS[usage])
    .sort()
    .join(' ');
}

function usagesOf(certificate: X509Certificate): string {
  return [...(certificate.keyUsage ?? [])].sort().join(' ');
}

function checkName(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(name) && name !== 'ca' && name !== 'ca-key') return name;
  throw new TunneliteError('ERR_CERT_NAME_NOT_PERMITTED', `"${name}" cannot name a certificate or state file.`, {
    hint: 'Use lower-case letters, digits and dashes; "ca" and "ca-key" are taken.',
  });
}

function checkPermitted(permitted: PermittedNames, name: string, request: LeafRequest): void {
  const refused = [
    ...request.dnsNames.filter((dns) => !permitsDns(permitted, dns)),
    ...request.ips.filter((ip) => !permitsIp(permitted, ip)),
  ];
  if (refused.length === 0) return;
  throw new TunneliteError(
    'ERR_CERT_NAME_NOT_PERMITTED',
    `The certificate "${name}" asks for ${refused.join(', ')}, which the CA's name constraints do not permit.`,
    { details: { name, refused } },
  );
}
