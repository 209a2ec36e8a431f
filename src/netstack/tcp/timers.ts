import {
  BLACK_HOLE_MSS,
  BLACK_HOLE_TIMEOUTS,
  GIVE_UP,
  KEEP_ALIVE_INTERVAL,
  KEEP_ALIVE_PROBES,
  RTO_INITIAL,
  RTO_MAX,
} from '../core/constants.ts';
import { TcpState } from '../core/types.ts';
import { emitSegment, payloadAt, sendReset } from './emit.ts';
import { abort, closeTcb, updateMss } from './lifecycle.ts';
import { onReorderTimer, onRetransmitTimeout } from './loss-recovery.ts';
import { EVER_RETRANSMITTED, LOST, SACKED } from './sent-queue.ts';
import { ACK, SYN } from './sequence.ts';
import { SendTimer, type Tcb } from './tcb.ts';
import { TcpEvent } from './tcp-state.ts';
import { armSendTimer, retransmit, sendPiece } from './transmit.ts';

/** Runs those timers of a connection that are due. */
export function onTimer(tcb: Tcb): void {
  const { host } = tcb;
  const { now } = host;
  if (tcb.ackTimerAt <= now) {
    tcb.ackTimerAt = Infinity;
    tcb.ackNow = true;
    host.markDirty(tcb);
  }
  if (tcb.moreAt <= now) {
    tcb.moreAt = Infinity;
    host.markDirty(tcb);
  }
  if (tcb.sendTimerAt <= now) {
    tcb.sendTimerAt = Infinity;
    onSendTimer(tcb);
  }
  if (tcb.lifeTimerAt <= now) onLifeTimer(tcb);
}

/** Runs the timer of the sending side. */
export function onSendTimer(tcb: Tcb): void {
  const { host } = tcb;
  if (tcb.state === TcpState.SynSent || tcb.state === TcpState.SynReceived) {
    sendSyn(tcb);
    return;
  }
  host.markDirty(tcb);
  switch (tcb.sendTimer) {
    case SendTimer.Reorder:
      tcb.reorderAt = Infinity;
      onReorderTimer(tcb);
      break;
    case SendTimer.Probe:
      tailLossProbe(tcb);
      break;
    case SendTimer.Persist:
      persist(tcb);
      break;
    case SendTimer.Retransmit:
      retransmitTimeout(tcb);
      break;
    default:
      break;
  }
}

/** Sends SYN or SYN-ACK, again or for the first time, and sets its timer (RFC 6298 §5, RFC 9293 §3.8.3). */
export function sendSyn(tcb: Tcb): void {
  const { host } = tcb;
  const { now } = host;
  if (tcb.synTries === 0) tcb.silentSince = now;
  tcb.synTries++;
  tcb.sndNxt = (tcb.iss + 1) | 0;
  tcb.lastSendAt = now;
  emitSegment(tcb, tcb.iss, tcb.state === TcpState.SynReceived ? SYN | ACK : SYN, 0);
  tcb.sendTimer = SendTimer.Retransmit;
  const next = now + Math.min(RTO_MAX, RTO_INITIAL * 2 ** (tcb.synTries - 1));
  tcb.sendTimerAt = next < tcb.lifeTimerAt ? next : Infinity;
  host.schedule(tcb);
}

function retransmitTimeout(tcb: Tcb): void {
  const { host } = tcb;
  const sent = tcb.sent;
  tcb.rtoAt = Infinity;
  if (sent === undefined || sent.count === 0) return;
  if (tcb.sndWnd === 0) {
    // The window closed over data in flight: probe instead of assuming a loss (RFC 9293 §3.8.6.1).
    probeWithHead(tcb);
    return;
  }
  if (tcb.silentSince >= 0 && host.now - tcb.silentSince >= GIVE_UP) {
    host.counters.tcpTimeouts++;
    sendReset(tcb);
    closeTcb(tcb, TcpEvent.Abort, 'timeout');
    return;
  }
  tcb.backoff++;
  const length = (sent.end(0) - sent.start(0)) | 0;
  const suspect = tcb.mss > BLACK_HOLE_MSS ? BLACK_HOLE_MSS : BLACK_HOLE_MSS / 2;
  if (length > suspect && ++tcb.fullTimeouts >= BLACK_HOLE_TIMEOUTS) {
    shrinkForBlackHole(tcb);
  }
  onRetransmitTimeout(tcb);
}

/** RFC 4821 §7.7: large segments are lost, and no ICMP error reports why. */
function shrinkForBlackHole(tcb: Tcb): void {
  tcb.fullTimeouts = 0;
  const mss = tcb.mss > BLACK_HOLE_MSS ? BLACK_HOLE_MSS : Math.max(BLACK_HOLE_MSS / 2, 512);
  const mtu = mss + tcb.headerLength + 20 + (tcb.tsOk ? 12 : 0);
  if (mtu >= tcb.mtu) return;
  tcb.host.counters.tcpBlackHoles++;
  tcb.mtu = mtu;
  updateMss(tcb);
}

/** RFC 8985 §7.3: sends new data if possible, otherwise the last segment again. */
function tailLossProbe(tcb: Tcb): void {
  const { host } = tcb;
  const sent = tcb.sent;
  tcb.probeAt = Infinity;
  if (sent === undefined || sent.count === 0 || tcb.tlpOut) return;
  host.counters.tcpTailLossProbes++;
  const buffer = tcb.sendBuffer;
  const queued = tcb.finSent || buffer === undefined ? 0 : (buffer.end - tcb.sndNxt) | 0;
  const window = (tcb.sndUna + tcb.sndWnd - tcb.sndNxt) | 0;
  tcb.tlpOut = true;
  if (queued > 0 && window >= Math.min(queued, tcb.mss)) {
    const n = Math.min(queued, tcb.mss);
    sendPiece(tcb, n, tcb.finQueued && n === queued);
    tcb.tlpRetransmit = false;
  } else {
    const last = sent.count - 1;
    const flags = sent.flags(last);
    if (flags & (SACKED | LOST)) {
      tcb.tlpOut = false;
      return;
    }
    retransmit(tcb, last, flags);
    sent.setFlags(last, flags | EVER_RETRANSMITTED);
    tcb.tlpRetransmit = true;
  }
  tcb.tlpEnd = tcb.sndNxt;
  // RFC 8985 §7.3: restart the retransmission timer.
  tcb.rtoAt = Infinity;
  armSendTimer(tcb, false, false);
}

/** The window is closed, or too small for silly-window avoidance, and nothing is in flight (RFC 9293 §3.8.6.1). */
function persist(tcb: Tcb): void {
  const { host } = tcb;
  tcb.persistAt = Infinity;
  const buffer = tcb.sendBuffer;
  if (buffer === undefined || tcb.finSent) return;
  const queued = (buffer.end - tcb.sndNxt) | 0;
  if (queued <= 0) return;
  const window = (tcb.sndUna + tcb.sndWnd - tcb.sndNxt) | 0;
  if (giveUpAbandoned(tcb)) return;
  host.counters.tcpZeroWindowProbes++;
  tcb.backoff++;
  tcb.probing = window <= 0;
  const n = Math.min(queued, tcb.mss, Math.max(1, window));
  sendPiece(tcb, n, false);
}

/**
 * Limits how long data that nobody waits for is offered to a closed window: until the probes have reached their longest interval, as in
 * Linux (`tcp_probe_timer` with `tcp_orphan_retries`).
 */
function giveUpAbandoned(tcb: Tcb): boolean {
  if (!tcb.abandoned || tcb.rtt.rto * 2 ** tcb.backoff < RTO_MAX) return false;
  tcb.host.counters.tcpTimeouts++;
  abort(tcb, 'timeout');
  return true;
}

/** Probes with the first byte in flight. A peer that keeps its window closed is given up only if nobody waits for the data. */
function probeWithHead(tcb: Tcb): void {
  const { host } = tcb;
  const sent = tcb.sent!;
  if (tcb.silentSince >= 0 && host.now - tcb.silentSince >= GIVE_UP) {
    host.counters.tcpTimeouts++;
    abort(tcb, 'timeout');
    return;
  }
  if (giveUpAbandoned(tcb)) return;
  host.counters.tcpZeroWindowProbes++;
  tcb.backoff++;
  tcb.probing = true;
  const buffer = tcb.sendBuffer;
  const seq = sent.start(0);
  if (buffer !== undefined && ((buffer.end - seq) | 0) > 0) {
    buffer.copy(seq, 1, host.slab.bytes, payloadAt(tcb));
    emitSegment(tcb, seq, ACK, 1);
  } else {
    retransmit(tcb, 0, sent.flags(0));
  }
  sent.setFlags(0, sent.flags(0) | EVER_RETRANSMITTED);
  tcb.lastSendAt = host.now;
}

function onLifeTimer(tcb: Tcb): void {
  const { host } = tcb;
  tcb.lifeTimerAt = Infinity;
  switch (tcb.state) {
    case TcpState.TimeWait:
      closeTcb(tcb, TcpEvent.Expire, 'closed');
      return;
    case TcpState.Listen:
    case TcpState.SynSent:
    case TcpState.SynReceived:
      host.counters.tcpTimeouts++;
      closeTcb(tcb, TcpEvent.Abort, 'timeout');
      return;
    case TcpState.FinWait2:
      if (!tcb.orphaned) break;
      host.counters.tcpTimeouts++;
      closeTcb(tcb, TcpEvent.Abort, 'timeout');
      return;
    default:
      break;
  }
  keepAlive(tcb);
}

/** RFC 9293 §3.8.4: sends a segment without data that the peer must answer, only when nothing else is in flight. */
function keepAlive(tcb: Tcb): void {
  const { host } = tcb;
  const idle = host.tcp.keepAlive;
  if (idle === 0) return;
  const due = tcb.lastHeardAt + idle;
  if (due > host.now) {
    tcb.keepAliveProbes = 0;
    tcb.lifeTimerAt = due;
    return;
  }
  if (tcb.keepAliveProbes >= KEEP_ALIVE_PROBES) {
    host.counters.tcpTimeouts++;
    abort(tcb, 'timeout');
    return;
  }
  tcb.lifeTimerAt = host.now + Math.min(KEEP_ALIVE_INTERVAL, idle);
  if (tcb.sent !== undefined) return;
  tcb.keepAliveProbes++;
  host.counters.tcpKeepAlives++;
  emitSegment(tcb, (tcb.sndUna - 1) | 0, ACK, 0);
}
