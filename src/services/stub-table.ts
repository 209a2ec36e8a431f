import { TunneliteError } from '../lib/errors.ts';
import { type SafeExpression, safeExpression } from '../lib/safe-expression.ts';

/** One response of a stub. */
export interface StubAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly json: unknown;
  /** In milliseconds. */
  readonly delay: number;
}

/** Match conditions and responses. `null` = any. */
export interface StubRule extends StubAnswer {
  readonly host: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly expression: string | null;
  readonly sequence: readonly StubAnswer[];
}

/** A stub with its state. */
export interface StubEntry {
  /** `s1`, `s2` and so on. */
  readonly id: string;
  readonly rule: StubRule;
  readonly added: boolean;
  /** Requests answered since the start or the last reset. */
  readonly hits: number;
}

interface Entry extends StubEntry {
  hits: number;
  /** The lowest matching one responds. */
  order: number;
  readonly expression: SafeExpression | undefined;
}

/** Paths by segment. */
interface Node {
  readonly literal: Map<string, Node>;
  parameter: Node | undefined;
  /** Stubs whose path ends here, and those that match everything below. */
  readonly here: Entry[];
  readonly below: Entry[];
}

const node = (): Node => ({ literal: new Map(), parameter: undefined, here: [], below: [] });

/** Longest path that is matched with regular expressions. Own choice. */
const MAX_EXPRESSION_PATH = 2_048;
const MAX_STUBS = 10_000;

/**
 * The stubs of the mock network, indexed by path segments: lookup time hardly depends on their number. Stubs added at run
 * time come first, latest first; then those of the configuration, in order.
 */
export class StubTable {
  #configured: readonly Entry[] = [];
  #entries = new Map<string, Entry>();
  #root = node();
  #expressions: Entry[] = [];
  #count = 0;
  #first = 0;

  constructor(rules: readonly StubRule[] = []) {
    this.configure(rules);
  }

  list(): readonly StubEntry[] {
    return [...this.#entries.values()].sort((a, b) => a.order - b.order);
  }

  /** Host names of stubs, in lower case. */
  hosts(): Set<string> {
    return new Set(
      [...this.#entries.values()].flatMap(({ rule }) => (rule.host === null ? [] : [rule.host.toLowerCase()])),
    );
  }

  /** @throws TunneliteError `ERR_STUB_INVALID` if there are too many */
  add(rule: StubRule): StubEntry {
    if (this.#entries.size >= MAX_STUBS) {
      throw new TunneliteError('ERR_STUB_INVALID', `The limit of ${MAX_STUBS} stubs is reached.`, {
        hint: 'Remove some.',
      });
    }
    this.#first -= 1;
    const entry = this.#entry(rule, true, this.#first);
    this.#insert(entry);
    return entry;
  }

  /** Removes a stub; undefined if there is none. */
  remove(id: string): StubEntry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    this.#rebuild();
    return entry;
  }

  /** Replaces the stubs of the configuration; unchanged ones keep their ID and count. */
  configure(rules: readonly StubRule[]): void {
    const before = new Map<string, Entry[]>();
    for (const entry of this.#configured) {
      const key = JSON.stringify(entry.rule);
      before.set(key, [...(before.get(key) ?? []), entry]);
    }
    this.#configured = rules.map((rule, i) => {
      const same = before.get(JSON.stringify(rule))?.shift();
      return same === undefined ? this.#entry(rule, false, i) : Object.assign(same, { order: i });
    });
    const added = [...this.#entries.values()].filter((entry) => entry.added);
    this.#entries = new Map([...added, ...this.#configured].map((entry) => [entry.id, entry]));
    this.#rebuild();
  }

  /** Restores the stubs of the configuration and clears all counts. */
  reset(): void {
    for (const entry of this.#configured) entry.hits = 0;
    this.#entries = new Map(this.#configured.map((entry) => [entry.id, entry]));
    this.#rebuild();
  }

  /** Finds the stub that matches a request, and its response; counts it. */
  take(
    host: string,
    method: string,
    path: string,
  ): { readonly stub: StubEntry; readonly answer: StubAnswer } | undefined {
    let best: Entry | undefined;
    const consider = (entries: readonly Entry[]): void => {
      for (const entry of entries) {
        const { rule, order } = entry;
        if (best !== undefined && order >= best.order) continue;
        if (rule.host !== null && rule.host.toLowerCase() !== host) continue;
        if (rule.method !== null && rule.method !== method) continue;
        if (entry.expression && (path.length > MAX_EXPRESSION_PATH || !entry.expression.matches(path))) continue;
        best = entry;
      }
    };
    let level: Node[] = [this.#root];
    for (const segment of path.slice(1).split('/')) {
      const next: Node[] = [];
      for (const at of level) {
        consider(at.below);
        const literal = at.literal.get(segment);
        if (literal) next.push(literal);
        if (at.parameter && segment !== '') next.push(at.parameter);
      }
      level = next;
      if (level.length === 0) break;
    }
    for (const at of level) consider(at.here);
    consider(this.#expressions);
    if (best === undefined) return undefined;
    best.hits += 1;
    const { sequence } = best.rule;
    return { stub: best, answer: sequence[Math.min(best.hits, sequence.length) - 1] ?? best.rule };
  }

  #entry(rule: StubRule, added: boolean, order: number): Entry {
    this.#count += 1;
    const compiled = rule.expression === null ? undefined : safeExpression(rule.expression);
    if (compiled && 'fault' in compiled) {
      throw new TunneliteError('ERR_STUB_INVALID', `expression: ${compiled.fault}.`);
    }
    return { id: `s${this.#count}`, rule, added, hits: 0, order, expression: compiled };
  }

  #rebuild(): void {
    this.#root = node();
    this.#expressions = [];
    for (const entry of this.#entries.values()) this.#insert(entry);
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.id, entry);
    const { path, expression } = entry.rule;
    if (expression !== null) {
      this.#expressions.push(entry);
      return;
    }
    let at = this.#root;
    for (const segment of (path ?? '/*').slice(1).split('/')) {
      if (segment === '*') {
        at.below.push(entry);
        return;
      }
      if (/^:./.test(segment)) {
        at.parameter ??= node();
        at = at.parameter;
        continue;
      }
      const next = at.literal.get(segment) ?? node();
      at.literal.set(segment, next);
      at = next;
    }
    at.here.push(entry);
  }
}
