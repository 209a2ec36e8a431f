import { GIVE_UP, RTO_INITIAL } from '../core/constants.ts';
import { TcpState } from '../core/types.ts';
import { loseOnOldPath } from './loss-recovery.ts';
import { Phase, SendTimer, type Tcb } from './tcb.ts';
import { onSendTimer, sendSyn } from './timers.ts';

/**
 * The path to the peer has changed: data that waits for a timeout with backoff is sent again at once, one segment per connection, and the
 * backoff starts over, because the old path caused the silence (draft-eggert-tcpm-tcp-retransmit-now §3, RFC 6069 §4). Nothing else
 * changes: data that is not considered lost may still arrive, and the congestion window is the one that the last timeout left.
 *
 * Repeated path changes cause at most one segment per timeout, and do not extend the life of a connection.
 */
export function resendOnNewPath(tcb: Tcb): void {
  const { host, state, sent } = tcb;
  const waited = host.now - tcb.lastSendAt;
  if (state === TcpState.SynSent || state === TcpState.SynReceived) {
    if (!again(tcb.synTries - 1, waited, RTO_INITIAL)) return;
    tcb.synTries = 1;
    sendSyn(tcb);
    return;
  }
  if (tcb.cc === undefined || tcb.closeReason !== undefined || !again(tcb.backoff, waited, tcb.rtt.rto)) return;
  // A peer that has been silent for this long is given up by the timer; sending would postpone that.
  if (tcb.silentSince >= 0 && host.now - tcb.silentSince >= GIVE_UP) return;
  // Losses of large segments on the old path do not apply to the new one.
  tcb.fullTimeouts = 0;
  if (tcb.phase === Phase.Loss && sent !== undefined && tcb.sndWnd > 0) {
    tcb.backoff = 1;
    tcb.rtoAt = Infinity;
    loseOnOldPath(tcb);
    host.markDirty(tcb);
  } else if (tcb.sendTimer === SendTimer.Persist || tcb.sndWnd === 0) {
    // The window was closed: its update may have been lost on the old path.
    tcb.backoff = 0;
    onSendTimer(tcb);
  }
}

/** @param timeouts number of timeouts since the peer was last heard @param waited milliseconds since the last segment was sent */
function again(timeouts: number, waited: number, rto: number): boolean {
  return timeouts > 1 || (timeouts === 1 && waited >= rto);
}
