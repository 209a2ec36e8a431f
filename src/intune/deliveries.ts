import type { Delivery } from './delivery/deliver.ts';
import type { Platform } from './delivery/targets.ts';

/** What an app got when it asked last, and whether that is what it would get now. */
export interface DeliveryState {
  /** Object id, and sign-in name as it was then. */
  readonly userId: string;
  readonly user: string;
  readonly app: string;
  readonly platform: Platform;
  /** The device is one that Intune manages as a whole. */
  readonly enrolled: boolean;
  /** When it asked, as Graph writes dates. */
  readonly at: string;
  readonly settings: number;
  readonly policies: readonly string[];
  readonly conflicts: number;
  /** Why something did not reach it: sentences. */
  readonly notes: readonly string[];
  /** `outdated`: policies changed since, in what this app gets; `no user`: the directory does not have the user any more. */
  readonly state: 'current' | 'outdated' | 'no user';
}

/** Who asked, as long as it is kept. */
interface Asked {
  readonly state: Omit<DeliveryState, 'state'>;
  /** What was delivered, to be compared. */
  readonly content: string;
}

/** Apps that are kept: those that asked last. */
const MAX_APPS = 200;
/** Sentences and names that are kept of one. */
const MAX_TEXTS = 20;

/** The last delivery to each app of each user, on each kind of device. */
export class Deliveries {
  readonly #asked = new Map<string, Asked>();

  record(delivery: Delivery, who: { readonly userId: string; readonly enrolled: boolean; readonly at: string }): void {
    const { user, app, platform, settings, policies, conflicts, notes } = delivery;
    const key = [who.userId, app.toLowerCase(), platform, who.enrolled].join(' ');
    // The one that asked last stands last.
    this.#asked.delete(key);
    this.#asked.set(key, {
      state: {
        ...who,
        user,
        app: app.slice(0, 256),
        platform,
        settings: Object.keys(settings).length,
        policies: policies.slice(0, MAX_TEXTS).map(({ displayName }) => displayName.slice(0, 256)),
        conflicts: conflicts.length,
        notes: notes.slice(0, MAX_TEXTS).map((note) => note.slice(0, 500)),
      },
      content: contentOf(delivery),
    });
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > MAX_APPS && oldest !== undefined) this.#asked.delete(oldest);
  }

  /**
   * Those that asked last come first.
   * @param now what an app would get if it asked again; undefined where its user is gone
   */
  list(now: (who: DeliveryState) => Delivery | undefined): readonly DeliveryState[] {
    return [...this.#asked.values()].reverse().map(({ state, content }) => {
      const delivery = now({ ...state, state: 'current' });
      if (delivery === undefined) return { ...state, state: 'no user' };
      return { ...state, state: contentOf(delivery) === content ? 'current' : 'outdated' };
    });
  }

  clear(): void {
    this.#asked.clear();
  }
}

/** What an app goes by: keys and values, and what its protection says of the tunnel. */
function contentOf({ settings, protection }: Delivery): string {
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return JSON.stringify([sorted, protection]);
}
