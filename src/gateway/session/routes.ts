import ipaddr from 'ipaddr.js';

/** Networks as CONNECT's header block wants them. */
export interface RouteLists {
  /** `network/dotted-mask`. */
  readonly ipv4: readonly string[];
  /** `network/prefix`. */
  readonly ipv6: readonly string[];
}

/** By the list of the settings, which every CONNECT comes with. */
const sorted = new WeakMap<readonly string[], RouteLists>();

/**
 * Sorts CIDR texts by family; a text that is no network is left out (the configuration has refused it before). Both lists are empty
 * where a default route is among them: then no include line is sent, which means everything (reference openconnect-protocol §5.2).
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
