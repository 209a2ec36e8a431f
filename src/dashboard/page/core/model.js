import { json } from './api.js';
import { History } from './history.js';
import { Live } from './live.js';
import { Poll } from './poll.js';
import { IS_REPORT } from './report.js';
import { CHANNEL_EVENTS, Reasons } from './why.js';

/**
 * @typedef {{
 *   id: string, state: string, username: string, signInName?: string, objectId?: string, tenantId?: string, remoteAddress: string,
 *   userAgent?: string, deviceType?: string, devicePlatform?: string, hostname?: string, address4?: string, address6?: string, mtu?: number,
 *   tlsCipher?: string, dtlsCipher?: string, dataChannel?: string, createdAt: number, connectedAt?: number, bytesIn: number, bytesOut: number,
 * }} Session
 * @typedef {{ name: string, rule: any, seen: number, hits: number, held: number, notes: string[] }} Fault
 */

/**
 * Parses a response that this page supports: an unsupported one is an error of that response only.
 * @param {any} value @param {string} member @param {(one: any) => boolean} known
 */
function checked(value, member, known) {
  if (known(value?.[member])) return value;
  throw new Error(`The answer has no ${member} that this page knows.`);
}

/** Events after which the gateway's state or its number of tunnels differs. */
const COUNTED = /^(?:gateway\.|session\.(?:connect|disconnect)$|simulator\.reset$)/;

/** @param {any} one */
const isList = (one) => Array.isArray(one) && one.every((each) => typeof each === 'object' && each !== null);

/** Data shared by several views. */
export class Model {
  constructor() {
    this.live = new Live();
    this.reasons = new Reasons();
    this.history = new History();
    /** @type {Poll<Session[]>} */
    this.sessions = new Poll(async (cost) => {
      const { sessions } = checked(await json('/api/sessions', { cost }), 'sessions', isList);
      this.reasons.keep(new Set(sessions.map((/** @type {Session} */ one) => one.id)));
      return sessions;
    }, 2_000);
    /** @type {Poll<{ state: string, unavailable?: string, counters: Record<string, number> }>} */
    this.gateway = new Poll(async (cost) => {
      const gateway = checked(await json('/api/gateway', { cost }), 'counters', (one) => isList([one]));
      this.history.add(Date.now(), gateway.counters);
      return gateway;
    }, 1_000);
    /** @type {Poll<{ rules: Fault[], active: string | null }>} */
    this.faults = new Poll(async (cost) => {
      const [{ rules }, profiles] = await Promise.all([
        json('/api/faults', { cost }).then((answer) => checked(answer, 'rules', isList)),
        json('/api/profiles', { cost }),
      ]);
      return { rules, active: typeof profiles?.active === 'string' ? profiles.active : null };
    }, 3_000);
    /** @type {Poll<any>} */
    this.status = new Poll(
      async () => checked(await json('/api/status'), 'version', (one) => typeof one === 'string'),
      30_000,
    );
    /** @type {Poll<{ now: number, offset: number, mode: string }>} */
    this.clock = new Poll(async () => checked(await json('/api/clock'), 'offset', Number.isFinite), 15_000);
    /** @type {Poll<{ version: string, node: string, platform: string, createdAt: number, leftOut?: number }> | undefined} what a report says of itself */
    this.report = IS_REPORT ? new Poll(() => json('/api/report'), 60_000) : undefined;
    this.live.listen((events) => this.#take(events));
  }

  start() {
    this.live.start();
    // Events about channels may be older than the part of the journal fetched at first.
    json(`/api/journal?name=${CHANNEL_EVENTS.join(',')}&limit=5000`).then(
      ({ events }) => this.reasons.takeOlder(events),
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
      if (COUNTED.test(name)) this.gateway.poke();
      if (name === 'simulator.reset') this.faults.poke();
    }
  }
}
