import type { EventMap, EventName } from '../telemetry/events.ts';
import { Buckets, Series } from './series.ts';

/** Most sessions whose return to DTLS is timed at once. Own choice. */
const MAX_FALLEN_BACK = 10_000;

/** Grant types that Entra ID supports; a client may send any string. */
const GRANTS: ReadonlyMap<string, string> = new Map([
  ['authorization_code', 'authorization_code'],
  ['client_credentials', 'client_credentials'],
  ['password', 'password'],
  ['refresh_token', 'refresh_token'],
  ['device_code', 'device_code'],
  ['urn:ietf:params:oauth:grant-type:device_code', 'device_code'],
  ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'on_behalf_of'],
]);

/** Seconds until DTLS is given up: a few at best, three times the DPD interval (90 s by default) at worst. */
const SILENCE_BOUNDS = [0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300] as const;
/** Seconds for which sessions stay on TLS. */
const FALLBACK_BOUNDS = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] as const;
/** Seconds until a resource responds. */
const ANSWER_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30] as const;

/** How each event changes the counters. */
type Handlers = { readonly [K in EventName]?: (fields: EventMap[K]) => void };

/**
 * Counts events as they are reported, each in a few steps; nothing runs per packet. Values that other parts count (packets,
 * bytes, drops) are not counted again.
 */
export class EventTally {
  readonly logins = new Series(
    ['outcome', 'reason'],
    [
      ['accepted', 'none'],
      ['challenged', 'none'],
    ],
  );
  readonly tunnels = new Series(
    ['outcome', 'reason'],
    [
      ['connected', 'none'],
      ['resumed', 'none'],
    ],
  );
  readonly sessionEnds = new Series(['reason'], [['user'], ['connection-lost']]);
  readonly switches = new Series(
    ['from', 'to'],
    [
      ['cstp', 'dtls'],
      ['dtls', 'cstp'],
    ],
  );
  readonly connectRequests = new Series(
    ['outcome', 'protocol', 'channel'],
    ['denied', 'failed', 'broken', 'completed'].map((outcome) => [outcome, 'tcp', 'dtls']),
  );
  readonly dnsQueries = new Series(['outcome'], [['answered'], ['no_record'], ['failed']]);
  readonly tlsFailures = new Series(['reason'], [['untrusted']]);
  readonly faults = new Series(['seam', 'fault']);
  readonly tokens = new Series(['outcome', 'grant', 'code'], [['issued', 'password', 'none']]);
  readonly problems = new Series(['kind'], [['protocol-error'], ['dtls-refused'], ['dtls-missing'], ['stalled']]);
  /** Seconds of silence on DTLS before it was given up. */
  readonly silence = new Buckets(SILENCE_BOUNDS);
  /** Seconds on TLS between a fallback and the return to DTLS. */
  readonly fallback = new Buckets(FALLBACK_BOUNDS);
  readonly answers = new Buckets(ANSWER_BOUNDS);
  readonly #monotonic: () => number;
  /** When each session fell back to TLS. */
  readonly #fallenBack = new Map<string, number>();

  /** @param monotonic milliseconds */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  readonly count = <K extends EventName>(name: K, fields: EventMap[K]): void => this.#handlers[name]?.(fields);

  /** Forgets sessions that ended without an event. */
  readonly #handlers: Handlers = {
    'auth.challenge': () => this.logins.add(['challenged', 'none']),
    'auth.accepted': () => this.logins.add(['accepted', 'none']),
    'auth.refused': ({ reason }) => this.logins.add(['refused', reason]),
    'session.connect': ({ resumed }) => this.tunnels.add([resumed ? 'resumed' : 'connected', 'none']),
    'session.refused': ({ reason }) => this.tunnels.add(['refused', reason]),
    'session.disconnect': ({ session, reason }) => {
      this.#fallenBack.delete(session);
      this.sessionEnds.add([reason]);
    },
    'channel.switch': (fields) => this.#switched(fields),
    'channel.dtls.refused': ({ withheld }) => this.problems.add(['dtls-refused'], 1 + withheld),
    'channel.dtls.missing': () => this.problems.add(['dtls-missing']),
    'channel.protocol-error': () => this.problems.add(['protocol-error']),
    'gateway.stalled': () => this.problems.add(['stalled']),
    'tls.failed': ({ reason, withheld }) => this.tlsFailures.add([reason], 1 + withheld),
    'resource.end': ({ outcome, protocol, channel, answered }) => {
      this.connectRequests.add([outcome, protocol, channel]);
      if (answered !== undefined) this.answers.observe(answered / 1000);
    },
    'dns.query': ({ outcome }) => this.dnsQueries.add([dnsOutcome(outcome)]),
    'fault.injected': ({ seam, fault }) => this.faults.add([seam, fault]),
    'identity.token.issued': ({ grant }) => this.tokens.add(['issued', grantName(grant), 'none']),
    'identity.token.refused': ({ grant, code }) => this.tokens.add(['refused', grantName(grant), String(code)]),
  };

  #switched({ session, from, to, silence }: EventMap['channel.switch']): void {
    this.switches.add([from, to]);
    if (to === 'cstp') {
      if (silence !== undefined) this.silence.observe(silence / 1000);
      if (this.#fallenBack.size < MAX_FALLEN_BACK) this.#fallenBack.set(session, this.#monotonic());
      return;
    }
    const since = this.#fallenBack.get(session);
    if (since === undefined) return;
    this.#fallenBack.delete(session);
    this.fallback.observe((this.#monotonic() - since) / 1000);
  }
}

function grantName(grant: string): string {
  return GRANTS.get(grant) ?? 'other';
}

/** The outcome of a DNS query in one word: the journal has it as a sentence. */
function dnsOutcome(outcome: string): string {
  if (outcome === 'answered') return 'answered';
  return outcome.startsWith('no record') ? 'no_record' : 'failed';
}
