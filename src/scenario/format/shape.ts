import type { Problem } from '../../lib/schema/index.ts';
import { ScenarioSchema } from './schema.ts';
import type { Scenario } from './types.ts';

type Member = keyof Scenario;
type ListMember = 'timeline' | 'expect';

/** The schema's errors in a scenario, so that semantic checks are limited to valid parts. */
export class Shape {
  readonly #document: object;
  readonly #wrong = new Set<string>();
  readonly #wrongEntries = new Map<string, Set<number>>();
  /** Some member has an unknown name: it may be meant as any that is omitted. */
  readonly #misnamed: boolean;
  readonly #nothing: boolean;

  constructor(document: unknown, problems: readonly Problem[]) {
    this.#nothing = typeof document !== 'object' || document === null || Array.isArray(document);
    this.#document = this.#nothing ? {} : (document as object);
    for (const { path, missing } of problems) {
      const [member = missing, entry] = path;
      if (typeof member !== 'string') continue;
      if (typeof entry !== 'number') {
        this.#wrong.add(member);
        continue;
      }
      const entries = this.#wrongEntries.get(member);
      if (entries === undefined) this.#wrongEntries.set(member, new Set([entry]));
      else entries.add(entry);
    }
    this.#misnamed = [...this.#wrong].some((member) => !Object.hasOwn(ScenarioSchema.properties, member));
  }

  /** Whether these members are valid, given or omitted. Lists only have to be lists, whatever their content. */
  sound(...members: readonly Member[]): boolean {
    return members.every(
      (member) =>
        !this.#nothing && !this.#wrong.has(member) && (!this.#misnamed || Object.hasOwn(this.#document, member)),
    );
  }

  /** Whether this entry of a list is valid. */
  soundEntry(list: ListMember, index: number): boolean {
    return this.#wrongEntries.get(list)?.has(index) !== true;
  }

  /** Whether a list and all its content is valid. */
  whole(list: ListMember): boolean {
    return this.sound(list) && !this.#wrongEntries.has(list);
  }
}
