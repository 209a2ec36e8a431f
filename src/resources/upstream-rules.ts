import { TunneliteError } from '../lib/errors.ts';
import { parseRange, rangeTest } from '../lib/ip-range.ts';
import type { TcpStream } from '../network/index.ts';
import { fits, type NamePattern, namePattern } from './name-patterns.ts';
import type { ConnectRequest } from './types.ts';

/** A destination outside the mock network that the tunnel may reach over a real socket. */
export interface UpstreamRule {
  /** What clients request: a CIDR range, an address, or a host name (`*.example.com` for all names below it). */
  readonly match: string;
  /** Ports; empty = all. */
  readonly ports: readonly number[];
  /** The actual destination, if different from the requested address or name. */
  readonly to: { readonly host: string; readonly port: number | undefined } | undefined;
  /** Allows the destination's name to resolve to this machine, or to a link-local address. */
  readonly local?: boolean | undefined;
  /** In-process handler that receives each connection. Default: the connection uses a real socket. */
  readonly here?: ((stream: TcpStream) => void) | undefined;
}

type Destination = ConnectRequest['destination'];

/** An active rule. */
export interface CompiledRule {
  /** `u1`, `u2` and so on: unique within a simulator. */
  readonly id: string;
  readonly rule: UpstreamRule;
  /** Added at run time; stays until it is removed or the simulator is reset. */
  readonly added: boolean;
  /** The names that it matches; undefined for a rule by address. */
  readonly pattern: NamePattern | undefined;
  /** The matched host, an address or a name; undefined if the rule does not match. */
  readonly hostOf: (destination: Destination, address: Uint8Array) => string | undefined;
  /** Prefix length of a rule by address. */
  readonly bits: number | undefined;
}

/** Number of removed rules to remember, for refusal messages. Own choice. */
const MAX_REMOVED = 1000;

/**
 * The active upstream rules in order of evaluation: rules added at run time, latest first, then
 * those of the configuration.
 */
export class UpstreamRules {
  #configured: readonly CompiledRule[];
  #rules: readonly CompiledRule[];
  /** Removed rules, latest first. */
  #removed: readonly CompiledRule[] = [];
  #count = 0;

  /**
   * @param configured rules of the configuration, in order
   * @throws TunneliteError `ERR_RESOURCE_RULE` for an invalid rule
   */
  constructor(configured: readonly UpstreamRule[] = []) {
    this.#configured = configured.map((rule) => this.#compile(rule, false));
    this.#rules = this.#configured;
  }

  list(): readonly CompiledRule[] {
    return this.#rules;
  }

  /** The first rule that matches a destination, and the matched host. */
  find(
    destination: Destination,
    address: Uint8Array,
  ): { readonly found: CompiledRule; readonly host: string } | undefined {
    return firstOf(this.#rules, destination, address);
  }

  /** The removed rule that last matched a destination. */
  findRemoved(destination: Destination, address: Uint8Array): CompiledRule | undefined {
    return firstOf(this.#removed, destination, address)?.found;
  }

  /**
   * Adds a rule with top priority.
   * @throws TunneliteError `ERR_RESOURCE_RULE`
   */
  add(rule: UpstreamRule): CompiledRule {
    const compiled = this.#compile(rule, true);
    this.#rules = [compiled, ...this.#rules];
    return compiled;
  }

  /** Removes a rule; undefined if there is none with that ID. */
  remove(id: string): CompiledRule | undefined {
    const rule = this.#rules.find((one) => one.id === id);
    if (rule === undefined) return undefined;
    this.#rules = this.#rules.filter((one) => one !== rule);
    this.#removed = [rule, ...this.#removed].slice(0, MAX_REMOVED);
    return rule;
  }

  /**
   * Replaces the rules of the configuration. Unchanged rules keep their IDs,
   * and rules added at run time stay.
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

  /** Restores the rules of the configuration only. */
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
    throw new TunneliteError('ERR_RESOURCE_RULE', `“${rule.match}” is not a CIDR range, address or host name.`);
  }
  return {
    pattern,
    bits: undefined,
    hostOf: ({ names, port }) => (portFits(port) ? names.find((name) => fits(pattern, name.toLowerCase())) : undefined),
  };
}
