import { CWND_MAX } from '../../core/constants.ts';
import type { CongestionControl } from './congestion.ts';

/** RFC 9438 §4.6, §5. */
const BETA = 0.7;
const C = 0.4;
/** RFC 9438 §4.3: additive factor of the Reno-friendly region. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** CUBIC (RFC 9438). Windows are bytes; the cubic itself is computed in segments and seconds. */
export class Cubic implements CongestionControl {
  cwnd: number;
  ssthresh = 0x7fffffff;
  mss: number;
  /** Window before the last reduction, in segments. */
  #wMax = 0;
  #k = 0;
  /** Start of the current congestion-avoidance epoch; -1 = none. */
  #epoch = -1;
  /** Reno-friendly estimate, in segments. */
  #wEst = 0;
  #credit = 0;
  #priorCwnd = 0;
  #priorSsthresh = 0;
  #priorMax = 0;

  constructor(initialWindow: number, mss: number) {
    this.cwnd = initialWindow;
    this.mss = mss;
  }

  onAck(acked: number, now: number, srtt: number): void {
    if (this.cwnd < this.ssthresh) {
      const room = this.ssthresh - this.cwnd;
      const grown = acked < room ? acked : room;
      this.cwnd += grown;
      acked -= grown;
      if (acked === 0) {
        if (this.cwnd > CWND_MAX) this.cwnd = CWND_MAX;
        return;
      }
    }
    const segments = this.cwnd / this.mss;
    if (this.#epoch < 0) {
      this.#epoch = now;
      this.#wEst = segments;
      if (segments < this.#wMax) {
        this.#k = Math.cbrt((this.#wMax - segments) / C);
      } else {
        this.#k = 0;
        this.#wMax = segments;
      }
    }
    const t = (now - this.#epoch + srtt) / 1000 - this.#k;
    // §4.2: target between cwnd and 1.5 cwnd.
    const target = Math.min(1.5 * segments, Math.max(segments, C * t * t * t + this.#wMax));
    // §4.3: once the estimate passes the window of the last reduction, it grows as Reno does.
    const alpha = this.#wEst >= this.#wMax ? 1 : ALPHA;
    this.#wEst += (alpha * acked) / this.cwnd;
    const goal = Math.max(target, this.#wEst);
    this.#credit += ((goal - segments) / segments) * acked;
    const whole = Math.floor(this.#credit);
    this.#credit -= whole;
    this.cwnd = Math.min(CWND_MAX, this.cwnd + whole);
  }

  onCongestion(flight: number): void {
    this.#priorCwnd = this.cwnd;
    this.#priorSsthresh = this.ssthresh;
    this.#priorMax = this.#wMax;
    const segments = this.cwnd / this.mss;
    // §4.7 fast convergence: release bandwidth if the window did not reach the last maximum again.
    this.#wMax = segments < this.#wMax ? (segments * (1 + BETA)) / 2 : segments;
    // §4.6: the window actually in use, not one that an idle application left unused.
    this.ssthresh = Math.max(Math.floor(Math.min(this.cwnd, Math.max(flight, this.cwnd >>> 1)) * BETA), 2 * this.mss);
    this.#epoch = -1;
    this.#credit = 0;
  }

  onTimeout(flight: number, _now: number, repeated: boolean): void {
    if (!repeated) this.onCongestion(flight);
    this.cwnd = this.mss;
    this.#epoch = -1;
  }

  undo(): void {
    this.cwnd = Math.max(this.cwnd, this.#priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, this.#priorSsthresh);
    this.#wMax = this.#priorMax;
    this.#epoch = -1;
  }

  onIdle(initialWindow: number): void {
    this.cwnd = Math.min(this.cwnd, initialWindow);
    this.#epoch = -1;
  }
}
