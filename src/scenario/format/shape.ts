import type { Problem } from '../../lib/schema/index.ts';
import { ScenarioSchema } from './schema.ts';
import type { Scenario } from './types.ts';

type Member = keyof Scenario;
type ListMember = 'timeline' | 'expect';

/** What the schema has against a scenario, so that checks of what it means keep to the parts that are as they should be. */
export class Shape {
  readonly #document: object;
  readonly #wrong = new Set<string>();
  readonly #wrongEntries = new Map<string, Set<number>>();
  /** Some member has a name that there is not: it may be any that is left out. */
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

  /** Whether these members are as they should be, given or left out. Of lists: they are lists, whatever is in them. */
  sound(...members: readonly Member[]): boolean {
    return members.every(
      (member) =>
        !this.#nothing && !this.#wrong.has(member) && (!this.#misnamed || Object.hasOwn(this.#document, member)),
    );
  }

  /** Whether this entry of a list is as it should be. */
  soundEntry(list: ListMember, index: number): boolean {
    return this.#wrongEntries.get(list)?.has(index) !== true;
  }

  /** Whether a list and all that is in it is as it should be. */
  whole(list: ListMember): boolean {
    return this.sound(list) && !this.#wrongEntries.has(list);
  }
}
