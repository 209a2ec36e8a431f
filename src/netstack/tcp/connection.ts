import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { TunneliteError } from '../../lib/errors.ts';
import { HALF_OPEN_TIMEOUT, SEND_BUFFER_INITIAL } from '../core/constants.ts';
import { type TcpFlowHandler, type TcpFlowStats, TcpState } from '../core/types.ts';
import { formatAddress } from '../ip/address.ts';
import { TcpDuplex } from './duplex.ts';
import { abort, awaitFin, tellClosed } from './lifecycle.ts';
import { settle } from './loss-recovery.ts';
import { acknowledgeFirst, acknowledgeNowOrLater, consume, deliver, discardReceived } from './receive.ts';
import { SendBuffer } from './send-buffer.ts';
import { Tcb } from './tcb.ts';
import { TcpEvent } from './tcp-state.ts';
import { sendSyn } from './timers.ts';
import { transmit } from './transmit.ts';

/** The application's view of a TCP connection. */
export class Connection extends Tcb {
  get localAddress(): string {
    return formatAddress(this.family, this.addresses, this.family === 4 ? 1 : 4);
  }

  get remoteAddress(): string {
    return formatAddress(this.family, this.addresses, 0);
  }

  get handler(): TcpFlowHandler {
    return this.owner ?? NOBODY;
  }

  set handler(handler: TcpFlowHandler) {
    if (this.closeTold) return;
    this.owner = handler;
    // Deliver what was received before there was a handler.
    this.host.markDirty(this);
  }

  write(chunk: Buffer): boolean {
    if (this.finQueued || this.closeReason !== undefined) return false;
    if (chunk.length > 0) {
      this.sendBuffer ??= new SendBuffer((this.iss + 1) | 0);
      this.sendBuffer.push(chunk);
      this.queuedBytes += chunk.length;
      this.host.limits.held(this, chunk.length);
      this.host.markDirty(this);
    }
    if (this.queuedBytes < this.#writeLimit()) return true;
    this.writeBlocked = true;
    return false;
  }

  /** Twice the congestion window, so that the network never waits for the application. */
  #writeLimit(): number {
    const limit = Math.max(SEND_BUFFER_INITIAL, 2 * (this.cc?.cwnd ?? 0));
    return Math.min(limit, this.host.tcp.sendBuffer);
  }

  end(): void {
    if (this.finQueued || this.closeReason !== undefined) return;
    this.finQueued = true;
    this.host.markDirty(this);
  }

  reset(): void {
    if (this.closeReason !== undefined) return;
    abort(this, 'reset-local');
    // After a reset the application expects no more data.
    discardReceived(this);
  }

  close(discard = 0): void {
    if (this.closeReason !== undefined || this.orphaned) return;
    const unread = this.unconsumed + this.readyBytes + this.chunkLength - this.chunkStart;
    if (unread > discard || this.reassembly !== undefined) {
      this.reset();
      return;
    }
    this.orphaned = true;
    this.discards = discard - unread;
    this.end();
    if (this.state === TcpState.FinWait2) awaitFin(this);
    else if (this.cc === undefined) this.reset();
  }

  consumed(bytes: number): void {
    if (this.closeReason === undefined) consume(this, bytes);
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
    if (on) this.host.markDirty(this);
  }

  toDuplex(): Duplex {
    if (this.owner !== undefined) {
      throw new TunneliteError('ERR_NETSTACK_FLOW_TAKEN');
    }
    return new TcpDuplex(this);
  }

  stats(): TcpFlowStats {
    return {
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      segmentsIn: this.segmentsIn,
      segmentsOut: this.segmentsOut,
      srtt: this.rtt.srtt,
      rttvar: this.rtt.rttvar,
      rto: this.rtt.rto,
      cwnd: this.cc?.cwnd ?? 0,
      ssthresh: this.cc?.ssthresh ?? 0,
      retransmits: this.retransmits,
      zeroWindows: this.zeroWindows,
      outOfOrder: this.outOfOrder,
      mss: this.mss,
    };
  }

  /** Called when the application accepts the connection: sends SYN-ACK. */
  acceptOpen(noDelay: boolean | undefined): void {
    if (this.state !== TcpState.Listen) return;
    if (noDelay !== undefined) this.noDelay = noDelay;
    this.advance(TcpEvent.Accept);
    this.lifeTimerAt = this.host.now + HALF_OPEN_TIMEOUT;
    sendSyn(this);
  }

  /** End of a batch: processes acknowledgements, delivers data, sends, sets timers, and reports the end of the connection. */
  flush(): void {
    if (this.state !== TcpState.Closed && this.state !== TcpState.TimeWait) {
      settle(this);
      if (!this.connectTold && this.cc !== undefined && this.owner !== undefined) {
        this.connectTold = true;
        this.owner.onConnect?.();
      }
    }
    deliver(this);
    if (this.writeBlocked && this.closeReason === undefined && this.queuedBytes * 4 < this.#writeLimit() * 3) {
      this.writeBlocked = false;
      this.owner?.onDrain?.();
    }
    this.dirty = false;
    if (this.cc !== undefined && this.closeReason === undefined) {
      acknowledgeFirst(this);
      transmit(this);
      acknowledgeNowOrLater(this);
      this.host.schedule(this);
    } else if (this.state === TcpState.TimeWait && this.ackNow) {
      acknowledgeNowOrLater(this);
    }
    if (this.closeReason !== undefined) tellClosed(this);
  }
}

/** Used until a handler is set, so that `flow.handler.onClose` and the like do nothing. */
const NOBODY: TcpFlowHandler = {
  onData() {},
  onClose() {},
};
