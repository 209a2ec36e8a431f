import type { Config } from '../config/index.ts';
import { AddressBlock } from '../lib/address-block.ts';
import type { Clock } from '../lib/clock.ts';
import { NameTable, type UpstreamRules } from '../resources/index.ts';

/** The names in upstream rules, with addresses of the families that clients have. */
export function upstreamNames({ gateway, resources, services }: Config, rules: UpstreamRules, clock: Clock): NameTable {
  const networks = [
    gateway.network === null ? null : resources.names.network,
    gateway.ipv6Network === null ? null : resources.names.ipv6Network,
  ].filter((network) => network !== null);
  return new NameTable({
    patterns: namesOf(rules),
    blocks: networks.map((network) => new AddressBlock(network)),
    taken: new Set(services.hosts.flatMap((host) => host.names.map((name) => name.toLowerCase()))),
    clock,
  });
}

/** The matches of rules that are names; those of the configuration come first, so that they get the first addresses. */
export function namesOf(rules: UpstreamRules) {
  const inForce = rules.list();
  return [...inForce.filter(({ added }) => !added), ...inForce.filter(({ added }) => added).reverse()]
    .map(({ pattern }) => pattern)
    .filter((pattern) => pattern !== undefined);
}
