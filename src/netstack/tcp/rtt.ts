import { RTO_INITIAL, RTO_MAX, RTO_MIN } from '../core/constants.ts';

/** Clock granularity G of RFC 6298, in milliseconds: the resolution of a Node timer. */
const GRANULARITY = 10;
/** Length of the window for the minimum that RFC 8985 §6.2 needs, in milliseconds. */
const MIN_RTT_WINDOW = 300_000;

/** Round-trip estimation and retransmission timeout (RFC 6298), in milliseconds. */
export class RttEstimator {
  srtt = 0;
  rttvar = 0;
  /** Without backoff. */
  rto = RTO_INITIAL;
  /** Windowed minimum; Infinity before the first sample. */
  min = Infinity;
  #minAt = 0;

  /** Waits at least this long for the first acknowledgements, because the first segment was lost (RFC 6298 §5.7). */
  expectAtLeast(rto: number): void {
    this.rto = Math.max(this.rto, rto);
  }

  sample(rtt: number, now: number): void {
    if (rtt < 0) return;
    if (rtt <= this.min || now - this.#minAt > MIN_RTT_WINDOW) {
      this.min = rtt;
      this.#minAt = now;
    }
    if (this.srtt === 0) {
      this.srtt = Math.max(rtt, 0.001);
      this.rttvar = rtt / 2;
    } else {
      const error = Math.abs(this.srtt - rtt);
      this.rttvar += (error - this.rttvar) / 4;
      this.srtt += (rtt - this.srtt) / 8;
    }
    this.rto = Math.min(RTO_MAX, Math.max(RTO_MIN, this.srtt + Math.max(GRANULARITY, 4 * this.rttvar)));
  }
}
