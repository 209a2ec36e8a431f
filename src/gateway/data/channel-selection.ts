import { excused } from '../../lib/late-tick.ts';
import { STRAGGLER_MS, UNANSWERED_PROBE_MS, UNANSWERED_SWITCH_MS } from './data-channel-constants.ts';

/**
 * Which channel carries data to a client: DTLS over UDP, or CSTP over TLS. Data uses the channel on which the client was last active;
 * incoming data is always accepted on both (observed: ocserv 1.3.0).
 *
 * ```text
 *              cstp-up                     dtls-up
 *   CLOSED ─────────────▶ CSTP ───────────────────────────▶ DTLS ◀──────────────┐ dtls-up, dtls-data, dtls-sign
 *     ▲ ▲                  ▲ ▲                              │ │ │               │
 *     │ └──── cstp-down ───┘ └───────── dtls-down ──────────┤ │ └─ dtls-silent ─▶ DTLS-SILENT ─┐
 *     │                                                     │ │                                │ cstp-data
 *     │                                                     │ └── cstp-data ─▶ DTLS-UNUSED ◀───┘
 *     │                                          cstp-down  │                   │
 *     │                                                     ▼                   │ dtls-up, dtls-data ──▶ DTLS
 *     └────────────────── dtls-down ──────────────────  DTLS-ALONE ── cstp-up ──▶ DTLS
 * ```
 *
 * `dtls-down` leads from every state with both channels to CSTP, `cstp-down` to DTLS-ALONE.
 * DTLS-SILENT and DTLS-UNUSED differ in how they return to DTLS. A channel that only became silent is used again at its first
 * authentic packet of any type. A client that moved its own data to CSTP may know of problems that we cannot see (our packets
 * may not reach it), so its answers to our probes prove nothing: only its data or a new handshake does.
 */
export const DataPath = {
  Closed: 'CLOSED',
  /** CSTP only. */
  Cstp: 'CSTP',
  /** Both channels are up, data goes over DTLS. */
  Dtls: 'DTLS',
  /** Both are up, but DTLS was silent past its deadline: data goes over CSTP. */
  DtlsSilent: 'DTLS-SILENT',
  /** Both are up, but the client sends its data over CSTP, so the gateway does too. */
  DtlsUnused: 'DTLS-UNUSED',
  /** The TLS connection is lost but DTLS is up: data goes over DTLS until the client reconnects. */
  DtlsAlone: 'DTLS-ALONE',
} as const;
export type DataPath = (typeof DataPath)[keyof typeof DataPath];

/** What happens to the channels of a session. */
export const ChannelEvent = {
  CstpUp: 'cstp-up',
  CstpDown: 'cstp-down',
  /** A data packet arrived over CSTP. Control packets on CSTP do not affect DTLS. */
  CstpData: 'cstp-data',
  /** A DTLS handshake was completed. */
  DtlsUp: 'dtls-up',
  /** An authentic data packet arrived over DTLS. */
  DtlsData: 'dtls-data',
  /** Any other authentic packet arrived over DTLS. */
  DtlsSign: 'dtls-sign',
  /** No authentic packet arrived over DTLS before its deadline. */
  DtlsSilent: 'dtls-silent',
  /** The association ended: alert, disconnect, or replaced with its session. */
  DtlsDown: 'dtls-down',
} as const;
export type ChannelEvent = (typeof ChannelEvent)[keyof typeof ChannelEvent];

type Row = { readonly [E in ChannelEvent]: DataPath };

const P = DataPath;

/** Every pair of state and event. A missing one does not compile. */
const TRANSITIONS: { readonly [S in DataPath]: Row } = {
  [P.Closed]: {
    'cstp-up': P.Cstp,
    'cstp-down': P.Closed,
    'cstp-data': P.Closed,
    'dtls-up': P.DtlsAlone,
    'dtls-data': P.Closed,
    'dtls-sign': P.Closed,
    'dtls-silent': P.Closed,
    'dtls-down': P.Closed,
  },
  [P.Cstp]: {
    'cstp-up': P.Cstp,
    'cstp-down': P.Closed,
    'cstp-data': P.Cstp,
    'dtls-up': P.Dtls,
    'dtls-data': P.Cstp,
    'dtls-sign': P.Cstp,
    'dtls-silent': P.Cstp,
    'dtls-down': P.Cstp,
  },
  [P.Dtls]: {
    'cstp-up': P.Dtls,
    'cstp-down': P.DtlsAlone,
    'cstp-data': P.DtlsUnused,
    'dtls-up': P.Dtls,
    'dtls-data': P.Dtls,
    'dtls-sign': P.Dtls,
    'dtls-silent': P.DtlsSilent,
    'dtls-down': P.Cstp,
  },
  [P.DtlsSilent]: {
    'cstp-up': P.DtlsSilent,
    'cstp-down': P.DtlsAlone,
    'cstp-data': P.DtlsUnused,
    'dtls-up': P.Dtls,
    'dtls-data': P.Dtls,
    'dtls-sign': P.Dtls,
    'dtls-silent': P.DtlsSilent,
    'dtls-down': P.Cstp,
  },
  [P.DtlsUnused]: {
    'cstp-up': P.DtlsUnused,
    'cstp-down': P.DtlsAlone,
    'cstp-data': P.DtlsUnused,
    'dtls-up': P.Dtls,
    'dtls-data': P.Dtls,
    'dtls-sign': P.DtlsUnused,
    'dtls-silent': P.DtlsUnused,
    'dtls-down': P.Cstp,
  },
  [P.DtlsAlone]: {
    'cstp-up': P.Dtls,
    'cstp-down': P.DtlsAlone,
    'cstp-data': P.DtlsAlone,
    'dtls-up': P.DtlsAlone,
    'dtls-data': P.DtlsAlone,
    'dtls-sign': P.DtlsAlone,
    'dtls-silent': P.DtlsAlone,
    'dtls-down': P.Closed,
  },
};

/** The pure transition function. */
export function nextDataPath(path: DataPath, event: ChannelEvent): DataPath {
  return TRANSITIONS[path][event];
}

export type Channel = 'cstp' | 'dtls';

/** Where each state sends data; undefined = nowhere. */
const CARRIER: { readonly [S in DataPath]: Channel | undefined } = {
  [P.Closed]: undefined,
  [P.Cstp]: 'cstp',
  [P.Dtls]: 'dtls',
  [P.DtlsSilent]: 'cstp',
  [P.DtlsUnused]: 'cstp',
  [P.DtlsAlone]: 'dtls',
};

/** The channel that carries data to the client in this state. */
export function carrierOf(path: DataPath): Channel | undefined {
  return CARRIER[path];
}

const REASONS: { readonly [E in ChannelEvent]: string } = {
  'cstp-up': 'the TLS channel is up',
  'cstp-down': 'the TLS connection ended',
  'cstp-data': 'the client sent data over TLS',
  'dtls-up': 'a DTLS handshake was completed',
  'dtls-data': 'the client sent data over DTLS again',
  'dtls-sign': 'the client is active over DTLS again',
  'dtls-silent': 'nothing was received over DTLS before its deadline',
  'dtls-down': 'the DTLS association ended',
};

/** A change of the channel that carries data, for the journal. */
export interface ChannelSwitch {
  readonly from: Channel;
  readonly to: Channel;
  readonly reason: string;
}

export interface ChannelSelectionOptions {
  /** The dead peer detection interval announced to the client, in milliseconds; 0 = off, then silence alone proves nothing. */
  readonly dpd: number;
}

/** Result of `check`. */
export type SilenceAction = 'probe' | 'silent' | undefined;

/**
 * The state machine of one session. All times are monotonic milliseconds, passed as arguments. The class starts no timer: its owner
 * calls `check` periodically.
 *
 * DTLS is probed after 2 × DPD of silence and given up after 3 × DPD at the latest, as in ocserv 1.3.0. While data or a probe is sent that nothing
 * answers, it is probed each second and given up within a few seconds: a client that receives packets answers within a second or
 * two, whatever the DPD interval.
 */
export class ChannelSelection {
  readonly #dpd: number;
  #path: DataPath = DataPath.Closed;
  #heard = -Infinity;
  /** Time of the first data packet or probe sent over DTLS since the last packet received there; NaN = none. */
  #unanswered = Number.NaN;
  #probed = -Infinity;

  constructor(options: ChannelSelectionOptions) {
    this.#dpd = options.dpd;
  }

  get path(): DataPath {
    return this.#path;
  }

  /** The channel that carries data to the client now. */
  get channel(): Channel | undefined {
    return carrierOf(this.#path);
  }

  /** Data sent over DTLS is still unanswered: `sent` need not be called again. */
  get waiting(): boolean {
    return !Number.isNaN(this.#unanswered);
  }

  /** Applies an event; returns the change if data moves to another channel. */
  apply(event: ChannelEvent, now: number): ChannelSwitch | undefined {
    switch (event) {
      case 'cstp-data':
        // TCP may deliver data late that the client sent before it moved to DTLS.
        if (this.#path === DataPath.Dtls && now - this.#heard < STRAGGLER_MS) return undefined;
        break;
      case 'dtls-up':
      case 'dtls-data':
      case 'dtls-sign':
        this.#heard = now;
        this.#unanswered = Number.NaN;
        this.#probed = -Infinity;
        break;
      default:
        break;
    }
    const next = nextDataPath(this.#path, event);
    if (next === this.#path) return undefined;
    const from = carrierOf(this.#path);
    this.#path = next;
    const to = carrierOf(next);
    if (to === 'dtls') this.#unanswered = Number.NaN;
    return from !== undefined && to !== undefined && from !== to ? { from, to, reason: REASONS[event] } : undefined;
  }

  /**
   * Fast path for an authentic data packet over DTLS: true when it changes nothing, so the caller need not apply an event.
   */
  heardData(now: number): boolean {
    if (this.#path !== DataPath.Dtls) return false;
    this.#heard = now;
    this.#unanswered = Number.NaN;
    this.#probed = -Infinity;
    return true;
  }

  /** Time of the last packet received over DTLS. */
  get heard(): number {
    return this.#heard;
  }

  /** Whether a jump of time by this many milliseconds, without a probe before, would be enough silence to give up DTLS. */
  silentAfter(leap: number, now: number): boolean {
    return this.#path === DataPath.Dtls && this.#dpd > 0 && now - this.#heard + leap >= 3 * this.#dpd;
  }

  /** Adjusts the silence by this many milliseconds, more or (below zero) less than the time that has passed. */
  shift(silence: number, now: number): void {
    this.#heard = Math.min(this.#heard - silence, now);
  }

  /** Call when data was sent over DTLS. */
  sent(now: number): void {
    if (!this.waiting) this.#unanswered = now;
  }

  /** No input was read for the last `late` milliseconds: they do not count as silence. */
  excuse(late: number, now: number): void {
    this.#heard = excused(this.#heard, late, now);
    // NaN stays NaN.
    this.#unanswered = excused(this.#unanswered, late, now);
    this.#probed = excused(this.#probed, late, now);
  }

  /** Earliest time at which `check` may return something, if nothing happens before. Only `sent`, `shift` and state changes make it earlier. */
  get nextLook(): number {
    if (this.#path !== DataPath.Dtls && this.#path !== DataPath.DtlsSilent && this.#path !== DataPath.DtlsAlone) {
      return Infinity;
    }
    const idle =
      this.#dpd > 0
        ? Math.max(this.#heard + 2 * this.#dpd, this.#probed + Math.max(this.#dpd, UNANSWERED_PROBE_MS))
        : Infinity;
    if (this.#path === DataPath.DtlsSilent) return idle;
    const urgent = this.waiting ? Math.max(this.#unanswered, this.#probed) + UNANSWERED_PROBE_MS : Infinity;
    if (this.#path === DataPath.DtlsAlone) return Math.min(idle, urgent);
    const silent = this.#dpd > 0 ? this.#heard + 3 * this.#dpd : Infinity;
    return Math.min(idle, urgent, silent, this.waiting ? this.#unanswered + UNANSWERED_SWITCH_MS : Infinity);
  }

  /**
   * Required reaction to silence on DTLS: a DPD request, or giving it up until a packet arrives. Call about twice a second; the
   * result is `probe` at most once per {@link UNANSWERED_PROBE_MS} while data is unanswered, otherwise once per DPD interval.
   */
  check(now: number): SilenceAction {
    if (this.#path !== DataPath.Dtls && this.#path !== DataPath.DtlsSilent && this.#path !== DataPath.DtlsAlone) {
      return undefined;
    }
    const silence = now - this.#heard;
    const waiting = Number.isNaN(this.#unanswered) ? 0 : now - this.#unanswered;
    const givenUp = this.#path === DataPath.DtlsSilent;
    if (!givenUp && ((this.#dpd > 0 && silence >= 3 * this.#dpd) || waiting >= UNANSWERED_SWITCH_MS)) {
      if (this.#path === DataPath.Dtls) return 'silent';
    }
    const idle =
      this.#dpd > 0 && silence >= 2 * this.#dpd && now - this.#probed >= Math.max(this.#dpd, UNANSWERED_PROBE_MS);
    const urgent = !givenUp && waiting >= UNANSWERED_PROBE_MS && now - this.#probed >= UNANSWERED_PROBE_MS;
    if (!idle && !urgent) return undefined;
    this.#probed = now;
    if (this.#path === DataPath.Dtls) this.sent(now);
    return 'probe';
  }
}
