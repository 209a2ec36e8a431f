import type { Buffer } from 'node:buffer';
import { CHALLENGE_ACK_INTERVAL, PAWS_STALE } from '../core/constants.ts';
import { TcpState } from '../core/types.ts';
import { sendAck, sendSegment } from './emit.ts';
import { abort, awaitFin, closeTcb, enterTimeWait, established, negotiate } from './lifecycle.ts';
import { acknowledge, loseHead, selectiveAcknowledge } from './loss-recovery.ts';
import { receiveText, sampleReceiverRtt } from './receive.ts';
import { ACK, FIN, RST, SYN, seqGe, seqGt, seqLe, seqLt } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import { TcpSegmentOptions } from './tcp-options.ts';
import { TcpEvent } from './tcp-state.ts';
import { sendSyn } from './timers.ts';

/** The fields of a TCP header; one object is reused for all segments. */
export class Segment {
  /** Offsets in the packet's buffer. */
  header = 0;
  text = 0;
  length = 0;
  flags = 0;
  seq = 0;
  ack = 0;
  window = 0;
}

const options = new TcpSegmentOptions();

/** What the stack should do with a segment after the connection has processed it. */
export const Verdict = {
  Done: 0,
  /** TIME-WAIT has ended early: treat the SYN as one for a new connection (RFC 6191, RFC 9293 §3.6.1). */
  NewConnection: 1,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Length of the segment's options, in the buffer before its text. */
function parse(buffer: Buffer, segment: Segment): void {
  options.parse(buffer, segment.header + 20, segment.text);
}

/** Processes a segment of an existing connection (RFC 9293 §3.10.7). The checksum has been verified. */
export function segmentArrives(tcb: Tcb, buffer: Buffer, segment: Segment): Verdict {
  tcb.segmentsIn++;
  switch (tcb.state) {
    case TcpState.Closed:
      tcb.host.counters.dropTcpClosed++;
      return Verdict.Done;
    case TcpState.Listen:
      pending(tcb, segment);
      return Verdict.Done;
    case TcpState.SynSent:
      synSent(tcb, buffer, segment);
      return Verdict.Done;
    case TcpState.TimeWait:
      return timeWait(tcb, buffer, segment);
    default:
      synchronized(tcb, buffer, segment);
      return Verdict.Done;
  }
}

/** The application has not decided yet: a repeated SYN has no effect, an RST withdraws the request. */
function pending(tcb: Tcb, segment: Segment): void {
  if (segment.flags & RST && (segment.seq === tcb.rcvNxt || segment.seq === tcb.irs)) {
    tcb.host.counters.tcpResetsIn++;
    closeTcb(tcb, TcpEvent.Abort, 'reset-by-peer');
    return;
  }
  tcb.host.counters.dropTcpPending++;
}

/** RFC 9293 §3.10.7.3. */
function synSent(tcb: Tcb, buffer: Buffer, segment: Segment): void {
  const { host } = tcb;
  const { flags, ack } = segment;
  if (flags & ACK && (seqLe(ack, tcb.iss) || seqGt(ack, tcb.sndNxt))) {
    host.counters.dropTcpAck++;
    if ((flags & RST) === 0) sendSegment(tcb, ack, 0, RST, 0, 0, 0);
    return;
  }
  if (flags & RST) {
    if ((flags & ACK) === 0) {
      host.counters.dropTcpRst++;
      return;
    }
    host.counters.tcpResetsIn++;
    closeTcb(tcb, TcpEvent.Abort, 'refused');
    return;
  }
  if ((flags & SYN) === 0) {
    host.counters.dropTcpFlags++;
    return;
  }
  options.parseSyn(buffer, segment.header + 20, segment.text);
  tcb.irs = segment.seq;
  tcb.rcvNxt = (segment.seq + 1) | 0;
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.rcvAdv = (tcb.rcvNxt + Math.min(0xffff, tcb.rcvBuf)) | 0;
  negotiate(tcb, options);
  setWindow(tcb, segment, segment.window);
  if (flags & ACK) {
    tcb.sndUna = ack;
    tcb.advance(TcpEvent.SynAck);
    established(tcb);
    // Send the ACK alone: a first data segment may be too large for the path, and the peer would not open the connection.
    sendAck(tcb);
  } else {
    // Simultaneous open.
    tcb.advance(TcpEvent.Syn);
    tcb.synTries = 0;
    sendSyn(tcb);
  }
}

/** RFC 9293 §3.10.7.4 for TIME-WAIT; a new SYN may end it early (RFC 6191). */
function timeWait(tcb: Tcb, buffer: Buffer, segment: Segment): Verdict {
  const { host } = tcb;
  const { flags, seq } = segment;
  if (flags & RST) {
    // RFC 1337: an old RST must not end TIME-WAIT.
    host.counters.dropTcpRst++;
    return Verdict.Done;
  }
  if (flags & SYN && (flags & ACK) === 0) {
    parse(buffer, segment);
    const newer =
      tcb.tsOk && options.hasTimestamps
        ? ((options.tsval - tcb.tsRecent) | 0) > 0 || (options.tsval === tcb.tsRecent && seqGt(seq, tcb.rcvNxt))
        : seqGt(seq, tcb.rcvNxt);
    if (newer) {
      host.counters.tcpTimeWaitReuses++;
      closeTcb(tcb, TcpEvent.Expire, 'closed');
      return Verdict.NewConnection;
    }
  }
  if (flags & FIN && ((seq + segment.length + 1) | 0) === tcb.rcvNxt) tcb.lifeTimerAt = host.now + host.tcp.timeWait;
  if (segment.length > 0 || flags & (FIN | SYN) || seq !== tcb.rcvNxt) answerUnacceptable(tcb, segment);
  return Verdict.Done;
}

/** Rate-limited by RFC 5961 §7, since a spoofed segment can cause these answers. */
function challenge(tcb: Tcb): void {
  const { host } = tcb;
  if (host.now - tcb.challengeAt < CHALLENGE_ACK_INTERVAL) return;
  tcb.challengeAt = host.now;
  host.counters.tcpChallengeAcks++;
  sendAck(tcb);
}

/**
 * Acknowledges a segment that is not acceptable. Answers to segments without data are rate-limited, or two ends that disagree would never
 * stop.
 */
function answerUnacceptable(tcb: Tcb, segment: Segment): void {
  const { host } = tcb;
  if (segment.length === 0 && (segment.flags & FIN) === 0) {
    if (host.now - tcb.outOfWindowAckAt < CHALLENGE_ACK_INTERVAL / 5) return;
    tcb.outOfWindowAckAt = host.now;
    sendAck(tcb);
    return;
  }
  tcb.ackNow = true;
  host.markDirty(tcb);
  if (tcb.state === TcpState.TimeWait) sendAck(tcb);
}

function setWindow(tcb: Tcb, segment: Segment, window: number): void {
  tcb.sndWnd = window;
  tcb.sndWl1 = segment.seq;
  tcb.sndWl2 = segment.ack;
  if (window > tcb.maxSndWnd) tcb.maxSndWnd = window;
}

/** First check: does the segment touch the window? (RFC 9293 §3.10.7.4) */
function acceptable(tcb: Tcb, segment: Segment, span: number): boolean {
  const { seq } = segment;
  const next = tcb.rcvNxt;
  const edge = tcb.rcvAdv;
  if (edge === next) {
    // Zero window: text is cut off later, but valid acknowledgements must be accepted, including those on a probe and those behind it.
    return seq === next || (span === 0 && seq === ((next + 1) | 0));
  }
  if (span === 0) {
    // The right edge itself counts: a peer that has filled the window acknowledges from there.
    return seqGe(seq, next) && seqLe(seq, edge);
  }
  const last = (seq + span - 1) | 0;
  return (seqGe(seq, next) && seqLt(seq, edge)) || (seqGe(last, next) && seqLt(last, edge));
}

/** Processes segments in SYN-RECEIVED and later states. */
function synchronized(tcb: Tcb, buffer: Buffer, segment: Segment): void {
  const { host } = tcb;
  const { counters } = host;
  const { flags, ack, length } = segment;

  options.parse(buffer, segment.header + 20, segment.text);

  if (flags & SYN && tcb.state === TcpState.SynReceived && segment.seq === tcb.irs && (flags & RST) === 0) {
    if ((flags & ACK) === 0 || ack !== tcb.sndNxt) {
      // Our SYN-ACK was lost, or, in a simultaneous open, the peer's is still to come.
      if (tcb.passive && host.now - tcb.lastSendAt >= 50) {
        const tries = tcb.synTries;
        const at = tcb.sendTimerAt;
        sendSyn(tcb);
        tcb.synTries = Math.max(tries, 2);
        tcb.sendTimerAt = at;
      }
      return;
    }
    // Figure 8 of RFC 9293: the SYN of a simultaneous open comes again with the ACK.
    segment.seq = (segment.seq + 1) | 0;
    segment.flags = flags & ~SYN;
    afterSequence(tcb, buffer, segment);
    return;
  }

  // PAWS (RFC 7323 §5.3 R1).
  if (tcb.tsOk && (flags & RST) === 0) {
    if (!options.hasTimestamps) {
      // RFC 7323 §3.2.
      counters.dropTcpNoTimestamp++;
      return;
    }
    if (((options.tsval - tcb.tsRecent) | 0) < 0 && host.now - tcb.tsRecentAt < PAWS_STALE) {
      counters.dropTcpPaws++;
      answerUnacceptable(tcb, segment);
      return;
    }
  }

  const span = length + (flags & FIN ? 1 : 0) + (flags & SYN ? 1 : 0);
  if (!acceptable(tcb, segment, span)) {
    if (flags & RST) {
      counters.dropTcpRst++;
      return;
    }
    counters.dropTcpWindow++;
    if (flags & SYN) {
      challenge(tcb);
      return;
    }
    if (length > 0 && seqLe((segment.seq + length) | 0, tcb.rcvNxt)) {
      counters.tcpDuplicates++;
      tcb.dsackStart = segment.seq;
      tcb.dsackEnd = (segment.seq + length) | 0;
    }
    answerUnacceptable(tcb, segment);
    return;
  }
  afterSequence(tcb, buffer, segment);
}

function afterSequence(tcb: Tcb, buffer: Buffer, segment: Segment): void {
  const { host } = tcb;
  const { counters } = host;
  const { flags, seq, ack, length } = segment;

  if (flags & RST) {
    // RFC 5961 §3.2: RST takes effect only at the exact sequence number; elsewhere in the window it gets a challenge ACK.
    if (seq !== tcb.rcvNxt) {
      challenge(tcb);
      return;
    }
    counters.tcpResetsIn++;
    closeTcb(tcb, TcpEvent.Abort, tcb.state === TcpState.SynReceived && !tcb.passive ? 'refused' : 'reset-by-peer');
    return;
  }
  if (flags & SYN) {
    // RFC 5961 §4.2.
    challenge(tcb);
    return;
  }
  if ((flags & ACK) === 0) {
    counters.dropTcpFlags++;
    return;
  }

  if (tcb.state === TcpState.SynReceived) {
    if (seqLe(ack, tcb.sndUna) || seqGt(ack, tcb.sndNxt)) {
      counters.dropTcpAck++;
      sendSegment(tcb, ack, 0, RST, 0, 0, 0);
      return;
    }
    tcb.sndUna = (tcb.iss + 1) | 0;
    setWindow(tcb, segment, segment.window << tcb.sndScale);
    tcb.advance(TcpEvent.AckOfSyn);
    established(tcb);
  }

  // RFC 5961 §5.2.
  if (seqGt(ack, tcb.sndNxt) || ((tcb.sndUna - ack) | 0) > Math.max(tcb.maxSndWnd, 65_535)) {
    counters.dropTcpAck++;
    challenge(tcb);
    return;
  }

  tcb.lastHeardAt = host.now;
  if (tcb.tsOk && options.hasTimestamps) {
    // RFC 7323 §4.3 (2).
    if (((options.tsval - tcb.tsRecent) | 0) >= 0 && seqLe(seq, tcb.lastAckSent)) {
      tcb.tsRecent = options.tsval;
      tcb.tsRecentAt = host.now;
    }
    if (length > 0) sampleReceiverRtt(tcb, options.tsecr);
  }

  processAck(tcb, segment);
  // The acknowledgement may have covered the FIN, and closed the connection.
  if (tcb.state === TcpState.Closed || tcb.state === TcpState.TimeWait) return;

  if (length > 0 || flags & FIN) {
    switch (tcb.state) {
      case TcpState.Established:
      case TcpState.FinWait1:
      case TcpState.FinWait2: {
        if (tcb.closeReason !== undefined) break;
        if (tcb.orphaned && length > 0 && seqGt((seq + length) | 0, tcb.rcvNxt)) {
          tcb.discards -= length;
          if (tcb.discards < 0) {
            // RFC 1122 §4.2.2.13, RFC 2525 §2.17: tell the sender that nobody reads.
            abort(tcb, 'reset-local');
            return;
          }
        }
        receiveText(tcb, buffer, segment.text, length, seq, (flags & FIN) !== 0);
        // Read the state again: a FIN may have changed it.
        if ((tcb.state as TcpState) === TcpState.TimeWait) enterTimeWait(tcb);
        break;
      }
      default:
        // The peer has already sent FIN, so nothing can follow.
        tcb.ackNow = true;
    }
  }
  host.markDirty(tcb);
}

/** Fifth: the ACK field, including SACK and the send window. */
function processAck(tcb: Tcb, segment: Segment): void {
  const { host } = tcb;
  const { seq, ack } = segment;
  const advances = seqGt(ack, tcb.sndUna);
  const before = tcb.sndWnd;
  // An acknowledgement that advances sets the window, even on an old segment that was sent again: the former window, counted from the new
  // acknowledgement, would reach further than the peer ever granted. As in Linux; RFC 9293 §3.10.7.4 uses only WL1 and WL2.
  if (advances || seqLt(tcb.sndWl1, seq) || (tcb.sndWl1 === seq && seqLe(tcb.sndWl2, ack))) {
    const window = segment.window << tcb.sndScale;
    if (window === 0 && before > 0) tcb.zeroWindows++;
    setWindow(tcb, segment, window);
    if (before === 0 && window > 0) {
      if (tcb.probing && ack === tcb.sndUna) loseHead(tcb);
      tcb.probing = false;
      tcb.backoff = 0;
      tcb.timerRestart = true;
    }
  }
  if (tcb.sndWnd === 0 && tcb.silentSince >= 0) tcb.silentSince = host.now;

  // Process the cumulative acknowledgement first, then SACK: RACK detects reordering from the order.
  if (advances) acknowledge(tcb, ack, options);
  if (tcb.sackOk && options.sackCount > 0) selectiveAcknowledge(tcb, ack, options);
  if (advances) {
    if (tcb.finSent && ack === tcb.sndNxt) finAcknowledged(tcb);
  } else if (
    ack === tcb.sndUna &&
    !tcb.sackOk &&
    segment.length === 0 &&
    (segment.flags & FIN) === 0 &&
    tcb.sent !== undefined &&
    tcb.sndWnd === before &&
    tcb.sndWnd > 0
  ) {
    // RFC 5681 §2: a duplicate acknowledgement.
    tcb.dupAcks++;
    if (tcb.renoSacked < tcb.inFlight - tcb.mss) tcb.renoSacked += tcb.mss;
    tcb.ackPending = true;
  } else if (ack === tcb.sndUna && tcb.tlpOut && ack === tcb.tlpEnd) {
    tcb.ackPending = true;
  }
}

function finAcknowledged(tcb: Tcb): void {
  tcb.advance(TcpEvent.AckOfFin);
  if (tcb.state === TcpState.TimeWait) enterTimeWait(tcb);
  else if (tcb.state === TcpState.FinWait2 && tcb.orphaned) awaitFin(tcb);
  else if (tcb.state === TcpState.Closed) closeTcb(tcb, TcpEvent.AckOfFin, 'closed');
}
