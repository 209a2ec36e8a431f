import { listOf } from './matcher.ts';
import type { Rule } from './rule.ts';
import type { Passing } from './types.ts';

/** The rules of one seam, indexed so that an item is checked only against rules that may select it. */
export class Lane {
  /** Rules that name sessions, by session; all others under the empty name. In the order in which they were added. */
  readonly #bySession = new Map<string, Map<string, Rule[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(rule: Rule): void {
    this.#size++;
    this.#places(rule, (list) => list.push(rule));
  }

  remove(rule: Rule): void {
    this.#size--;
    this.#places(rule, (list) => {
      const at = list.indexOf(rule);
      if (at >= 0) list.splice(at, 1);
    });
  }

  /** Rules that name no session, in no particular order. */
  *rules(): Iterable<Rule> {
    for (const list of this.#bySession.get('')?.values() ?? []) yield* list;
  }

  /** Makes every selecting rule count the item, and returns the first one that strikes. */
  decide(passing: Passing): Rule | undefined {
    const anybody = this.#offer(this.#bySession.get(''), passing, undefined);
    if (passing.session === undefined) return anybody;
    return this.#offer(this.#bySession.get(passing.session), passing, anybody);
  }

  /** Rules that may select an item of this kind and session. */
  *about({ kind, session }: { readonly kind: string; readonly session?: string | undefined }): Iterable<Rule> {
    for (const key of session === undefined ? [''] : ['', session]) {
      const rules = this.#bySession.get(key);
      for (const list of [rules?.get(kind), rules?.get('')]) if (list) yield* [...list];
    }
  }

  #offer(rules: Map<string, Rule[]> | undefined, passing: Passing, chosen: Rule | undefined): Rule | undefined {
    if (rules === undefined) return chosen;
    let first = chosen;
    for (const list of [rules.get(passing.kind), rules.get('')]) {
      if (list === undefined) continue;
      for (const rule of list) {
        if (rule.offer(passing) && (first === undefined || rule.order < first.order)) first = rule;
      }
    }
    return first;
  }

  #places(rule: Rule, at: (list: Rule[]) => void): void {
    for (const session of new Set(listOf(rule.on.session) ?? [''])) {
      let byKind = this.#bySession.get(session);
      if (byKind === undefined) this.#bySession.set(session, (byKind = new Map()));
      for (const kind of new Set(listOf(rule.on.kind) ?? [''])) {
        let list = byKind.get(kind);
        if (list === undefined) byKind.set(kind, (list = []));
        at(list);
        if (list.length === 0) byKind.delete(kind);
      }
      if (byKind.size === 0) this.#bySession.delete(session);
    }
  }
}
