import { TunneliteError } from '../lib/errors.ts';
import { isWithin, parseRange } from '../lib/ip-range.ts';
import type { ConnectRequest, Decision, Policy, RefusalAnswer } from './types.ts';

/** An upstream outside the mock network that the tunnel may reach over a real socket. */
export interface UpstreamRule {
  /** What the client asks for: a CIDR range, an address, or a host name (`*.example.com` for all below it). */
  readonly match: string;
  /** Ports; empty = all. */
  readonly ports: readonly number[];
  /** Where the connection really goes, when not to the address asked for. */
  readonly to: { readonly host: string; readonly port: number | undefined } | undefined;
}

/** What the policy has to know of the mock network. */
export interface ServiceDirectory {
  /** The name of the host at this address, and the service on the port, if any. */
  find(
    address: string,
    port: number,
    protocol: 'tcp' | 'udp',
  ): { readonly host: string; readonly service: string | undefined } | undefined;
}

export interface PolicyOptions {
  readonly services: ServiceDirectory;
  readonly upstreams: readonly UpstreamRule[];
  /** How requests that no rule allows are answered. Default `prohibited`. */
  readonly denyWith?: RefusalAnswer;
}

interface CompiledRule {
  readonly rule: UpstreamRule;
  readonly matches: (request: ConnectRequest) => boolean;
}

/**
 * Closed by default: the tunnel reaches the mock services, and upstreams that the configuration names. The first matching rule decides.
 * @throws TunneliteError `ERR_RESOURCE_RULE` for a rule that cannot be understood
 */
export function createPolicy(options: PolicyOptions): Policy {
  const rules = options.upstreams.map(compile);
  const denyWith = options.denyWith ?? 'prohibited';
  return (request): Decision => {
    const { address, port } = request.destination;
    const protocol = request.protocol === 'udp' ? 'udp' : 'tcp';
    const found = options.services.find(address, port, protocol);
    if (found?.service) {
      return {
        allow: true,
        rule: 'mock-service',
        explanation: `${found.host} port ${port} is the mock service ${found.service}.`,
        target: { kind: 'service', service: found.service },
      };
    }
    for (const { rule, matches } of rules) {
      if (!matches(request)) continue;
      const target = { kind: 'upstream', host: rule.to?.host ?? address, port: rule.to?.port ?? port } as const;
      return {
        allow: true,
        rule: `upstream ${rule.match}`,
        explanation: `The upstream rule ${rule.match} allows it; it goes to ${target.host} port ${target.port}.`,
        target,
      };
    }
    if (found) {
      return {
        allow: false,
        rule: 'closed-port',
        explanation: `${found.host} has no service on ${protocol} port ${port}.`,
        answer: 'reset',
      };
    }
    return {
      allow: false,
      rule: 'default-deny',
      explanation: `No mock host has the address ${address} and no upstream rule names it. Add it under resources.upstreams to allow it.`,
      answer: denyWith,
    };
  };
}

function compile(rule: UpstreamRule): CompiledRule {
  const portFits = (port: number): boolean => rule.ports.length === 0 || rule.ports.includes(port);
  if (parseRange(rule.match)) {
    return {
      rule,
      matches: ({ destination }) => portFits(destination.port) && isWithin(destination.address, rule.match),
    };
  }
  const name = rule.match.toLowerCase();
  const suffix = name.startsWith('*.') ? name.slice(1) : undefined;
  const wellFormed = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name);
  if (!wellFormed || /(^|\.)\d+$/.test(name)) {
    throw new TunneliteError('ERR_RESOURCE_RULE', `“${rule.match}” is no CIDR range, address or host name.`);
  }
  return {
    rule,
    matches: ({ destination }) => {
      const host = destination.host?.toLowerCase();
      if (host === undefined || !portFits(destination.port)) return false;
      return suffix === undefined ? host === name : host.endsWith(suffix) && host.length > suffix.length;
    },
  };
}
