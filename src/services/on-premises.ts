import { TunneliteError } from '../lib/errors.ts';
import type { Emit } from '../telemetry/events.ts';
import { createIntranet } from './intranet.ts';
import { createDiscard, createEcho, createGenerator, datagramEcho } from './small.ts';
import type { DatagramService, OnPremisesHost, StreamService } from './types.ts';

export interface OnPremisesOptions {
  readonly hosts: readonly OnPremisesHost[];
  readonly emit: Emit;
  /** PEM chain and key of the mock services' certificate. */
  readonly tls: { readonly cert: string; readonly key: string };
}

/** The mock network behind the gateway: its hosts, and the services that run on them. */
export interface OnPremises {
  readonly hosts: readonly OnPremisesHost[];
  /** The host that has this address. */
  hostAt(address: string): OnPremisesHost | undefined;
  stream(service: string): StreamService | undefined;
  datagram(service: string): DatagramService | undefined;
  close(): Promise<void>;
}

/** Names of the services that can stand behind a port of a host. */
export const SERVICE_NAMES = ['intranet-http', 'intranet-https', 'echo', 'discard', 'generator', 'dns'] as const;

/** Starts the services. Nothing listens on a real socket: connections are handed over as the tunnel delivers them. */
export async function createOnPremises(options: OnPremisesOptions): Promise<OnPremises> {
  const intranet = await createIntranet({ emit: options.emit, tls: options.tls });
  const streams = new Map<string, StreamService>();
  for (const service of [intranet.http, intranet.https, createEcho(), createDiscard(), createGenerator()]) {
    streams.set(service.name, service);
  }
  const datagrams = new Map<string, DatagramService>([[datagramEcho.name, datagramEcho]]);
  const byAddress = new Map<string, OnPremisesHost>();
  for (const host of options.hosts) {
    for (const address of host.addresses) {
      const other = byAddress.get(address);
      if (other) {
        throw new TunneliteError(
          'ERR_SERVICE_ADDRESS_TWICE',
          `The address ${address} is given to both ${other.names[0]} and ${host.names[0]}.`,
        );
      }
      byAddress.set(address, host);
    }
  }
  return {
    hosts: options.hosts,
    hostAt: (address) => byAddress.get(address),
    stream: (service) => streams.get(service),
    datagram: (service) => datagrams.get(service),
    async close() {
      for (const service of streams.values()) await service.close();
    },
  };
}
