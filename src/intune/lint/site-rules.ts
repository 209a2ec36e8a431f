import { isIP } from 'node:net';
import { bareHost } from '../../lib/endpoint.ts';
import { readCertificate } from '../graph/certificate.ts';
import type { LintFinding } from './findings.ts';
import { nameOf, type Picture } from './picture.ts';

/* Sites, and certificates that apps must trust. */

const ROOTS_KEY = 'com.microsoft.tunnel.trusted_root_certificates';

/** Checks the sites. */
export function lintSites({ sites = [], serverConfigurations }: Picture): readonly LintFinding[] {
  return sites.flatMap((site): readonly LintFinding[] => {
    const subject = `Site “${nameOf(site.displayName)}”`;
    const address = String(site.publicAddress ?? '');
    const findings: LintFinding[] = [];
    if (isIP(bareHost(address)) !== 0) {
      findings.push({
        level: 'error',
        rule: 'site-address-ip',
        subject,
        message: `Its public address is the IP address ${address}: certificates of gateways contain host names, so TLS fails.`,
        fix: 'Set a host name that is in the certificate and that clients can resolve.',
      });
    } else if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(address)) {
      findings.push({
        level: 'error',
        rule: 'site-address-form',
        subject,
        message:
          address === ''
            ? 'It has no public address.'
            : `Its public address “${address.slice(0, 200)}” is not a host name.`,
        fix: 'Set only the host name, without https:// and without a port: the server configuration has the port.',
      });
    }
    const linked = (site.microsoftTunnelConfiguration as { id?: unknown } | null | undefined)?.id;
    const found = serverConfigurations?.some((each) => each.id === linked);
    if (serverConfigurations !== undefined && site.microsoftTunnelConfiguration !== undefined && !found) {
      findings.push({
        level: 'error',
        rule: 'site-configuration',
        subject,
        message: 'Its server configuration does not exist.',
        fix: 'Choose a server configuration for the site.',
      });
    }
    return findings;
  });
}

/** Checks trusted root certificates: in profiles, and in policies that contain a copy. @param now milliseconds since the Unix epoch */
export function lintRoots({ roots, configurations }: Picture, now: number): readonly LintFinding[] {
  const copies = configurations.flatMap(({ subject, settings }) =>
    settings
      .filter(({ name }) => name.trim() === ROOTS_KEY)
      .flatMap(({ value }) => itemsOf(value))
      .map((item) => ({ subject: `${subject}, root certificate “${nameOf(item.displayName)}”`, item })),
  );
  const profiles = roots.map((item) => ({
    subject: `Trusted certificate profile “${nameOf(item.displayName)}”`,
    item,
  }));
  return [...profiles, ...copies].flatMap(({ subject, item }) => lintRoot(subject, item.trustedRootCertificate, now));
}

function itemsOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((each) => typeof each === 'object' && each !== null) : [];
  } catch {
    return [];
  }
}

function lintRoot(subject: string, encoded: unknown, now: number): readonly LintFinding[] {
  const fix = 'Upload the certificate of the CA that issued those of the internal sites, as DER (.cer).';
  let certificate: ReturnType<typeof readCertificate>;
  try {
    certificate = readCertificate(typeof encoded === 'string' ? encoded : '');
  } catch (error) {
    return [{ level: 'error', rule: 'root-unreadable', subject, message: (error as Error).message, fix }];
  }
  const findings: LintFinding[] = [];
  const name = certificate.subject.replaceAll('\n', ', ');
  if (!certificate.ca) {
    findings.push({
      level: 'error',
      rule: 'root-not-ca',
      subject,
      message: `The certificate (${name}) is not that of a certificate authority, so it makes no server trusted.`,
      fix,
    });
  }
  if (now > certificate.validToDate.getTime() || now < certificate.validFromDate.getTime()) {
    findings.push({
      level: 'error',
      rule: 'root-expired',
      subject,
      message: `The certificate (${name}) is valid from ${certificate.validFrom} to ${certificate.validTo}, but not now.`,
      fix: 'Upload a certificate that is valid now.',
    });
  }
  return findings;
}
