import { TunneliteError } from '../lib/errors.ts';
import { parseRange, rangeTest } from '../lib/ip-range.ts';
import type { TcpStream } from '../network/index.ts';
import { fits, type NamePattern, namePattern } from './name-patterns.ts';
import type { ConnectRequest } from './types.ts';

/** An upstream outside the mock network that the tunnel may reach over a real socket. */
export interface UpstreamRule {
  /** What the client asks for: a CIDR range, an address, or a host name (`*.example.com` for all below it). */
  readonly match: string;
  /** Ports; empty = all. */
  readonly ports: readonly number[];
  /** Where the connection really goes, when not to the address or name asked for. */
  readonly to: { readonly host: string; readonly port: number | undefined } | undefined;
  /** The name that the connection really goes to may lead to this machine, or to a link-local address. */
  readonly local?: boolean | undefined;
  /** Who answers in this process: is handed each connection. Left out: the connection goes over a real socket. */
  readonly here?: ((stream: TcpStream) => void) | undefined;
}

type Destination = ConnectRequest['destination'];

/** A rule in force. */
export interface CompiledRule {
  /** `u1`, `u2` and so on: no two rules of a simulator have the same. */
  readonly id: string;
  readonly rule: UpstreamRule;
  /** Added while the simulator ran, until it is removed or the simulator is reset. */
  readonly added: boolean;
  /** The name, or names, that it is about; undefined for a rule by address. */
  readonly pattern: NamePattern | undefined;
  /** The host that the rule takes the request to be for, an address or a name; undefined when it is about others. */
  readonly hostOf: (destination: Destination, address: Uint8Array) => string | undefined;
  /** A rule by address: how many bits of an address it gives. */
  readonly bits: number | undefined;
}

/** How many rules that were removed are remembered, for the words of a refusal. Ours. */
const MAX_REMOVED = 1000;

/**
 * The upstream rules in force, in the order in which they are asked: those that were added at run time, the latest first, then
 * those of the configuration.
 */
export class UpstreamRules {
  #configured: readonly CompiledRule[];
  #rules: readonly CompiledRule[];
  /** Rules that were removed, the latest first. */
  #removed: readonly CompiledRule[] = [];
  #count = 0;

  /**
   * @param configured in their order
   * @throws TunneliteError `ERR_RESOURCE_RULE` for a rule that cannot be understood
   */
  constructor(configured: readonly UpstreamRule[] = []) {
    this.#configured = configured.map((rule) => this.#compile(rule, false));
    this.#rules = this.#configured;
  }

  list(): readonly CompiledRule[] {
    return this.#rules;
  }

  /** The first rule that is about a destination, and the host that it takes it to be for. */
  find(
    destination: Destination,
    address: Uint8Array,
  ): { readonly found: CompiledRule; readonly host: string } | undefined {
    return firstOf(this.#rules, destination, address);
  }

  /** The rule that was about a destination until it was removed. */
  findRemoved(destination: Destination, address: Uint8Array): CompiledRule | undefined {
    return firstOf(this.#removed, destination, address)?.found;
  }

  /**
   * Adds a rule, before all others.
   * @throws TunneliteError `ERR_RESOURCE_RULE`
   */
  add(rule: UpstreamRule): CompiledRule {
    const compiled = this.#compile(rule, true);
    this.#rules = [compiled, ...this.#rules];
    return compiled;
  }

  /** Takes a rule out; undefined when there is none with that id. */
  remove(id: string): CompiledRule | undefined {
    const rule = this.#rules.find((one) => one.id === id);
    if (rule === undefined) return undefined;
    this.#rules = this.#rules.filter((one) => one !== rule);
    this.#removed = [rule, ...this.#removed].slice(0, MAX_REMOVED);
    return rule;
  }

  /**
   * Has the configuration say something else: its rules take the place of those that it had before. Those that stay the same keep their ids,
   * those added at run time stay.
   * @throws TunneliteError `ERR_RESOURCE_RULE`
   */
  configure(rules: readonly UpstreamRule[]): void {
    const before = [...this.#configured];
    const configured = rules.map((rule) => {
      const same = before.findIndex((one) => JSON.stringify(one.rule) === JSON.stringify(rule));
      return same >= 0 ? before.splice(same, 1)[0]! : this.#compile(rule, false);
    });
    this.#removed = [...this.#rules.filter((one) => before.includes(one)), ...this.#removed].slice(0, MAX_REMOVED);
    this.#configured = configured;
    this.#rules = [...this.#rules.filter(({ added }) => added), ...configured];
  }

  /** Only the rules of the configuration, all of them. */
  reset(): void {
    this.#rules = this.#configured;
    this.#removed = [];
  }

  #compile(rule: UpstreamRule, added: boolean): CompiledRule {
    const judged = compile(rule);
    this.#count += 1;
    return { id: `u${this.#count}`, rule, added, ...judged };
  }
}

function firstOf(rules: readonly CompiledRule[], destination: Destination, address: Uint8Array) {
  for (const found of rules) {
    const host = found.hostOf(destination, address);
    if (host !== undefined) return { found, host };
  }
  return undefined;
}

function compile(rule: UpstreamRule): Pick<CompiledRule, 'pattern' | 'hostOf' | 'bits'> {
  const ports = new Set(rule.ports);
  const portFits = (port: number): boolean => ports.size === 0 || ports.has(port);
  const isInRange = rangeTest(rule.match);
  if (isInRange) {
    return {
      pattern: undefined,
      bits: parseRange(rule.match)?.[1],
      hostOf: ({ address, isVirtual, port }, bytes) =>
        portFits(port) && !isVirtual && isInRange(bytes) ? address : undefined,
    };
  }
  const pattern = namePattern(rule.match);
  if (!pattern) {
    throw new TunneliteError('ERR_RESOURCE_RULE', `“${rule.match}” is no CIDR range, address or host name.`);
  }
  return {
    pattern,
    bits: undefined,
    hostOf: ({ names, port }) => (portFits(port) ? names.find((name) => fits(pattern, name.toLowerCase())) : undefined),
  };
}
