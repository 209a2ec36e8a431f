import { DEFAULTS } from '../lib/defaults.ts';
import { addressBytes } from '../lib/ip-address.ts';
import { type SpecialUse, specialUse } from '../lib/special-address.ts';
import type { AccessRules } from './access-rules.ts';
import type { ConnectRequest, Decision, Policy, RefusalAnswer } from './types.ts';
import type { UpstreamRule, UpstreamRules } from './upstream-rules.ts';

/** A mock host, and its service on the requested port. */
export interface FoundHost {
  readonly host: string;
  readonly service: string | undefined;
  /** True for a host that ignores requests to ports without a service. */
  readonly drops?: boolean;
}

/** The policy's view of the mock network. */
export interface ServiceDirectory {
  /** The name of the host at this address, and the service on the port, if any. */
  find(address: string, port: number, protocol: 'tcp' | 'udp'): FoundHost | undefined;
}

interface PolicyOptions {
  readonly services: ServiceDirectory;
  readonly upstreams: UpstreamRules;
  /** Addresses at which the tunnel answers DNS, including those without a mock host, each in one spelling; can grow. */
  readonly dnsServers?: ReadonlySet<string>;
  /** Whether to answer pings to an address. Default: no. */
  readonly answersPing?: (address: string) => boolean;
  /** Access rules for reachable destinations. Default: all users can reach all of them. */
  readonly access?: AccessRules;
  /** Response to requests that no rule allows. Default `prohibited`. */
  readonly denyWith?: () => RefusalAnswer;
}

type Destination = ConnectRequest['destination'];

/** The DNS service and its port (RFC 1035 §4.2). */
const DNS = { service: 'dns', port: 53 } as const;

/**
 * Closed by default: the tunnel reaches only the mock services and the configured upstreams. The first matching
 * active rule decides.
 */
export function createPolicy(options: PolicyOptions): Policy {
  const { upstreams } = options;
  const denyWith = options.denyWith ?? ((): RefusalAnswer => DEFAULTS.resources.denyWith);
  const dnsServers = options.dnsServers ?? new Set();
  const { access } = options;
  const reach: Policy = (request): Decision => {
    const { destination } = request;
    const { address, port } = destination;
    const { protocol } = request;
    if (protocol === 'icmp') return pingDecision(destination, options.answersPing?.(address) ?? false);
    const found = options.services.find(address, port, protocol);
    const bytes = addressBytes(address) ?? new Uint8Array();
    const upstream = upstreams.find(destination, bytes);
    // A rule that names the host precedes the host's own services: a real server replaces a mock.
    if (found?.service && !(upstream && isNamedBy(destination, upstream.found.rule))) {
      return {
        allow: true,
        rule: 'mock-service',
        explanation: `${found.host} port ${port} is the mock service ${found.service}.`,
        target: { kind: 'service', service: found.service },
      };
    }
    if (upstream) {
      const {
        found: { id, rule, bits },
        host,
      } = upstream;
      const tooWide =
        rule.to === undefined && rule.here === undefined && bits !== undefined
          ? specialRefusal(address, rule.match, bits)
          : undefined;
      if (tooWide) return tooWide;
      const target = {
        kind: 'upstream',
        id,
        host: rule.to?.host ?? host,
        port: rule.to?.port ?? port,
        local: rule.local,
        here: rule.here,
      } as const;
      return {
        allow: true,
        rule: `upstream ${rule.match}`,
        explanation: `The upstream rule ${rule.match} allows ${host === address ? 'it' : host}; ${rule.here ? 'its handler in this process answers' : `it goes to ${target.host} port ${target.port}`}.`,
        target,
      };
    }
    if (port === DNS.port && dnsServers.has(address)) {
      return {
        allow: true,
        rule: 'dns-server',
        explanation: `${address} is one of gateway.dnsServers, so the resolver of the mock network answers there.`,
        target: { kind: 'service', service: DNS.service },
      };
    }
    if (found) {
      return {
        allow: false,
        rule: 'closed-port',
        explanation: `${found.host} has no service on ${protocol} port ${port}${found.drops ? ', and does not answer there, like a firewall that drops packets' : ''}.`,
        answer: found.drops ? 'drop' : 'reset',
      };
    }
    const removed = upstreams.findRemoved(destination, bytes);
    if (removed) {
      return {
        allow: false,
        rule: 'removed-upstream',
        explanation: `The upstream rule ${removed.rule.match} (${removed.id}), which allowed it, was removed.`,
        answer: 'reset',
      };
    }
    return { allow: false, rule: 'default-deny', explanation: `${whyNot(destination)}.`, answer: denyWith() };
  };
  return access === undefined ? reach : (request) => access.decide(request, reach(request));
}

/** Minimum prefix length of a rule by address that may select a special address. */
const BITS_FOR: Readonly<Record<SpecialUse, readonly [ipv4: number, ipv6: number]>> = {
  loopback: [8, 128],
  'link-local': [16, 10],
  metadata: [32, 128],
};

/** A range as wide as 0.0.0.0/0 does not include this machine itself, or its cloud's metadata service. */
function specialRefusal(address: string, match: string, bits: number): Decision | undefined {
  const use = specialUse(address);
  if (use === undefined || bits >= BITS_FOR[use][address.includes(':') ? 1 : 0]) return undefined;
  return {
    allow: false,
    rule: 'special-address',
    explanation: `${address} is a ${use} address, and the upstream rule ${match} is too general for it. To reach it, add a rule with match: ${address}.`,
    answer: 'prohibited',
  };
}

function pingDecision({ address, host = address }: Destination, answers: boolean): Decision {
  return answers
    ? { allow: true, rule: 'ping', explanation: `${host} answers pings.`, target: { kind: 'echo' } }
    : { allow: false, rule: 'no-ping', explanation: `${host} does not answer pings.`, answer: 'drop' };
}

/** Whether a rule has exactly one of the destination's names. */
function isNamedBy({ names }: Destination, { match }: UpstreamRule): boolean {
  const wanted = match.toLowerCase();
  return names.some((name) => name.toLowerCase() === wanted);
}

/** Why no rule allows a destination without a host, and what to do about it. */
function whyNot({ address, host, isVirtual, port }: Destination): string {
  if (host === address) {
    return `${host} does not exist here: there is no mock host, record or upstream rule with this name. Add it under resources.upstreams to allow it`;
  }
  if (host !== undefined) {
    return `No upstream rule for ${host} has port ${port}. Add the port to one of resources.upstreams to allow it`;
  }
  return isVirtual
    ? `${address} is for names of upstreams, but currently has none. The client must look up the name`
    : `No mock host has the address ${address} and no upstream rule names it. Add it under resources.upstreams to allow it`;
}
