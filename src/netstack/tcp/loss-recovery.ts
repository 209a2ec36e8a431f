import { DUP_THRESHOLD, REO_WND_PERSIST } from '../core/constants.ts';
import { timestamp } from './emit.ts';
import { EVER_RETRANSMITTED, LOST, RETRANSMITTED, SACKED, type SentQueue } from './sent-queue.ts';
import { seqGe, seqGt, seqLe, seqLt } from './sequence.ts';
import { Phase, type Tcb } from './tcb.ts';
import type { TcpSegmentOptions } from './tcp-options.ts';

/*
 * What an acknowledgement says about segments in flight, and what follows from it. Everything is noted as segments
 * arrive (`acknowledge`, `selectiveAcknowledge`) and settled once at the end of a batch (`settle`):
 *
 *        loss detected (RACK, or three duplicates without SACK)
 *   Open ────────────────────────────────────────▶ Recovery ── snd.una ≥ recover ──▶ Open
 *     └───────────── timeout ──────────────▶ Loss ◀── timeout ──┘
 *                                             └───── snd.una ≥ recover, or proved spurious ──▶ Open
 */

/** Bytes in the network, by the sender's estimate ("pipe" of RFC 6675 §2). */
export function pipe(tcb: Tcb): number {
  return tcb.inFlight - tcb.renoSacked;
}

/** RFC 8985 §6.2 step 2: the most recently sent of the delivered segments. */
function rackUpdate(tcb: Tcb, sentAt: number, end: number, flags: number, echo: number | undefined): void {
  const now = tcb.host.now;
  const rtt = now - sentAt;
  if (flags & EVER_RETRANSMITTED) {
    // Was the original delivered, rather than the retransmission?
    if (echo !== undefined && ((echo - ((Math.floor(sentAt) + tcb.tsOffset) | 0)) | 0) < 0) return;
    if (rtt < tcb.rtt.min) return;
  } else if (seqLt(end, tcb.rackFack)) {
    tcb.reordering = true;
  }
  if (seqGt(end, tcb.rackFack)) tcb.rackFack = end;
  tcb.rackRtt = rtt;
  if (sentAt > tcb.rackTime || (sentAt === tcb.rackTime && seqGt(end, tcb.rackEnd))) {
    tcb.rackTime = sentAt;
    tcb.rackEnd = end;
  }
}

/** Marks [snd.una, ack) as delivered. `ack` must be within what was sent. */
export function acknowledge(tcb: Tcb, ack: number, options: TcpSegmentOptions): void {
  const host = tcb.host;
  tcb.newlyAcked += (ack - tcb.sndUna) | 0;
  tcb.sndUna = ack;
  tcb.dupAcks = 0;
  tcb.backoff = 0;
  tcb.silentSince = -1;
  tcb.fullTimeouts = 0;
  tcb.ackPending = true;
  tcb.timerRestart = true;
  const echo = options.hasTimestamps ? options.tsecr : undefined;
  const sent = tcb.sent;
  if (sent !== undefined) {
    let sampleAt = -1;
    let retransmittedAt = -1;
    while (sent.count > 0) {
      const end = sent.end(0);
      const flags = sent.flags(0);
      const done = seqLe(end, ack);
      const length = ((done ? end : ack) - sent.base) | 0;
      if (flags & SACKED) {
        if (done) tcb.sackedCount--;
      } else {
        tcb.newlyDelivered += length;
        if ((flags & (LOST | RETRANSMITTED)) !== LOST) tcb.inFlight -= length;
        else if (done) tcb.lostCount--;
        if (done) {
          const sentAt = sent.time(0);
          if (flags & EVER_RETRANSMITTED) retransmittedAt = sentAt;
          else sampleAt = sentAt;
          rackUpdate(tcb, sentAt, end, flags, echo);
        }
      }
      if (!done) {
        if (length > 0) sent.trim(ack);
        break;
      }
      sent.shift();
    }
    // Karn's rule (RFC 6298 §3): if one of the segments was retransmitted, the time since the others were sent is no round trip.
    if (retransmittedAt < 0) {
      if (sampleAt >= 0) sampleSent(tcb, sampleAt);
    } else if (echo !== undefined && ((echo - ((Math.floor(retransmittedAt) + tcb.tsOffset) | 0)) | 0) >= 0) {
      // RFC 7323 §4: the echo shows that the last transmission arrived. An older echo may come from an acknowledgement that was lost, and
      // would count the whole timeout as a round trip.
      sampleEcho(tcb, echo);
    }
    if (sent.count === 0) {
      tcb.sent = undefined;
      host.spareQueues.give(sent);
    }
  }
  if (tcb.sackedCount > 0 || tcb.lostCount > 0 || tcb.phase !== Phase.Open) tcb.rackPending = true;
  const buffer = tcb.sendBuffer;
  if (buffer !== undefined) {
    buffer.release(ack);
    const left = Math.max(0, (buffer.end - ack) | 0);
    host.limits.held(tcb, left - tcb.queuedBytes);
    tcb.queuedBytes = left;
  }
  // Eifel (RFC 3522): the acknowledgement of this episode's first segment echoes a time before its first retransmission.
  if (tcb.eifelArmed) {
    tcb.eifelArmed = false;
    if (tcb.undoRetransmits > 0 && echo !== undefined && echo !== 0 && ((echo - tcb.retransmitStamp) | 0) < 0)
      undo(tcb);
  }
}

/**
 * Samples the round trip of a segment that was sent once. During loss recovery, a round trip longer than the timeout indicates a lost
 * acknowledgement rather than a slow path. If the path did become that slow, the echo of an unnecessary retransmission will show it.
 */
function sampleSent(tcb: Tcb, sentAt: number): void {
  const rtt = tcb.host.now - sentAt;
  if (tcb.tsOk && tcb.phase !== Phase.Open && rtt > tcb.rtt.rto) return;
  tcb.rtt.sample(rtt, tcb.host.now);
}

function sampleEcho(tcb: Tcb, echo: number): void {
  const rtt = (timestamp(tcb) - echo) | 0;
  if (rtt >= 0 && rtt < 120_000) tcb.rtt.sample(rtt, tcb.host.now);
}

/** Processes the SACK blocks of an acceptable acknowledgement (RFC 2018, RFC 2883). */
export function selectiveAcknowledge(tcb: Tcb, ack: number, options: TcpSegmentOptions): void {
  const sack = options.sack;
  const count = options.sackCount;
  let first = 0;
  const s0 = sack[0]!;
  const e0 = sack[1]!;
  if (seqLt(s0, e0) && (seqLe(e0, ack) || (count > 1 && seqGe(s0, sack[2]!) && seqLe(e0, sack[3]!)))) {
    first = 1;
    duplicateReported(tcb, s0, e0);
  }
  const sent = tcb.sent;
  if (sent === undefined) return;
  const echo = options.hasTimestamps ? options.tsecr : undefined;
  const seen = (tcb.sackSeen ??= new Int32Array(8));
  // In ascending order, so that the order of the blocks does not look like reordering (RFC 8985 §6.2 step 3).
  let done = tcb.sndUna;
  for (let turn = first; turn < count; turn++) {
    let next = -1;
    for (let b = first; b < count; b++) {
      const start = sack[2 * b]!;
      if (seqGt(start, done) && (next < 0 || seqLt(start, sack[2 * next]!))) next = b;
    }
    if (next < 0) break;
    let start = sack[2 * next]!;
    let end = sack[2 * next + 1]!;
    done = start;
    // Without use: empty, already acknowledged, or for bytes that were never sent.
    if (!seqLt(start, end) || seqLe(start, tcb.sndUna) || seqGt(end, tcb.sndNxt)) continue;
    for (let i = 0; i < 8; i += 2) {
      if (seen[i] === start && seqLe(seen[i + 1]!, end)) start = seen[i + 1]!;
      else if (seen[i + 1] === end && seqGe(seen[i]!, start)) end = seen[i]!;
    }
    if (seqLt(start, end)) markDelivered(tcb, sent, start, end, echo);
  }
  // One sample per acknowledgement, since many would flatten the variance (RFC 7323 appendix G).
  if (sackedSentAt >= 0) {
    sampleSent(tcb, sackedSentAt);
    sackedSentAt = -1;
  }
  seen.fill(0);
  for (let i = 0; i < 2 * count; i++) seen[i] = sack[i]!;
  if (first === 1) seen[0] = seen[1] = 0;
}

/** Time at which the newest segment was sent that the current acknowledgement sacked; -1 = none that gives a round trip. */
let sackedSentAt = -1;

function markDelivered(tcb: Tcb, sent: SentQueue, start: number, end: number, echo: number | undefined): void {
  let i = sent.find(start);
  // A segment that is delivered in part counts as not delivered.
  if (i < sent.count && seqLt(sent.start(i), start)) i++;
  for (i = sent.nextUnsacked(i); i < sent.count; i = sent.nextUnsacked(i + 1)) {
    const segmentEnd = sent.end(i);
    if (seqGt(segmentEnd, end)) break;
    const flags = sent.flags(i);
    const length = (segmentEnd - sent.start(i)) | 0;
    if ((flags & (LOST | RETRANSMITTED)) === LOST) tcb.lostCount--;
    else tcb.inFlight -= length;
    sent.setFlags(i, (flags | SACKED) & ~(LOST | RETRANSMITTED));
    tcb.sackedCount++;
    tcb.newlyDelivered += length;
    const sentAt = sent.time(i);
    if ((flags & EVER_RETRANSMITTED) === 0) sackedSentAt = sentAt;
    rackUpdate(tcb, sentAt, segmentEnd, flags, echo);
    tcb.ackPending = true;
    tcb.rackPending = true;
    tcb.silentSince = -1;
  }
}

/** Processes a report that the peer received [start, end) twice. */
function duplicateReported(tcb: Tcb, start: number, end: number): void {
  tcb.host.counters.tcpDsacksIn++;
  // Only what was sent recently is plausible.
  if (((tcb.sndUna - start) | 0) > Math.max(tcb.maxSndWnd, 65_535) || seqGt(end, tcb.sndNxt)) return;
  tcb.dsackSeen = true;
  tcb.ackPending = true;
  if (tcb.tlpOut && tcb.tlpRetransmit && end === tcb.tlpEnd) tcb.tlpOut = false;
  if (tcb.undoRetransmits > 0 && seqGe(start, tcb.undoSeq) && --tcb.undoRetransmits === 0) undo(tcb);
}

/** RFC 8985 §6.2 step 4. */
function reorderWindow(tcb: Tcb): number {
  if (tcb.dsackSeen) {
    tcb.dsackSeen = false;
    if (seqGe(tcb.sndUna, tcb.reoRoundEnd)) {
      tcb.reoRoundEnd = tcb.sndNxt;
      tcb.reoWndMult++;
      tcb.reoWndPersist = REO_WND_PERSIST;
    }
  }
  if (!tcb.reordering && (tcb.phase !== Phase.Open || tcb.sackedCount >= DUP_THRESHOLD)) return 0;
  const min = tcb.rtt.min === Infinity ? 0 : tcb.rtt.min;
  return Math.min((tcb.reoWndMult * min) / 4, tcb.rtt.srtt);
}

/** Marks segment `i` as lost. */
function lose(tcb: Tcb, sent: SentQueue, i: number): void {
  const flags = sent.flags(i);
  tcb.inFlight -= (sent.end(i) - sent.start(i)) | 0;
  tcb.lostCount++;
  sent.setFlags(i, (flags | LOST) & ~RETRANSMITTED);
}

/** RFC 8985 §6.2 step 5. True if another segment was found lost. */
function detectLosses(tcb: Tcb): boolean {
  tcb.rackPending = false;
  tcb.reorderAt = Infinity;
  const sent = tcb.sent;
  if (sent === undefined || tcb.rackTime === -Infinity) return false;
  const now = tcb.host.now;
  const allowance = tcb.rackRtt + reorderWindow(tcb);
  let wait = 0;
  let found = false;
  for (let i = sent.nextUnsacked(0); i < sent.count; i = sent.nextUnsacked(i + 1)) {
    const flags = sent.flags(i);
    const sentAt = sent.time(i);
    const end = sent.end(i);
    const after = tcb.rackTime > sentAt || (tcb.rackTime === sentAt && seqGt(tcb.rackEnd, end));
    if (!after) {
      // First transmissions are in order of time: no later one in the queue was sent earlier.
      if ((flags & EVER_RETRANSMITTED) === 0) break;
      continue;
    }
    if ((flags & (LOST | RETRANSMITTED)) === LOST) continue;
    const remaining = sentAt + allowance - now;
    if (remaining <= 0.001) {
      lose(tcb, sent, i);
      found = true;
    } else if (remaining > wait) {
      wait = remaining;
    }
  }
  if (wait > 0) tcb.reorderAt = now + wait;
  return found;
}

/** For a peer without SACK: RFC 5681 §3.2, RFC 6582. */
function detectByDuplicates(tcb: Tcb, advanced: boolean): boolean {
  const sent = tcb.sent;
  if (sent === undefined) return false;
  const headLost = (sent.flags(0) & (LOST | RETRANSMITTED)) !== 0;
  if (tcb.phase === Phase.Open) {
    if (tcb.dupAcks < DUP_THRESHOLD || headLost || seqLt(tcb.sndUna, tcb.recoverSeq)) return false;
  } else if (tcb.phase === Phase.Loss || !advanced || headLost || seqGe(tcb.sndUna, tcb.recoverSeq)) {
    return false;
  }
  lose(tcb, sent, 0);
  return true;
}

function enterRecovery(tcb: Tcb): void {
  const cc = tcb.cc!;
  const flight = (tcb.sndNxt - tcb.sndUna) | 0;
  tcb.phase = Phase.Recovery;
  tcb.recoverSeq = tcb.sndNxt;
  tcb.recoverFlight = flight;
  tcb.prrDelivered = 0;
  tcb.prrOut = 0;
  tcb.undoRetransmits = 0;
  tcb.undoSeq = tcb.sndUna;
  tcb.eifelArmed = false;
  tcb.host.counters.tcpFastRecoveries++;
  cc.onCongestion(flight, tcb.host.now);
}

/** Proportional rate reduction (RFC 6937, with the safe bound of draft-ietf-tcpm-prr-rfc6937bis). */
function proportionalReduction(tcb: Tcb, delivered: number, safe: boolean): void {
  const cc = tcb.cc!;
  const inPipe = pipe(tcb);
  tcb.prrDelivered += delivered;
  let room: number;
  if (inPipe > cc.ssthresh) {
    room = Math.ceil((tcb.prrDelivered * cc.ssthresh) / Math.max(1, tcb.recoverFlight)) - tcb.prrOut;
  } else {
    let limit = Math.max(tcb.prrDelivered - tcb.prrOut, delivered);
    if (safe) limit += tcb.mss;
    room = Math.min(cc.ssthresh - inPipe, limit);
  }
  // The first retransmission is always sent; without SACK, so is the one that a partial acknowledgement calls for (RFC 6582 §3.2).
  if (tcb.prrOut === 0 || (!tcb.sackOk && tcb.lostCount > 0)) room = Math.max(room, tcb.mss);
  cc.cwnd = Math.max(tcb.mss, inPipe + Math.max(0, room));
}

/** The reduction was unnecessary: marks segments that were considered lost as in flight again, and restores the windows. */
function undo(tcb: Tcb): void {
  tcb.host.counters.tcpUndos++;
  tcb.undoRetransmits = -1;
  tcb.cc!.undo();
  const sent = tcb.sent;
  if (sent !== undefined && tcb.lostCount > 0) {
    for (let i = 0; i < sent.count; i++) {
      const flags = sent.flags(i);
      if ((flags & (LOST | RETRANSMITTED)) === LOST) {
        tcb.inFlight += (sent.end(i) - sent.start(i)) | 0;
        tcb.lostCount--;
        sent.setFlags(i, flags & ~LOST);
      }
    }
  }
  tcb.phase = Phase.Open;
  tcb.reordering = true;
}

/** Evaluates a batch of acknowledgements: losses, recovery, congestion window. */
export function settle(tcb: Tcb): void {
  if (!tcb.ackPending) return;
  const cc = tcb.cc!;
  const now = tcb.host.now;
  const acked = tcb.newlyAcked;
  const delivered = tcb.newlyDelivered;
  tcb.newlyAcked = 0;
  tcb.newlyDelivered = 0;
  tcb.ackPending = false;

  // RFC 8985 §7.4: the probe repaired a loss unless a duplicate is reported.
  if (tcb.tlpOut && seqGe(tcb.sndUna, tcb.tlpEnd)) {
    if (!tcb.tlpRetransmit) {
      tcb.tlpOut = false;
    } else if (seqGt(tcb.sndUna, tcb.tlpEnd)) {
      tcb.tlpOut = false;
      if (tcb.phase === Phase.Open) {
        cc.onCongestion(cc.cwnd, now);
        cc.cwnd = cc.ssthresh;
      }
    } else if (acked === 0) {
      tcb.tlpOut = false;
    }
  }

  if (!tcb.sackOk) {
    if (acked > 0) tcb.renoSacked = Math.max(0, tcb.renoSacked - Math.max(0, acked - tcb.mss));
    if (tcb.renoSacked > tcb.inFlight) tcb.renoSacked = tcb.inFlight;
  }
  if (tcb.phase !== Phase.Open && seqGe(tcb.sndUna, tcb.recoverSeq)) {
    if (tcb.phase === Phase.Recovery) cc.cwnd = Math.max(cc.ssthresh, 2 * tcb.mss);
    tcb.phase = Phase.Open;
    tcb.renoSacked = 0;
    if (tcb.reoWndPersist > 0 && --tcb.reoWndPersist === 0) tcb.reoWndMult = 1;
  }
  let found = false;
  if (tcb.sackOk) {
    if (tcb.rackPending) found = detectLosses(tcb);
  } else {
    found = detectByDuplicates(tcb, acked > 0);
  }
  if (found && tcb.phase === Phase.Open) enterRecovery(tcb);
  if (tcb.phase === Phase.Recovery) {
    proportionalReduction(tcb, tcb.sackOk ? delivered : delivered || tcb.mss, acked > 0 && !found);
  } else if (acked > 0 && (tcb.cwndLimited || tcb.phase === Phase.Loss)) {
    cc.onAck(acked, now, tcb.rtt.srtt);
  }
}

/** The reordering timer (RFC 8985 §6.3). */
export function onReorderTimer(tcb: Tcb): void {
  if (detectLosses(tcb)) {
    if (tcb.phase === Phase.Open) enterRecovery(tcb);
    if (tcb.phase === Phase.Recovery) proportionalReduction(tcb, 0, false);
  }
}

/** The retransmission timer (RFC 6298 §5.4 ff., RFC 8985 §6.3, RFC 5681 §3.1). */
export function onRetransmitTimeout(tcb: Tcb): void {
  const sent = tcb.sent!;
  const cc = tcb.cc!;
  const host = tcb.host;
  host.counters.tcpRetransmitTimeouts++;
  const repeated = tcb.phase === Phase.Loss && tcb.backoff > 1;
  cc.onTimeout((tcb.sndNxt - tcb.sndUna) | 0, host.now, repeated);
  if (sent.flags(0) & SACKED) {
    // The peer dropped data that it had selectively acknowledged (RFC 2018 §8).
    host.counters.tcpReneged++;
    for (let i = 0; i < sent.count; i++) {
      const flags = sent.flags(i);
      if (flags & SACKED) tcb.inFlight += (sent.end(i) - sent.start(i)) | 0;
    }
    sent.clearSacked();
    tcb.sackedCount = 0;
    tcb.sackSeen = undefined;
  }
  loseUnanswered(tcb, sent);
  if (!repeated) {
    tcb.undoRetransmits = 0;
    tcb.undoSeq = tcb.sndUna;
    tcb.eifelArmed = false;
  }
  tcb.phase = Phase.Loss;
  tcb.recoverSeq = tcb.sndNxt;
  tcb.tlpOut = false;
}

/** Marks the first segment as lost, and all segments that should have been acknowledged by now. */
function loseUnanswered(tcb: Tcb, sent: SentQueue): void {
  const allowance = tcb.sackOk ? tcb.rackRtt + reorderWindow(tcb) : 0;
  for (let i = 0; i < sent.count; i++) {
    const flags = sent.flags(i);
    if (flags & SACKED || (flags & (LOST | RETRANSMITTED)) === LOST) continue;
    if (i === 0 || sent.time(i) + allowance <= tcb.host.now) lose(tcb, sent, i);
  }
  tcb.renoSacked = 0;
  tcb.dupAcks = 0;
}

/**
 * Marks segments that timeouts found lost as lost on the old path, including their last retransmission. Like a timeout, but congestion
 * window and threshold are unchanged, since the loss carries no information about the new path.
 */
export function loseOnOldPath(tcb: Tcb): void {
  loseUnanswered(tcb, tcb.sent!);
  tcb.recoverSeq = tcb.sndNxt;
  tcb.tlpOut = false;
}

/** Sends segments again that are too large for a smaller MTU, without reducing the congestion window (RFC 8899 §3, RFC 1191 §6.5). */
export function loseOversized(tcb: Tcb): void {
  const sent = tcb.sent;
  if (sent === undefined) return;
  for (let i = 0; i < sent.count; i++) {
    const flags = sent.flags(i);
    if (flags & SACKED || (flags & (LOST | RETRANSMITTED)) === LOST) continue;
    if (((sent.end(i) - sent.start(i)) | 0) > tcb.mss) lose(tcb, sent, i);
  }
}

/** The first segment was refused by a closed window and is now due. */
export function loseHead(tcb: Tcb): void {
  const sent = tcb.sent;
  if (sent === undefined || sent.count === 0) return;
  const flags = sent.flags(0);
  if ((flags & SACKED) === 0 && (flags & (LOST | RETRANSMITTED)) !== LOST) lose(tcb, sent, 0);
}
