import type { Delivery } from './delivery/deliver.ts';
import type { Platform } from './delivery/targets.ts';

/** The result of an app's latest request, and whether it is still current. */
export interface DeliveryState {
  /** Object ID, and the sign-in name at that time. */
  readonly userId: string;
  readonly user: string;
  readonly app: string;
  readonly platform: Platform;
  /** True if Intune manages the whole device. */
  readonly enrolled: boolean;
  /** Time of the request, in Graph's date format. */
  readonly at: string;
  readonly settings: number;
  readonly policies: readonly string[];
  readonly conflicts: number;
  /** Why a policy did not reach it: sentences. */
  readonly notes: readonly string[];
  /** `outdated`: the app's policies have changed since; `no user`: the directory no longer has the user. */
  readonly state: 'current' | 'outdated' | 'no user';
}

/** The requesting app, while it is remembered. */
interface Asked {
  readonly state: Omit<DeliveryState, 'state'>;
  /** The delivered values, for comparison. */
  readonly content: string;
}

/** Most apps to remember, the most recent ones. */
const MAX_APPS = 200;
/** Most sentences and names to keep per app. */
const MAX_TEXTS = 20;

/** The latest delivery to each app of each user, on each kind of device. */
export class Deliveries {
  readonly #asked = new Map<string, Asked>();

  record(delivery: Delivery, who: { readonly userId: string; readonly enrolled: boolean; readonly at: string }): void {
    const { user, app, platform, settings, policies, conflicts, notes } = delivery;
    const key = [who.userId, app.toLowerCase(), platform, who.enrolled].join(' ');
    // The most recent app is last.
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
   * Most recent first.
   * @param now what an app would get now; undefined if its user no longer exists
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

/** The values that an app uses: keys and values, and its tunnel protection settings. */
function contentOf({ settings, protection }: Delivery): string {
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return JSON.stringify([sorted, protection]);
}
