/**
 * The interface between the engine and a congestion-control algorithm. The engine detects and repairs losses (what to retransmit, and how
 * fast within a recovery episode); the algorithm computes the two windows, in bytes.
 */
export interface CongestionControl {
  cwnd: number;
  ssthresh: number;
  /** Segment size changed. */
  mss: number;
  /** `acked` new bytes were acknowledged outside of recovery while the window was in full use. Times in milliseconds. */
  onAck(acked: number, now: number, srtt: number): void;
  /** A loss episode begins with `flight` bytes outstanding: reduces `ssthresh`. The engine controls `cwnd` during recovery. */
  onCongestion(flight: number, now: number): void;
  /** The retransmission timer expired: `ssthresh` as above unless `repeated`, `cwnd` to one segment. */
  onTimeout(flight: number, now: number, repeated: boolean): void;
  /** The last reduction was unnecessary. */
  undo(): void;
  /** Nothing was sent for longer than a retransmission timeout (RFC 5681 §4.1). */
  onIdle(initialWindow: number, now: number): void;
}
