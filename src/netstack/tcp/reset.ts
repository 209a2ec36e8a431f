import { sendSegment } from './emit.ts';
import type { Segment } from './segment-arrives.ts';
import { ACK, FIN, RST, SYN } from './sequence.ts';
import type { Tcb } from './tcb.ts';

/** RFC 9293 §3.10.7.1: sends RST for a segment that belongs to no connection. */
export function resetFor(tcb: Tcb, segment: Segment): void {
  tcb.host.counters.tcpResetsOut++;
  if (segment.flags & ACK) {
    sendSegment(tcb, segment.ack, 0, RST, 0, 0, 0);
    return;
  }
  const span = segment.length + (segment.flags & SYN ? 1 : 0) + (segment.flags & FIN ? 1 : 0);
  sendSegment(tcb, 0, (segment.seq + span) | 0, RST | ACK, 0, 0, 0);
}
