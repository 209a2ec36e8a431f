import {
  FLOW_SEGMENTS,
  FLUSH_PAUSE,
  INITIAL_WINDOW_SEGMENTS,
  MAX_SEGMENTS,
  RTO_MAX,
  WORST_DELAYED_ACK,
} from '../core/constants.ts';
import { TcpState } from '../core/types.ts';
import { emitSegment, payloadAt, timestamp } from './emit.ts';
import { pipe } from './loss-recovery.ts';
import { EVER_RETRANSMITTED, HAS_FIN, LOST, RETRANSMITTED } from './sent-queue.ts';
import { ACK, FIN, PSH, seqGt } from './sequence.ts';
import { Phase, SendTimer, type Tcb } from './tcb.ts';
import { TcpEvent } from './tcp-state.ts';

/** States in which queued data and FIN may be sent or sent again. */
function maySend(state: TcpState): boolean {
  switch (state) {
    case TcpState.Established:
    case TcpState.CloseWait:
    case TcpState.FinWait1:
    case TcpState.Closing:
    case TcpState.LastAck:
      return true;
    default:
      return false;
  }
}

/** RFC 6928, RFC 5681 §3.1. */
export function initialWindow(mss: number): number {
  return Math.min(INITIAL_WINDOW_SEGMENTS * mss, Math.max(2 * mss, 14_600));
}

/**
 * Sends what the peer's window and the congestion window allow: first lost data, then new data. Data beyond the budget of the flush follows
 * later.
 */
export function transmit(tcb: Tcb): void {
  if (!maySend(tcb.state)) return;
  const { host } = tcb;
  const room = Math.min(FLOW_SEGMENTS, host.sendRoom);
  const before = tcb.segmentsOut;
  tcb.moreAt = Infinity;
  let progress = false;
  if (tcb.lostCount > 0 && (tcb.sndWnd > 0 || tcb.sendBuffer === undefined))
    progress = retransmitLost(tcb, before + room);
  if (!tcb.finSent && sendNew(tcb, before + room)) progress = true;
  host.sendRoom -= Math.min(room, tcb.segmentsOut - before);
  // Connections that could send nothing come before those that could.
  if (tcb.moreAt < Infinity && room === 0) tcb.moreAt -= FLUSH_PAUSE / 2;
  const acked = tcb.timerRestart;
  tcb.timerRestart = false;
  armSendTimer(tcb, acked, progress);
}

/** Sends segment `i` of the sent queue again, in pieces of the current segment size. */
export function retransmit(tcb: Tcb, i: number, flags: number): void {
  const sent = tcb.sent!;
  const host = tcb.host;
  const end = sent.end(i);
  let seq = sent.start(i);
  const fin = flags & HAS_FIN ? 1 : 0;
  let left = ((end - seq) | 0) - fin;
  if (tcb.undoRetransmits >= 0 && tcb.undoRetransmits++ === 0 && i === 0 && (flags & EVER_RETRANSMITTED) === 0) {
    tcb.retransmitStamp = timestamp(tcb);
    tcb.eifelArmed = true;
  }
  do {
    const n = Math.min(left, tcb.mss);
    if (n > 0) tcb.sendBuffer!.copy(seq, n, host.slab.bytes, payloadAt(tcb));
    left -= n;
    emitSegment(tcb, seq, left === 0 ? ACK | PSH | fin : ACK, n);
    seq = (seq + n) | 0;
    tcb.retransmits++;
    host.counters.tcpRetransmits++;
  } while (left > 0);
  tcb.lastSendAt = host.now;
  sent.setTime(i, host.now);
}

/** True if there is more to send than is allowed now; schedules the rest. */
function heldBack(tcb: Tcb, limit: number): boolean {
  if (tcb.segmentsOut < limit) return false;
  tcb.moreAt = tcb.host.now + FLUSH_PAUSE;
  return true;
}

/** @param limit approximate number of segments that the connection may have sent afterward */
function retransmitLost(tcb: Tcb, limit: number): boolean {
  const sent = tcb.sent!;
  const cc = tcb.cc!;
  let progress = false;
  for (let i = sent.nextUnsacked(0); i < sent.count && tcb.lostCount > 0; i = sent.nextUnsacked(i + 1)) {
    const flags = sent.flags(i);
    if ((flags & (LOST | RETRANSMITTED)) !== LOST) continue;
    const length = (sent.end(i) - sent.start(i)) | 0;
    const inPipe = pipe(tcb);
    if ((inPipe + length > cc.cwnd && inPipe > 0) || heldBack(tcb, limit)) break;
    retransmit(tcb, i, flags);
    sent.setFlags(i, flags | RETRANSMITTED | EVER_RETRANSMITTED);
    tcb.inFlight += length;
    tcb.lostCount--;
    tcb.prrOut += length;
    progress = true;
  }
  return progress;
}

/** @param limit number of segments that the connection may have sent afterward */
function sendNew(tcb: Tcb, limit: number): boolean {
  const buffer = tcb.sendBuffer;
  const cc = tcb.cc!;
  const host = tcb.host;
  const mss = tcb.mss;
  let progress = false;
  tcb.blocked = false;
  const limited = tcb.cwndLimited;
  tcb.cwndLimited = false;
  for (;;) {
    const queued = buffer === undefined ? 0 : (buffer.end - tcb.sndNxt) | 0;
    if (queued === 0) {
      if (!tcb.finQueued) break;
      sendPiece(tcb, 0, true);
      return true;
    }
    let n = queued < mss ? queued : mss;
    const window = (tcb.sndUna + tcb.sndWnd - tcb.sndNxt) | 0;
    if (window < n) {
      // RFC 9293 §3.8.6.2.1: less than a full segment only if it is half of the largest window ever announced.
      if (window <= 0 || 2 * window < tcb.maxSndWnd) {
        tcb.blocked = true;
        break;
      }
      n = window;
    } else if (n < mss && !tcb.finQueued && !tcb.noDelay && seqGt(tcb.smallEnd, tcb.sndUna)) {
      // Nagle's algorithm (RFC 9293 §3.7.4), as modified by Minshall: one small segment at a time.
      break;
    }
    const inPipe = pipe(tcb);
    if ((inPipe + n > cc.cwnd && inPipe > 0) || (tcb.sent !== undefined && tcb.sent.count >= MAX_SEGMENTS)) {
      tcb.cwndLimited = true;
      break;
    }
    if (heldBack(tcb, limit)) break;
    // RFC 5681 §4.1: after a long pause the window no longer describes the network.
    if (inPipe === 0 && tcb.sndNxt === tcb.sndUna && host.now - tcb.lastSendAt > tcb.rtt.rto && tcb.lastSendAt > 0) {
      cc.onIdle(initialWindow(mss), host.now);
    }
    sendPiece(tcb, n, tcb.finQueued && n === queued);
    progress = true;
    if (tcb.finSent) break;
  }
  // A window that was in use until now still counts as in use while its acknowledgements arrive.
  if (!tcb.cwndLimited && limited && pipe(tcb) * 2 >= cc.cwnd) tcb.cwndLimited = true;
  return progress;
}

/** Sends `n` new bytes, with or without FIN. */
export function sendPiece(tcb: Tcb, n: number, fin: boolean): void {
  const host = tcb.host;
  const seq = tcb.sndNxt;
  if (n > 0) tcb.sendBuffer!.copy(seq, n, host.slab.bytes, payloadAt(tcb));
  const end = (seq + n) | 0;
  const next = fin ? (end + 1) | 0 : end;
  let flags = ACK;
  if (fin) flags |= FIN;
  if (n > 0) {
    if (tcb.sendBuffer!.end === end) flags |= PSH;
    if (n < tcb.mss) tcb.smallEnd = end;
  }
  const sent = (tcb.sent ??= host.spareQueues.take(seq));
  sent.push(next, host.now, fin ? HAS_FIN : 0);
  const length = (next - seq) | 0;
  tcb.inFlight += length;
  if (tcb.phase === Phase.Recovery) tcb.prrOut += length;
  tcb.bytesOut += n;
  tcb.lastSendAt = host.now;
  tcb.sndNxt = next;
  emitSegment(tcb, seq, flags, n);
  if (fin) {
    tcb.finSent = true;
    tcb.advance(TcpEvent.SendFin);
  }
}

/**
 * Sets the single timer of the sending side. `acked`: something was acknowledged, `sent`: something was sent. Retransmission (RFC 6298 §5),
 * tail-loss probe (RFC 8985 §7.2), reordering (RFC 8985 §6.3) or persist (RFC 9293 §3.8.6.1).
 */
export function armSendTimer(tcb: Tcb, acked: boolean, transmitted: boolean): void {
  const now = tcb.host.now;
  const sent = tcb.sent;
  if (sent === undefined || sent.count === 0) {
    tcb.rtoAt = Infinity;
    tcb.probeAt = Infinity;
    tcb.reorderAt = Infinity;
    if (!tcb.blocked) {
      tcb.persistAt = Infinity;
      setTimer(tcb, SendTimer.None, Infinity);
      return;
    }
    if (tcb.persistAt === Infinity) {
      tcb.persistAt = now + Math.min(RTO_MAX, tcb.rtt.rto * 2 ** tcb.backoff);
      if (tcb.silentSince < 0) tcb.silentSince = now;
    }
    setTimer(tcb, SendTimer.Persist, tcb.persistAt);
    return;
  }
  tcb.persistAt = Infinity;
  const start = acked || tcb.rtoAt === Infinity;
  if (start) {
    tcb.rtoAt = now + Math.min(RTO_MAX, tcb.rtt.rto * 2 ** tcb.backoff);
    if (tcb.silentSince < 0) tcb.silentSince = now;
  }
  if (start || transmitted) {
    tcb.probeAt = Infinity;
    if (
      tcb.sackOk &&
      tcb.phase === Phase.Open &&
      tcb.sackedCount === 0 &&
      tcb.lostCount === 0 &&
      !tcb.tlpOut &&
      tcb.sndWnd > 0 &&
      tcb.backoff === 0
    ) {
      let pto = tcb.rtt.srtt > 0 ? 2 * tcb.rtt.srtt : 1000;
      if (sent.count === 1) pto += WORST_DELAYED_ACK;
      // A Node timer has no finer resolution, and a probe that is a moment early is a duplicate.
      tcb.probeAt = now + Math.max(pto, 10);
    }
  }
  if (tcb.reorderAt < tcb.rtoAt) setTimer(tcb, SendTimer.Reorder, tcb.reorderAt);
  else if (tcb.probeAt < tcb.rtoAt) setTimer(tcb, SendTimer.Probe, tcb.probeAt);
  else setTimer(tcb, SendTimer.Retransmit, tcb.rtoAt);
}

function setTimer(tcb: Tcb, kind: SendTimer, at: number): void {
  tcb.sendTimer = kind;
  tcb.sendTimerAt = at;
}
