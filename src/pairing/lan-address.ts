import { readFileSync } from 'node:fs';
import { hostname, type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { TunneliteError } from '../lib/errors.ts';

/** An address of this machine that phones in the same network can reach. */
export interface LanAddress {
  readonly address: string;
  /** Such as `en0`. */
  readonly interface: string;
}

/** Interfaces of containers, virtual machines and tunnels: no phones there. */
const VIRTUAL =
  /^(docker|br-|veth|virbr|vmnet|vboxnet|vnic|utun|tun|tap|wg|zt|tailscale|lxc|lxd|podman|cni|flannel|bridge|vEthernet|awdl|llw)/i;

/** Most homes and offices have these (RFC 1918); the first is the most usual for a WLAN. */
const PRIVATE = [/^192\.168\./, /^10\./, /^172\.(1[6-9]|2\d|3[01])\./];

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/**
 * Finds the address by which a phone in the same network most likely reaches this machine: IPv4, of a physical interface, preferably private.
 * @throws TunneliteError `ERR_LAN_ADDRESS`
 */
export function lanAddress(interfaces: Interfaces = networkInterfaces()): LanAddress {
  const candidates = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))
      .map(({ address }) => ({ address, interface: name })),
  );
  const rank = (one: LanAddress): number => {
    const place = PRIVATE.findIndex((range) => range.test(one.address));
    return (VIRTUAL.test(one.interface) ? 10 : 0) + (place < 0 ? PRIVATE.length : place);
  };
  const best = candidates.toSorted((a, b) => rank(a) - rank(b))[0];
  if (best) return best;
  throw new TunneliteError('ERR_LAN_ADDRESS');
}

/** The machine's name in its network: with the `.local` suffix of multicast DNS (RFC 6762), unless it already has a domain. */
export function lanName(machine = hostname()): string {
  const name = machine.toLowerCase().replace(/\.$/, '');
  return name.includes('.') ? name : `${name}.local`;
}

/** MTU of an interface, in bytes, on systems that expose it as a file (Linux). */
export function linkMtu(name: string): number | undefined {
  try {
    const mtu = Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'));
    return Number.isInteger(mtu) && mtu > 0 ? mtu : undefined;
  } catch {
    return undefined;
  }
}
