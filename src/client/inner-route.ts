import { TunneliteError } from '../lib/errors.ts';
import { localAddressFor, type TunnelConfiguration } from './core/tunnel-configuration.ts';

/** Source and destination addresses in the tunnel. */
export interface InnerRoute {
  readonly local: string;
  readonly remote: string;
  /** The other end, for messages. */
  readonly where: string;
}

/**
 * The route to the first of a host's addresses whose family the tunnel has.
 * @throws TunneliteError `ERR_CLIENT_OPEN`
 */
export function routeTo(
  configuration: TunnelConfiguration,
  host: string,
  addresses: readonly string[],
  port: number,
): InnerRoute {
  for (const remote of addresses) {
    const local = localAddressFor(configuration, remote);
    if (local !== undefined) return { local, remote, where: whereOf(host, remote, port) };
  }
  throw new TunneliteError('ERR_CLIENT_OPEN', `The tunnel has no address of the family of ${addresses.join(', ')}.`);
}

/** @throws TunneliteError `ERR_CLIENT_OPEN` */
export function assertPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new TunneliteError('ERR_CLIENT_OPEN', `${port} is not a port.`);
}

/** The other end, for messages. */
export function whereOf(host: string, address: string, port: number): string {
  return address === host ? `${host} port ${port}` : `${host} (${address}) port ${port}`;
}
