import { GIVE_UP, RTO_INITIAL } from '../core/constants.ts';
import { TcpState } from '../core/types.ts';
import { loseOnOldPath } from './loss-recovery.ts';
import { Phase, SendTimer, type Tcb } from './tcb.ts';
import { onSendTimer, sendSyn } from './timers.ts';

/**
 * The path to the peer is another one: what timeouts wait for with ever longer pauses is sent again at once, one segment a connection, and the
 * pauses begin anew, for the silence was the old path's (draft-eggert-tcpm-tcp-retransmit-now §3, RFC 6069 §4). Nothing else changes: what
 * has not been found lost may be on its way still, and the congestion window is what the last timeout left of it.
 *
 * A path that changes for ever brings no more than one segment for each timeout, and nobody a longer life.
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
  // Whoever was silent for so long is given up by the timer, and this would put it off.
  if (tcb.silentSince >= 0 && host.now - tcb.silentSince >= GIVE_UP) return;
  // What large segments suffered on the old path says nothing of this one.
  tcb.fullTimeouts = 0;
  if (tcb.phase === Phase.Loss && sent !== undefined && tcb.sndWnd > 0) {
    tcb.backoff = 1;
    tcb.rtoAt = Infinity;
    loseOnOldPath(tcb);
    host.markDirty(tcb);
  } else if (tcb.sendTimer === SendTimer.Persist || tcb.sndWnd === 0) {
    // The window was closed: that it is open again may have been said on the old path.
    tcb.backoff = 0;
    onSendTimer(tcb);
  }
}

/** @param timeouts how many there were since the peer was heard last @param waited milliseconds since something was sent last */
function again(timeouts: number, waited: number, rto: number): boolean {
  return timeouts > 1 || (timeouts === 1 && waited >= rto);
}
