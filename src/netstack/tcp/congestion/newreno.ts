import { CWND_MAX } from '../../core/constants.ts';
import type { CongestionControl } from './congestion.ts';

/** Standard congestion control: RFC 5681 with appropriate byte counting (RFC 3465). */
export class NewReno implements CongestionControl {
  cwnd: number;
  ssthresh = 0x7fffffff;
  mss: number;
  #credit = 0;
  #priorCwnd = 0;
  #priorSsthresh = 0;

  constructor(initialWindow: number, mss: number) {
    this.cwnd = initialWindow;
    this.mss = mss;
  }

  onAck(acked: number): void {
    if (this.cwnd < this.ssthresh) {
      const room = this.ssthresh - this.cwnd;
      const grown = acked < room ? acked : room;
      this.cwnd += grown;
      acked -= grown;
    }
    this.#credit += acked;
    while (this.#credit >= this.cwnd) {
      this.#credit -= this.cwnd;
      this.cwnd += this.mss;
    }
    if (this.cwnd > CWND_MAX) this.cwnd = CWND_MAX;
  }

  onCongestion(flight: number): void {
    this.#remember();
    this.ssthresh = Math.max(flight >>> 1, 2 * this.mss);
    this.#credit = 0;
  }

  onTimeout(flight: number, _now: number, repeated: boolean): void {
    if (!repeated) this.onCongestion(flight);
    this.cwnd = this.mss;
    this.#credit = 0;
  }

  undo(): void {
    this.cwnd = Math.max(this.cwnd, this.#priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, this.#priorSsthresh);
  }

  onIdle(initialWindow: number): void {
    this.cwnd = Math.min(this.cwnd, initialWindow);
  }

  #remember(): void {
    this.#priorCwnd = this.cwnd;
    this.#priorSsthresh = this.ssthresh;
  }
}
