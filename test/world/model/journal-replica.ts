import { COOKIE_SLACK } from '../../../src/gateway/session/constants.ts';
import type { TunneliteEvent } from '../../../src/telemetry/index.ts';

/** A session as the journal tells it. */
export interface ToldSession {
  readonly id: string;
  readonly address4: string | undefined;
  state: 'connected' | 'left' | 'dead';
  channel: string;
  /** Wall-clock time since which it has no tunnel. */
  leftAt: number;
}

/** Reasons after which a cookie is of no use. */
const FINAL: ReadonlySet<string> = new Set(['user', 'admin', 'session-timeout', 'idle', 'shutdown', 'reset']);

/** Cookies live a little longer than it is said (`COOKIE_SLACK`), and a limit in seconds may be found late. Milliseconds. */
const SLACK_MS = COOKIE_SLACK * 1000 + 2000;

/**
 * What a reader of the journal believes, who sees nothing else. A line that contradicts those before it throws: an address that two have, a
 * cookie that was good for too long or not for long enough, a session that comes back from the dead, a change of the channel out of nowhere.
 */
export class JournalReplica {
  readonly sessions = new Map<string, ToldSession>();
  readonly counts = new Map<string, number>();
  readonly #cookieMs: number;
  #losesCookies = false;

  constructor(cookieMs: number) {
    this.#cookieMs = cookieMs;
  }

  count(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  /** Sessions whose addresses nobody else may have. */
  get live(): ToldSession[] {
    return [...this.sessions.values()].filter(({ state }) => state !== 'dead');
  }

  /** Reads what came after the event with the number `seq`. */
  readAll(events: readonly TunneliteEvent[], seq: number): void {
    for (const event of events) if (event.seq > seq) this.read(event);
  }

  read(event: TunneliteEvent): void {
    const wrong = (what: string): Error =>
      new Error(`The journal contradicts itself at ${event.seq} (${event.text}): ${what}`);
    this.counts.set(event.name, this.count(event.name) + 1);
    switch (event.name) {
      case 'session.connect': {
        const { session: id, address4, resumed } = event.fields;
        const known = this.sessions.get(id);
        if (resumed !== (known !== undefined)) throw wrong(resumed ? 'it was not there before' : 'it was there before');
        if (known?.state === 'dead') throw wrong('its cookie is no longer valid');
        if (known?.state === 'left' && event.time - known.leftAt > this.#cookieMs + SLACK_MS) {
          throw wrong(`its cookie had expired ${event.time - known.leftAt - this.#cookieMs} ms before`);
        }
        if (known && known.address4 !== address4) throw wrong(`it had ${known.address4}`);
        const other = this.live.find((each) => each.id !== id && each.address4 === address4);
        if (other) throw wrong(`${other.id} has the address`);
        this.sessions.set(id, { id, address4, state: 'connected', channel: 'cstp', leftAt: 0 });
        return;
      }
      case 'session.disconnect': {
        const known = this.sessions.get(event.fields.session);
        if (known?.state !== 'connected') throw wrong('it was not connected');
        known.state = FINAL.has(event.fields.reason) ? 'dead' : 'left';
        known.leftAt = event.time;
        return;
      }
      case 'session.expired': {
        const known = this.sessions.get(event.fields.session);
        // One that never had a tunnel is told nothing else of.
        if (!known) return;
        if (known.state !== 'left') throw wrong(`it was ${known.state}`);
        const early = known.leftAt + this.#cookieMs - event.time;
        if (event.fields.reason === 'expired' && early > 0) throw wrong(`${early} ms too early`);
        known.state = 'dead';
        return;
      }
      case 'gateway.restarting':
        this.#losesCookies = event.fields.cookies === 'lose';
        return;
      case 'gateway.started':
        if (this.#losesCookies) for (const known of this.sessions.values()) known.state = 'dead';
        this.#losesCookies = false;
        return;
      case 'channel.switch': {
        const known = this.sessions.get(event.fields.session);
        if (known?.state !== 'connected') throw wrong('it is not connected');
        if (known.channel !== event.fields.from) throw wrong(`it was ${known.channel} that carried data`);
        known.channel = event.fields.to;
        return;
      }
    }
  }
}
