import { json } from './api.js';
import { History } from './history.js';
import { Live } from './live.js';
import { Poll } from './poll.js';
import { CHANNEL_EVENTS, Reasons } from './why.js';

/**
 * @typedef {{
 *   id: string, state: string, username: string, signInName?: string, objectId?: string, tenantId?: string, remoteAddress: string,
 *   userAgent?: string, deviceType?: string, devicePlatform?: string, hostname?: string, address4?: string, address6?: string, mtu?: number,
 *   tlsCipher?: string, dtlsCipher?: string, dataChannel?: string, createdAt: number, connectedAt?: number, bytesIn: number, bytesOut: number,
 * }} Session
 * @typedef {{ name: string, rule: any, seen: number, hits: number, held: number, notes: string[] }} Fault
 */

/** Everything that more than one view looks at. */
export class Model {
  constructor() {
    this.live = new Live();
    this.reasons = new Reasons();
    this.history = new History();
    /** @type {Poll<Session[]>} */
    this.sessions = new Poll(async () => {
      const { sessions } = await json('/api/sessions');
      this.reasons.keep(new Set(sessions.map((/** @type {Session} */ one) => one.id)));
      return sessions;
    }, 2_000);
    /** @type {Poll<{ state: string, unavailable?: string, counters: Record<string, number> }>} */
    this.gateway = new Poll(async () => {
      const gateway = await json('/api/gateway');
      this.history.add(Date.now(), gateway.counters);
      return gateway;
    }, 1_000);
    /** @type {Poll<{ rules: Fault[], active: string | null }>} */
    this.faults = new Poll(async () => {
      const [{ rules }, { active }] = await Promise.all([json('/api/faults'), json('/api/profiles')]);
      return { rules, active };
    }, 3_000);
    /** @type {Poll<any>} */
    this.status = new Poll(() => json('/api/status'), 30_000);
    /** @type {Poll<{ now: number, offset: number, mode: string }>} */
    this.clock = new Poll(() => json('/api/clock'), 15_000);
    this.live.listen((events) => this.#take(events));
  }

  start() {
    this.live.start();
    // What is said of channels may be farther back than what is fetched of the journal at first.
    json(`/api/journal?name=${CHANNEL_EVENTS.join(',')}&limit=5000`).then(
      ({ events }) => {
        const newer = this.reasons.bySession;
        const before = new Reasons();
        before.take(events);
        this.reasons.bySession = new Map([...before.bySession, ...newer]);
        this.sessions.changed();
      },
      () => {},
    );
  }

  /** @param {readonly import('./live.js').JournalEvent[]} events */
  #take(events) {
    this.reasons.take(events);
    for (const { name } of events) {
      if (name.startsWith('session.') || name.startsWith('channel.')) this.sessions.poke();
      if (name.startsWith('fault.') && name !== 'fault.injected') this.faults.poke();
      if (name.startsWith('clock.')) this.clock.poke();
      if (name.startsWith('gateway.')) this.gateway.poke();
      if (name === 'simulator.reset') this.faults.poke();
    }
  }
}
