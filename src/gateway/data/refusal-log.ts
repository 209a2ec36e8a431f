import type { DropReason, DtlsPeer } from '../../dtls/association/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { ReportLimit } from '../../lib/report-limit.ts';
import type { Emit } from '../../telemetry/events.ts';
import { AFTER_END_MS, HELLO_AFTER_END_MS } from './data-channel-constants.ts';

/** What a dropped datagram means to somebody who wonders why DTLS does not come up. The rest is routine of a network. */
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

/** Ends that are remembered. */
const MAX_ENDED = 1024;

/** Tells of refused datagrams, some of each reason and window. Strangers decide how often they come: the log is kept from drowning. */
export class RefusalLog {
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #reports: ReportLimit;
  /** When associations ended, by the endpoint of the peer; the latest come last. */
  readonly #ended = new Map<string, number>();
  /** When tunnels ended that had DTLS to offer, by application id; the latest come last. */
  readonly #closed = new Map<string, number>();

  constructor(emit: Emit, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
    this.#reports = new ReportLimit(clock);
  }

  /** An association ended: what its peer sends before it knows is nothing to tell. */
  ended(peer: DtlsPeer): void {
    this.#remember(this.#ended, endpointText(peer.address, peer.port));
  }

  /** A tunnel ended: its client may be saying hello. */
  closed(applicationId: string): void {
    this.#remember(this.#closed, applicationId);
  }

  /** A hello for a tunnel that is not there: if it was a moment ago, neither that nor what follows is anything to tell. */
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

  /** A datagram led to nothing. @param session whose it is, where that is known */
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
