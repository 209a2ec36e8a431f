import {
  DEFAULT_MSS_V4,
  DEFAULT_MSS_V6,
  FIN_TIMEOUT,
  MIN_SEGMENT,
  MIN_SEND_MSS,
  RTO_AFTER_SYN_LOSS,
} from '../core/constants.ts';
import { type TcpCloseReason, TcpState } from '../core/types.ts';
import { Cubic } from './congestion/cubic.ts';
import { NewReno } from './congestion/newreno.ts';
import { sendReset } from './emit.ts';
import { loseOversized } from './loss-recovery.ts';
import { discardOutOfOrder, discardReceived } from './receive.ts';
import { SendTimer, type Tcb } from './tcb.ts';
import { type TcpSegmentOptions, TIMESTAMP_BYTES } from './tcp-options.ts';
import { TcpEvent } from './tcp-state.ts';
import { initialWindow } from './transmit.ts';

/** Start and end of connections: what the handshake negotiates, and when resources are released. */

/** Applies the options of the peer's SYN. `passive`: our SYN-ACK may contain only options that the SYN offered. */
export function negotiate(tcb: Tcb, options: TcpSegmentOptions): void {
  const { host } = tcb;
  tcb.peerMss = options.mss || (tcb.family === 4 ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6);
  tcb.sackOk = options.sackPermitted && host.tcp.sack;
  tcb.tsOk = options.hasTimestamps && host.tcp.timestamps;
  if (tcb.tsOk) {
    tcb.tsRecent = options.tsval;
    tcb.tsRecentAt = host.now;
  }
  tcb.scaleOk = options.windowScale >= 0 && host.tcp.windowScaling;
  if (tcb.scaleOk) {
    tcb.sndScale = options.windowScale;
  } else {
    tcb.sndScale = 0;
    tcb.rcvScale = 0;
  }
  updateMss(tcb);
}

/** The receive scale with which the window field can express the largest buffer. */
export function wantedScale(receiveBuffer: number): number {
  let scale = 0;
  while (scale < 14 && 0xffff << scale < receiveBuffer) scale++;
  return scale;
}

/** Segment size from the peer's MSS and the path MTU (RFC 9293 §3.7.1). */
export function updateMss(tcb: Tcb): void {
  const options = tcb.tsOk ? TIMESTAMP_BYTES : 0;
  const most = Math.min(Math.max(tcb.peerMss, MIN_SEND_MSS), tcb.mtu - tcb.headerLength - 20);
  tcb.mss = Math.max(most - options, MIN_SEGMENT);
  if (tcb.cc !== undefined) {
    tcb.cc.mss = tcb.mss;
    loseOversized(tcb);
  }
}

/** The handshake is complete. */
export function established(tcb: Tcb): void {
  const { host } = tcb;
  const window = initialWindow(tcb.mss);
  tcb.cc = host.tcp.congestion === 'cubic' ? new Cubic(window, tcb.mss) : new NewReno(window, tcb.mss);
  if (tcb.synTries > 1) {
    // RFC 6298 §5.7, RFC 5681 §3.1.
    tcb.rtt.expectAtLeast(RTO_AFTER_SYN_LOSS);
    tcb.cc.cwnd = tcb.mss;
  } else {
    tcb.rtt.sample(host.now - tcb.lastSendAt, host.now);
  }
  tcb.lastSendAt = host.now;
  tcb.backoff = 0;
  tcb.silentSince = -1;
  tcb.recoverSeq = tcb.sndUna;
  tcb.rackFack = tcb.sndUna;
  tcb.reoRoundEnd = tcb.sndUna;
  tcb.smallEnd = tcb.sndUna;
  tcb.drsAt = host.now;
  tcb.sendTimer = SendTimer.None;
  tcb.sendTimerAt = Infinity;
  tcb.rtoAt = Infinity;
  tcb.lifeTimerAt = host.tcp.keepAlive > 0 ? host.now + host.tcp.keepAlive : Infinity;
  tcb.lastHeardAt = host.now;
  host.counters.tcpEstablished++;
  host.markDirty(tcb);
}

function freeSendSide(tcb: Tcb): void {
  const { host } = tcb;
  if (tcb.sent !== undefined) {
    host.spareQueues.give(tcb.sent);
    tcb.sent = undefined;
  }
  host.limits.held(tcb, -tcb.queuedBytes);
  tcb.queuedBytes = 0;
  tcb.sendBuffer = undefined;
  tcb.inFlight = 0;
  tcb.lostCount = 0;
  tcb.sackedCount = 0;
  tcb.blocked = false;
  tcb.sendTimer = SendTimer.None;
  tcb.sendTimerAt = Infinity;
  tcb.sackSeen = undefined;
}

/** Everything was sent and acknowledged, and the application no longer waits for the peer's FIN: limits the wait for it. */
export function awaitFin(tcb: Tcb): void {
  tcb.lifeTimerAt = tcb.host.now + FIN_TIMEOUT;
  tcb.host.schedule(tcb);
}

/** The connection has just entered TIME-WAIT: for the application it is closed. */
export function enterTimeWait(tcb: Tcb): void {
  freeSendSide(tcb);
  discardOutOfOrder(tcb);
  tcb.lifeTimerAt = tcb.host.now + tcb.host.tcp.timeWait;
  tcb.closeReason ??= 'closed';
  tcb.host.markDirty(tcb);
  tcb.host.schedule(tcb);
}

/** The connection is now CLOSED: removes it from the table and frees its memory. The next flush reports it to the application. */
export function closeTcb(tcb: Tcb, event: TcpEvent, reason: TcpCloseReason): void {
  if (tcb.state === TcpState.Closed && tcb.closeReason !== undefined) return;
  tcb.advance(event);
  freeSendSide(tcb);
  discardOutOfOrder(tcb);
  // No application may ever have taken the connection.
  if (tcb.owner === undefined) discardReceived(tcb);
  tcb.ackTimerAt = Infinity;
  tcb.moreAt = Infinity;
  tcb.lifeTimerAt = Infinity;
  tcb.closeReason ??= reason;
  tcb.host.released(tcb);
  tcb.host.markDirty(tcb);
}

/** Sends RST in the states where the peer may consider the connection open, and closes it. */
export function abort(tcb: Tcb, reason: TcpCloseReason): void {
  switch (tcb.state) {
    case TcpState.SynReceived:
    case TcpState.Established:
    case TcpState.FinWait1:
    case TcpState.FinWait2:
    case TcpState.CloseWait:
    case TcpState.Closing:
    case TcpState.LastAck:
      sendReset(tcb);
      break;
    default:
      break;
  }
  closeTcb(tcb, TcpEvent.Abort, reason);
}

/** Reports the end of the connection to the application, once. */
export function tellClosed(tcb: Tcb): void {
  const { owner, closeReason } = tcb;
  if (owner === undefined || closeReason === undefined) return;
  tcb.closeTold = true;
  tcb.owner = undefined;
  discardReceived(tcb);
  owner.onClose(closeReason);
}
