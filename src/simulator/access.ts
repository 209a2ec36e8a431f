import { isDeepStrictEqual } from 'node:util';
import {
  type AccessInput,
  type AccessRuleInput,
  type AccessSetting,
  type Config,
  checkAccessRule,
  checkAccessSettings,
} from '../config/index.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { AccessRule, AccessRules, ResourceBroker } from '../resources/index.ts';
import type { Emit } from '../telemetry/events.ts';

type Rule = AccessSetting['rules'][number];

/** An access rule. An empty list means any. */
export interface AccessRuleInfo extends Omit<Rule, 'name'> {
  /** `a1`, `a2` and so on. */
  readonly id: string;
  /** The name used in explanations and the journal; null = no name: they use its position or its id. */
  readonly name: string | null;
  /** Its origin: the configuration, or `add` and `replace`. */
  readonly source: 'configuration' | 'added';
}

/** Who may reach what. The first rule that matches both the request and the user decides. */
export interface AccessList {
  /** What happens to requests that no rule matches, if there are rules. */
  readonly otherwise: 'allow' | 'deny';
  readonly rules: readonly AccessRuleInfo[];
}

/** Result of a change: how many connections, UDP destinations and pings are no longer allowed and were ended. */
interface Ended {
  readonly ended: number;
}

interface Entry {
  readonly id: string;
  readonly rule: Rule;
  /** The name used in explanations if it has none of its own. */
  readonly place: string;
  readonly added: boolean;
}

interface Parts {
  readonly config: Config;
  readonly rules: AccessRules;
  readonly broker: ResourceBroker;
  readonly emit: Emit;
}

/**
 * Who may reach what, among the resources that exist: rules can be added, removed and replaced while the simulator runs. That ends no
 * session, but it ends connections that would no longer be allowed.
 *
 * @example
 * ```ts
 * const { id } = sim.access.add({ action: 'deny', match: ['api.contoso.internal'], users: ['bob@contoso.com'] });
 * sim.access.remove(id);
 * ```
 */
export class AccessControls {
  readonly #rules: AccessRules;
  readonly #broker: ResourceBroker;
  readonly #emit: Emit;
  #configured: AccessSetting;
  #otherwise: 'allow' | 'deny';
  #entries: readonly Entry[];
  #lastId = 0;

  /** @internal */
  constructor({ config, rules, broker, emit }: Parts) {
    this.#rules = rules;
    this.#broker = broker;
    this.#emit = emit;
    this.#configured = config.resources.access;
    this.#otherwise = this.#configured.otherwise;
    this.#entries = this.#ofConfiguration();
    this.#use();
  }

  /** The rules in their order. */
  list(): AccessList {
    return { otherwise: this.#otherwise, rules: this.#entries.map(info) };
  }

  /**
   * Adds a rule before all others, until it is removed, the rules are replaced or the simulator is reset. If there was no rule before, requests
   * that no rule matches are denied from then on, unless `otherwise` is `allow`.
   * @param input as under `resources.access.rules` in a configuration
   * @throws TunneliteError `ERR_ACCESS_RULE`
   */
  add(input: AccessRuleInput): AccessRuleInfo & Ended {
    const rule = checkAccessRule(
      input,
      this.#entries.map((entry) => entry.rule),
    );
    const entry = this.#added(rule);
    this.#entries = [entry, ...this.#entries];
    const ended = this.#changed(`the rule ${nameOf(entry)} was added`);
    return { ...info(entry), ended };
  }

  /**
   * Replaces all rules with these, until the simulator is reset.
   * @param input as under `resources.access` in a configuration
   * @throws TunneliteError `ERR_ACCESS_RULE`
   */
  replace(input: AccessInput): AccessList & Ended {
    const { otherwise, rules } = checkAccessSettings(input);
    this.#otherwise = otherwise;
    this.#entries = rules.map((rule) => this.#added(rule));
    const ended = this.#changed('all rules were replaced');
    return { ...this.list(), ended };
  }

  /**
   * Removes a rule. A rule of the configuration returns with a reset.
   * @throws TunneliteError `ERR_ACCESS_UNKNOWN`
   */
  remove(id: string): Ended {
    const entry = this.#entries.find((one) => one.id === id);
    if (entry === undefined) {
      throw new TunneliteError('ERR_ACCESS_UNKNOWN', `There is no access rule ${JSON.stringify(id)}.`, {
        details: { id },
      });
    }
    this.#entries = this.#entries.filter((one) => one !== entry);
    return { ended: this.#changed(`the rule ${nameOf(entry)} was removed`) };
  }

  /** @internal Another configuration is in force. If its access rules differ, they apply after the added ones. */
  configure(config: Config): void {
    const { access } = config.resources;
    if (!isDeepStrictEqual(access, this.#configured)) {
      this.#configured = access;
      this.#otherwise = access.otherwise;
      this.#entries = [...this.#entries.filter(({ added }) => added), ...this.#ofConfiguration()];
    }
    this.#use();
    this.#broker.accessChanged();
  }

  /** @internal Keeps only the rules of the configuration. */
  reset(): void {
    this.#otherwise = this.#configured.otherwise;
    this.#entries = this.#ofConfiguration();
    this.#use();
  }

  #ofConfiguration(): readonly Entry[] {
    return this.#configured.rules.map((rule, i) => ({
      id: this.#newId(),
      rule,
      place: `resources.access.rules[${i}]`,
      added: false,
    }));
  }

  #added(rule: Rule): Entry {
    const id = this.#newId();
    return { id, rule, place: `the access rule ${id}`, added: true };
  }

  #newId(): string {
    return `a${++this.#lastId}`;
  }

  #use(): void {
    this.#rules.use({
      otherwise: this.#otherwise,
      rules: this.#entries.map(
        ({ id, rule, place, added }): AccessRule => ({ ...rule, place, id: added ? id : undefined }),
      ),
    });
  }

  #changed(what: string): number {
    this.#use();
    const ended = this.#broker.accessChanged();
    this.#emit('access.changed', { what, rules: this.#entries.length, otherwise: this.#otherwise, ended });
    return ended;
  }
}

const nameOf = ({ id, rule }: Entry): string => (rule.name === undefined ? id : `${id} “${rule.name}”`);

function info({ id, rule, added }: Entry): AccessRuleInfo {
  return { ...rule, id, name: rule.name ?? null, source: added ? 'added' : 'configuration' };
}
