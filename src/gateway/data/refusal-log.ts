import type { DropReason, DtlsPeer } from '../../dtls/association/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { ReportLimit } from '../../lib/report-limit.ts';
import type { Emit } from '../../telemetry/events.ts';
import { AFTER_END_MS, HELLO_AFTER_END_MS } from './data-channel-constants.ts';

/** Explains dropped datagrams that prevent DTLS from working. Other drops are normal in a network. */
const EXPLANATIONS: { readonly [R in DropReason]?: string } = {
  malformed: 'This datagram is not DTLS, or was cut short on its way.',
  'unknown-peer':
    'A record of no association that is known here: its tunnel has ended, perhaps with the gateway that it was of, or somebody else is meant.',
  'rate-limited':
    'A record of no association at this address; whether its sender moved here was not looked into, as too many such records come.',
  'unknown-session':
    'No session has the id in this ClientHello: it is of an older tunnel, or the client does not send X-DTLS-App-ID as its session id.',
  'no-common-cipher': 'The client offers no cipher suite that its tunnel was set up for.',
  version: 'The client does not offer DTLS 1.2.',
  'zero-random': 'The random of this ClientHello is all zeros, as a defective GnuTLS sends it.',
  'not-authentic': 'A record is not authentic: it was changed on the way, or made by somebody without the keys.',
  full: 'There are as many DTLS associations as are allowed.',
};

/** Why the two sides of a handshake have different keys (openconnect built with OpenSSL exports its key only once). */
export const OTHER_KEY =
  "The client's key may be of an earlier TLS connection, as openconnect keeps it where it is built with OpenSSL, or be exported with a context.";

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
