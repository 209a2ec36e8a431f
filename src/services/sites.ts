import type { Emit } from '../telemetry/events.ts';
import type { CertificateIssuer } from './certificate-site.ts';
import type { PacSettings } from './pac.ts';
import { createSite, type Site, type SitePorts, type SiteTls } from './site.ts';
import type { StubTable } from './stub-table.ts';
import type { OnPremisesHost } from './types.ts';

interface SitesOptions {
  readonly hosts: readonly OnPremisesHost[];
  readonly emit: Emit;
  readonly issuer: CertificateIssuer;
  readonly ports: SitePorts;
  readonly pac: () => PacSettings;
  readonly inspectingCa: () => Promise<string>;
  readonly stubs: StubTable;
}

/** The host whose certificate `wrongname` shows. */
const WRONG_NAME = 'other.contoso.internal';

/** All web sites of the mock network. Their routes load with the first visitor. */
export function createSites(options: SitesOptions, shared: () => SiteTls): Site[] {
  const { hosts, emit, issuer, ports } = options;
  const special = (
    name: string,
    kind: Parameters<typeof issuer.special>[0],
    dnsNames = hosts
      .filter(({ tcp }) => Object.values(tcp).includes(`${name}-https`))
      .flatMap((host) => [...host.names]),
  ): Site =>
    createSite({
      name,
      emit,
      ports,
      tls: async () => {
        const { certPem: cert, keyPem: key } = await issuer.special(kind, { dnsNames, ips: [] });
        return { cert, key };
      },
      addRoutes: certificates,
    });
  const certificates: Parameters<typeof createSite>[0]['addRoutes'] = async (app, tools) =>
    (await import('./certificate-site.ts')).addCertificateSite(app, tools, issuer);
  const withClient = { emit, ports, tls: () => ({ ...shared(), ca: issuer.ca }), addRoutes: certificates };
  return [
    createSite({
      name: 'intranet',
      emit,
      ports,
      tls: shared,
      http2: false,
      addRoutes: async (app, tools) => (await import('./intranet.ts')).addIntranet(app, tools),
    }),
    createSite({
      name: 'webapp',
      emit,
      ports,
      tls: shared,
      addRoutes: async (app, tools) => (await import('./webapp.ts')).addWebapp(app, tools),
    }),
    createSite({
      name: 'api',
      emit,
      ports,
      tls: shared,
      addRoutes: async (app, tools) => (await import('./api.ts')).addApi(app, tools),
    }),
    createSite({
      name: 'files',
      emit,
      ports,
      tls: shared,
      addRoutes: async (app, tools) => (await import('./files.ts')).addFiles(app, tools),
    }),
    createSite({
      name: 'stream',
      emit,
      ports,
      tls: shared,
      addRoutes: async (app, tools) => (await import('./stream.ts')).addStream(app, tools),
    }),
    createSite({
      name: 'flaky',
      emit,
      ports,
      tls: shared,
      addRoutes: async (app, tools) => (await import('./flaky.ts')).addFlaky(app, tools),
    }),
    createSite({
      name: 'stubs',
      emit,
      ports,
      tls: async () => {
        const own = hosts
          .filter(({ tcp }) => Object.values(tcp).includes('stubs-https'))
          .flatMap(({ names }) => [...names]);
        const issue = async (dnsNames: readonly string[]) => issuer.special('intermediate', { dnsNames, ips: [] });
        // A name that the CA cannot certify must not prevent a certificate for the others.
        const { certPem: cert, keyPem: key } = await issue([...new Set([...own, ...options.stubs.hosts()])]).catch(() =>
          issue(own),
        );
        return { cert, key };
      },
      addRoutes: async (app, tools) => (await import('./stub-site.ts')).addStubSite(app, tools, options.stubs, emit),
    }),
    createSite({
      name: 'proxy',
      emit,
      ports,
      tls: shared,
      addRoutes: async (app) => (await import('./proxy-site.ts')).addProxySite(app, { ...options, ca: issuer.ca }),
    }),
    createSite({ name: 'certificates', emit, ports, tls: shared, addRoutes: certificates }),
    special('trusted', 'intermediate'),
    special('untrusted', 'self-signed'),
    special('expired', 'expired'),
    special('wrongname', 'intermediate', [WRONG_NAME]),
    createSite({ name: 'clientcert', ...withClient, clientCertificate: 'required' }),
    createSite({ name: 'optionalcert', ...withClient, clientCertificate: 'optional' }),
  ];
}
