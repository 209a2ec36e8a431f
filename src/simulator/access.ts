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

/** A rule of access. Of each list, empty means any. */
export interface AccessRuleInfo extends Omit<Rule, 'name'> {
  /** `a1`, `a2` and so on. */
  readonly id: string;
  /** What explanations and the journal call it; null = it has no name, and they call it by its place or its id. */
  readonly name: string | null;
  /** Where it is from: the configuration, or `add` and `replace`. */
  readonly source: 'configuration' | 'added';
}

/** Who may reach what. The first rule decides that is about the request and about who asks. */
export interface AccessList {
  /** What happens, when there are rules, to requests that none of them decides. */
  readonly otherwise: 'allow' | 'deny';
  readonly rules: readonly AccessRuleInfo[];
}

/** What came of a change: connections, UDP destinations and pings that nobody would be let through to any more, and ended. */
interface Ended {
  readonly ended: number;
}

interface Entry {
  readonly id: string;
  readonly rule: Rule;
  /** What explanations call it, if it has no name. */
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
 * Who may reach what, of what can be reached at all: rules that can be added, removed and replaced while the simulator runs. No session ends by
 * that; connections end that would not be let through any more.
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
   * Adds a rule, before all others, until it is removed, the rules are replaced or the simulator is reset. Where there was no rule, what none decides
   * is denied from then on, unless `otherwise` is `allow`.
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
   * Has these rules and no others, until the simulator is reset.
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
   * Takes a rule out. One of the configuration is back after a reset.
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

  /** @internal Another configuration is in force. If it says something else of access, that holds, behind what was added. */
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

  /** @internal Only what the configuration says. */
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
