import { type CheckedUpstream, type Config, checkUpstream, type UpstreamInput } from '../config/index.ts';
import { endpointText } from '../lib/endpoint.ts';
import { TunneliteError } from '../lib/errors.ts';
import type {
  CompiledRule,
  DnsCounts,
  NameTable,
  RequestCounts,
  Resolver,
  ResourceBroker,
  ResourceTarget,
  UpstreamRule,
  UpstreamRules,
} from '../resources/index.ts';
import { type Har, harOf, type OnPremises, type RequestRecorder } from '../services/index.ts';
import type { Emit } from '../telemetry/events.ts';
import { connectionsTo, type UpstreamHandler } from './in-process.ts';
import { namesOf } from './upstream-names.ts';

/** A host of the mock network. */
export interface MockHostInfo {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** Port to service. */
  readonly tcp: Readonly<Record<string, string>>;
  readonly udp: Readonly<Record<string, string>>;
  /** Requests allowed to it since the start or the last reset. */
  readonly hits: number;
}

/** A rule that leads out of the mock network. */
export interface UpstreamInfo {
  /** `u1`, `u2` and so on. */
  readonly id: string;
  /** The requested destination: an address, a CIDR range, or a host name. */
  readonly match: string;
  /** Empty = all. */
  readonly ports: readonly number[];
  /** The real destination; null = the requested one. */
  readonly to: { readonly host: string; readonly port: number | null } | null;
  /** Answered by the handler added with it, in the simulator's own process. */
  readonly inProcess: boolean;
  /** The addresses of its name in the tunnel; empty for a wildcard, a rule by address, and the name of a mock host. */
  readonly addresses: readonly string[];
  /** Its origin: the configuration, or `add`. */
  readonly source: 'configuration' | 'added';
  /** Requests that it allowed since the start or the last reset. */
  readonly hits: number;
}

/** The resources behind the gateway. Upstreams are in evaluation order: the first match decides. */
export interface ResourceList {
  readonly hosts: readonly MockHostInfo[];
  readonly upstreams: readonly UpstreamInfo[];
  /** Requests since the start or the last reset, by result. */
  readonly requests: RequestCounts;
  /** Queries to the resolver since then. */
  readonly dns: DnsCounts;
}

/** Maximum number of rules at a time: the same as in a configuration. */
const MAX_RULES = 1000;

interface Parts {
  readonly config: Config;
  readonly rules: UpstreamRules;
  readonly upstreams: NameTable;
  readonly broker: ResourceBroker;
  readonly resolver: Resolver;
  readonly onPremises: OnPremises;
  readonly recorder: RequestRecorder;
  readonly emit: Emit;
}

/**
 * The resources behind the gateway: the mock hosts, and upstreams, which can be added and removed while the simulator runs.
 *
 * @example
 * ```ts
 * const { id } = sim.resources.add({ match: 'orders.contoso.internal', ports: [443], to: { host: 'localhost', port: 3000 } });
 * sim.resources.remove(id);
 * ```
 */
export class ResourceControls {
  readonly #parts: Parts;
  #config: Config;
  /** By id of the rule, and by the first name of the host. */
  readonly #hits = new Map<string, number>();

  /** @internal */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#config = parts.config;
  }

  /** Mock hosts and upstreams, with the number of requests to each. */
  list(): ResourceList {
    const { config, rules } = this.#parts;
    return {
      hosts: config.services.hosts.map(({ names, addresses, tcp, udp }) => ({
        names,
        addresses,
        tcp,
        udp,
        hits: this.#hits.get(hostKey(names[0]!)) ?? 0,
      })),
      upstreams: rules.list().map((rule) => this.#info(rule)),
      requests: this.#parts.broker.counts,
      dns: this.#parts.resolver.counts,
    };
  }

  /**
   * Adds an upstream before all others, until it is removed or the simulator is reset. A name gets an address in the tunnel immediately.
   * `warnings` lists settings that are allowed but probably not intended, such as a name for which clients do not query the tunnel's resolver.
   * @param input as under `resources.upstreams` in a configuration
   * @param handler answers in this process, without listening anywhere: a function that takes Node's request and response, a server of `node:http`,
   *   `node:https` or `node:net`, or a fastify instance; then `input` has no `to`. The caller owns it: it is not closed here
   * @throws TunneliteError `ERR_RESOURCE_RULE`
   *
   * @example
   * ```ts
   * sim.resources.add({ match: 'orders.contoso.internal', ports: [80] }, (request, response) => response.end(`You asked for ${request.url}.`));
   * ```
   */
  add(input: UpstreamInput, handler?: UpstreamHandler): UpstreamInfo & Pick<CheckedUpstream, 'warnings'> {
    const { rules, upstreams, broker, emit } = this.#parts;
    const { upstream, warnings } = checkUpstream(this.#config, input);
    if (handler !== undefined && upstream.to) {
      throw new TunneliteError('ERR_RESOURCE_RULE', 'The upstream has both a handler and a target.', {
        hint: 'Remove either the handler or to.',
      });
    }
    const here = handler === undefined ? undefined : connectionsTo(handler);
    if (rules.list().length >= MAX_RULES) {
      throw new TunneliteError('ERR_RESOURCE_RULE', `The limit of ${MAX_RULES} upstreams is reached.`, {
        hint: 'Remove some, or use a wildcard such as *.example.com.',
      });
    }
    const added = rules.add({ ...upstreamRule(upstream), here });
    upstreams.usePatterns(namesOf(rules));
    const info = this.#info(added);
    const { pattern } = added;
    if (pattern !== undefined && !pattern.wildcard && upstreams.has(pattern.name) && info.addresses.length === 0) {
      rules.remove(added.id);
      upstreams.usePatterns(namesOf(rules));
      throw new TunneliteError('ERR_RESOURCE_RULE', 'All addresses for names are in use.', {
        hint: 'Give resources.names.network a larger network, or remove upstreams by name.',
      });
    }
    broker.rulesChanged();
    emit('resource.upstream.added', { upstream: added.id, match: info.match, ...inWords(info) });
    return { ...info, warnings };
  }

  /**
   * Removes an upstream: connections to it are reset, and new ones are refused with a reset. An upstream of the configuration returns with a reset
   * of the simulator.
   * @returns how many connections and UDP destinations ended
   * @throws TunneliteError `ERR_RESOURCE_UNKNOWN`
   */
  remove(id: string): { readonly ended: number } {
    const { rules, upstreams, broker, emit } = this.#parts;
    const rule = rules.remove(id);
    if (rule === undefined) {
      throw new TunneliteError('ERR_RESOURCE_UNKNOWN', `There is no upstream ${JSON.stringify(id)}.`, {
        details: { id },
      });
    }
    upstreams.usePatterns(namesOf(rules));
    this.#hits.delete(id);
    const ended = broker.rulesChanged(id);
    emit('resource.upstream.removed', { upstream: id, match: rule.rule.match, ended });
    return { ended };
  }

  /**
   * The last HTTP requests as a HAR 1.2, oldest first: to the mock sites over TLS or not, to upstreams if they are plain HTTP/1.1.
   * `resources.requests` sets how many, and how much of their bodies. Credentials and cookies are omitted.
   */
  har(): Har {
    return harOf(this.#parts.recorder.list());
  }

  /** @internal A request was allowed. */
  count(address: string, target: ResourceTarget): void {
    const host = target.kind === 'service' ? this.#parts.onPremises.hostAt(address)?.names[0] : undefined;
    const key = target.kind === 'upstream' ? target.id : host === undefined ? undefined : hostKey(host);
    if (key !== undefined) this.#hits.set(key, (this.#hits.get(key) ?? 0) + 1);
  }

  /** @internal Another configuration is in force. */
  configure(config: Config): void {
    this.#config = config;
    const { rules, broker } = this.#parts;
    const before = new Set(rules.list());
    rules.configure(config.resources.upstreams.map(upstreamRule));
    this.#parts.upstreams.usePatterns(namesOf(rules));
    const now = new Set(rules.list());
    broker.rulesChanged();
    for (const { id } of before.difference(now)) broker.rulesChanged(id);
  }

  /** @internal Keeps only the rules of the configuration. */
  reset(): void {
    const { rules, upstreams } = this.#parts;
    rules.reset();
    upstreams.usePatterns(namesOf(rules));
    this.#hits.clear();
  }

  #info({ id, rule, added, pattern }: CompiledRule): UpstreamInfo {
    const { match, ports, to } = rule;
    return {
      id,
      match,
      ports,
      to: to ? { host: to.host, port: to.port ?? null } : null,
      inProcess: rule.here !== undefined,
      addresses: pattern === undefined || pattern.wildcard ? [] : this.#parts.upstreams.addressesAt(pattern.name),
      source: added ? 'added' : 'configuration',
      hits: this.#hits.get(id) ?? 0,
    };
  }
}

/** A rule of the configuration in the policy's form. */
export function upstreamRule({ match, ports, to, local }: Config['resources']['upstreams'][number]): UpstreamRule {
  return { match, ports, to: to ? { host: to.host, port: to.port ?? undefined } : undefined, local };
}

function inWords({ ports, to, inProcess }: UpstreamInfo): { readonly ports: string; readonly target: string } {
  return {
    ports: ports.length === 0 ? 'all ports' : `port ${ports.join(', ')}`,
    target:
      to === null
        ? inProcess
          ? 'a handler in this process'
          : 'the requested destination'
        : to.port === null
          ? `${to.host}, the same port`
          : endpointText(to.host, to.port),
  };
}

const hostKey = (name: string): string => `host ${name}`;
