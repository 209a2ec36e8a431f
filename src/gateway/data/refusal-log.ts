import type { DropReason, DtlsPeer } from '../../dtls/association/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { ReportLimit } from '../../lib/report-limit.ts';
import type { Emit } from '../../telemetry/events.ts';
import { AFTER_END_MS, HELLO_AFTER_END_MS } from './data-channel-constants.ts';

/** Explains dropped datagrams that prevent DTLS from working. Other drops are normal in a network. */
const EXPLANATIONS: { readonly [R in DropReason]?: string } = {
  malformed: 'This datagram is not DTLS, or was truncated on the way.',
  'unknown-peer':
    'A record of an unknown association: its tunnel has ended, perhaps because the gateway restarted, or it was meant for another server.',
  'rate-limited':
    'A record of no association at this address; whether its sender has moved here was not checked, because there are too many such records.',
  'unknown-session':
    'No session has the id in this ClientHello: it belongs to an older tunnel, or the client does not send X-DTLS-App-ID as its session id.',
  'no-common-cipher': 'The client offers no cipher suite that was negotiated for its tunnel.',
  version: 'The client does not offer DTLS 1.2.',
  'zero-random': 'The random of this ClientHello is all zeros, as a defective GnuTLS sends it.',
  'not-authentic': 'A record is not authentic: it was modified on the way, or forged.',
  full: 'The limit of DTLS associations is reached.',
};

/** Why the two sides of a handshake have different keys (openconnect built with OpenSSL exports its key only once). */
export const OTHER_KEY =
  "The client's key may come from an earlier TLS connection (openconnect built with OpenSSL keeps it), or was exported with a context.";

/** Most recent ends to store. */
const MAX_ENDED = 1024;

/** Reports refused datagrams, limited per reason and time window, since anyone can send any number of them. */
export class RefusalLog {
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #reports: ReportLimit;
  /** When associations ended, by the endpoint of the peer; latest last. */
  readonly #ended = new Map<string, number>();
  /** When tunnels with DTLS ended, by application id; latest last. */
  readonly #closed = new Map<string, number>();

  constructor(emit: Emit, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
    this.#reports = new ReportLimit(clock);
  }

  /** Call when an association ended: later packets of its peer are not reported for a while. */
  ended(peer: DtlsPeer): void {
    this.#remember(this.#ended, endpointText(peer.address, peer.port));
  }

  /** Call when a tunnel ended: its client may be sending a ClientHello. */
  closed(applicationId: string): void {
    this.#remember(this.#closed, applicationId);
  }

  /** Call for a hello for an unknown tunnel: if the tunnel ended recently, neither the hello nor later packets are reported. */
  strayed(applicationId: string, peer: DtlsPeer): void {
    const at = this.#closed.get(applicationId);
    if (at !== undefined && this.#clock.monotonic() - at < HELLO_AFTER_END_MS) this.ended(peer);
  }

  #remember(when: Map<string, number>, key: string): void {
    when.delete(key);
    when.set(key, this.#clock.monotonic());
    if (when.size > MAX_ENDED) when.delete(when.keys().next().value!);
  }

  #endedLately(peer: DtlsPeer): boolean {
    const at = this.#ended.get(endpointText(peer.address, peer.port));
    return at !== undefined && this.#clock.monotonic() - at < AFTER_END_MS;
  }

  /** Reports a dropped datagram. @param session its session, if known */
  dropped(reason: DropReason, peer: DtlsPeer, handshaking: boolean, session?: string): void {
    if ((reason === 'unknown-peer' || reason === 'unknown-session') && this.#endedLately(peer)) return;
    const explanation =
      reason === 'not-authentic' && handshaking
        ? `The two sides have different keys. ${OTHER_KEY}`
        : EXPLANATIONS[reason];
    if (explanation) this.tell(peer, reason, explanation, session);
  }

  tell(peer: DtlsPeer, reason: string, explanation: string, session?: string): void {
    const withheld = this.#reports.next(reason);
    if (withheld === undefined) return;
    const remote = endpointText(peer.address, peer.port);
    this.#emit('channel.dtls.refused', { remote, reason, explanation, withheld, session });
  }
}
