import { allEnded } from '../lib/all-ended.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import type { CertificateIssuer } from './certificate-site.ts';
import type { Onward } from './onward.ts';
import type { PacSettings } from './pac.ts';
import { createProxies } from './proxy.ts';
import type { ProxySettings } from './proxy-access.ts';
import type { Inspector } from './proxy-inspection.ts';
import type { RequestRecorder } from './recorder.ts';
import type { Site, SiteTls } from './site.ts';
import { createSites } from './sites.ts';
import { createDiscard, createEcho, createGenerator, datagramDiscard, datagramEcho } from './small.ts';
import { type StubRule, StubTable } from './stub-table.ts';
import type { DatagramService, OnPremisesHost, StreamService } from './types.ts';

/** Run-time settings of the mock network. */
export interface OnPremisesSettings {
  readonly proxy: ProxySettings;
  readonly pac: PacSettings;
  readonly stubs: readonly StubRule[];
}

interface OnPremisesOptions {
  readonly hosts: readonly OnPremisesHost[];
  readonly emit: Emit;
  /** PEM chain and key of the mock services' certificate. */
  readonly tls: SiteTls;
  readonly issuer: CertificateIssuer;
  readonly settings: OnPremisesSettings;
  /** How proxies reach their clients' destinations. */
  readonly onward: Onward;
  /** Creates the certificates of the inspecting proxy. */
  readonly inspector: Inspector;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: RandomSource;
  /** Records requests for a HAR. */
  readonly recorder?: RequestRecorder;
}

/** The mock network behind the gateway: its hosts and their services. */
export interface OnPremises {
  readonly hosts: readonly OnPremisesHost[];
  readonly stubs: StubTable;
  /** Host names of stubs have changed: creates a new certificate for them. */
  stubsChanged(): void;
  /** The host with this address. */
  hostAt(address: string): OnPremisesHost | undefined;
  stream(service: string): StreamService | undefined;
  datagram(service: string): DatagramService | undefined;
  /** Applies new settings. */
  configure(settings: OnPremisesSettings): void;
  /** Serves another certificate from now on, and recreates the special ones; open connections keep theirs. */
  useCertificate(tls: SiteTls): void;
  /** Clears visitors' data on the sites, and closes their connections. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the services. None listens on a real socket: the tunnel hands over connections. */
export async function createOnPremises(options: OnPremisesOptions): Promise<OnPremises> {
  let { tls } = options;
  const { clock = systemClock, random = systemRandom } = options;
  let { settings } = options;
  const stubs = new StubTable(settings.stubs);
  const sites: readonly Site[] = createSites(
    {
      ...options,
      ports: { clock, random, recorder: options.recorder },
      pac: () => settings.pac,
      inspectingCa: () => options.inspector.ca(),
      stubs,
    },
    () => tls,
  );
  const proxies = createProxies({ ...options, settings: settings.proxy, ca: options.issuer.ca, clock, random });
  const streams = new Map<string, StreamService>();
  const services = [
    ...sites.flatMap(({ http, https }) => [http, https]),
    createEcho(),
    createDiscard(),
    createGenerator(),
    ...proxies.services,
  ];
  for (const service of services) streams.set(service.name, service);
  const datagrams = new Map<string, DatagramService>([datagramEcho, datagramDiscard].map((one) => [one.name, one]));
  const byAddress = new Map<string, OnPremisesHost>();
  for (const host of options.hosts) {
    for (const address of host.addresses) {
      const key = canonicalAddress(address);
      const other = byAddress.get(key);
      if (other) {
        throw new TunneliteError(
          'ERR_SERVICE_ADDRESS_TWICE',
          `The address ${address} is assigned to both ${other.names[0]} and ${host.names[0]}.`,
        );
      }
      byAddress.set(key, host);
    }
  }
  return {
    hosts: options.hosts,
    stubs,
    stubsChanged: () => sites.find(({ http }) => http.name === 'stubs-http')?.renew(),
    hostAt: (address) => byAddress.get(canonicalAddress(address)),
    stream: (service) => streams.get(service),
    datagram: (service) => datagrams.get(service),
    configure(changed) {
      settings = changed;
      proxies.configure(changed.proxy);
      stubs.configure(changed.stubs);
    },
    useCertificate: (other) => {
      tls = other;
      for (const site of sites) site.renew();
    },
    async reset() {
      proxies.reset();
      options.recorder?.clear();
      stubs.reset();
      await allEnded(sites.map((site) => site.reset()));
    },
    async close() {
      for (const service of streams.values()) await service.close();
    },
  };
}
