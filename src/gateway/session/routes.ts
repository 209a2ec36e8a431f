import ipaddr from 'ipaddr.js';

/** Networks in the two forms of CONNECT's header block. */
export interface RouteLists {
  /** `network/dotted-mask`. */
  readonly ipv4: readonly string[];
  /** `network/prefix`. */
  readonly ipv6: readonly string[];
}

/** By the list in the settings, which is the same for every CONNECT. */
const sorted = new WeakMap<readonly string[], RouteLists>();

/**
 * Sorts CIDR strings by address family and skips a string that is not a network (the configuration has already refused it). Both lists are
 * empty when one of the networks is a default route: without an include header all traffic uses the tunnel (observed: ocserv 1.3.0).
 */
export function routeLists(networks: readonly string[]): RouteLists {
  let lists = sorted.get(networks);
  if (!lists) {
    lists = sort(networks);
    sorted.set(networks, lists);
  }
  return lists;
}

function sort(networks: readonly string[]): RouteLists {
  const ipv4: string[] = [];
  const ipv6: string[] = [];
  for (const network of networks) {
    if (!ipaddr.isValidCIDR(network)) continue;
    const [address, prefix] = ipaddr.parseCIDR(network);
    if (prefix === 0) return { ipv4: [], ipv6: [] };
    if (address.kind() === 'ipv4') {
      const base = ipaddr.IPv4.networkAddressFromCIDR(network).toString();
      ipv4.push(`${base}/${ipaddr.IPv4.subnetMaskFromPrefixLength(prefix).toString()}`);
    } else {
      ipv6.push(`${ipaddr.IPv6.networkAddressFromCIDR(network).toString()}/${prefix}`);
    }
  }
  return { ipv4, ipv6 };
}
