import { Buffer } from 'node:buffer';
import { DELAYED_ACK } from '../core/constants.ts';
import { sendAck } from './emit.ts';
import { Reassembly } from './reassembly.ts';
import { CHUNK_MIN } from './receive-chunks.ts';
import { seqGe, seqGt, seqLt } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import { TcpEvent } from './tcp-state.ts';

const CHUNK_MAX = 65_536;
/**
 * A chunk of this size or more is filled further after a part of it was delivered. V8 counts a whole chunk as external memory, used or not,
 * and 16 MB of them are enough to start a garbage collection.
 */
const CHUNK_KEEP = 16_384;

/**
 * Appends bytes in order to what the application gets at the end of the batch. Copies them, since the input buffer belongs to the caller.
 */
function take(tcb: Tcb, source: Buffer, at: number, length: number): void {
  tcb.bytesIn += length;
  let chunk = tcb.chunk;
  while (length > 0) {
    if (chunk === undefined) {
      chunk = tcb.host.chunks.take(Math.max(tcb.chunkSize, Math.min(length, CHUNK_MAX)));
      tcb.chunk = chunk;
      tcb.chunkStart = 0;
      tcb.chunkLength = 0;
    }
    const n = Math.min(length, chunk.length - tcb.chunkLength);
    source.copy(chunk, tcb.chunkLength, at, at + n);
    tcb.chunkLength += n;
    at += n;
    length -= n;
    if (tcb.chunkLength === chunk.length) {
      putReady(tcb, tcb.chunkStart === 0 ? chunk : chunk.subarray(tcb.chunkStart));
      tcb.chunkSize = Math.min(CHUNK_MAX, tcb.chunkSize * 2);
      chunk = undefined;
    }
  }
}

function putReady(tcb: Tcb, data: Buffer): void {
  if (tcb.ready === undefined) tcb.ready = [data];
  else tcb.ready.push(data);
  tcb.readyBytes += data.length;
  tcb.host.limits.held(tcb, data.length);
  dropChunk(tcb);
}

function dropChunk(tcb: Tcb): void {
  tcb.chunk = undefined;
  tcb.chunkStart = 0;
  tcb.chunkLength = 0;
}

/** The connection that `drainInto` fills, so that draining creates no closure. */
let draining: Tcb | undefined;
const drainInto = (data: Buffer, at: number, length: number): void => take(draining!, data, at, length);

/** Processes text and FIN of an acceptable segment (RFC 9293 §3.10.7.4, seventh and eighth). Parts outside the window are cut off. */
export function receiveText(tcb: Tcb, buffer: Buffer, at: number, length: number, seq: number, fin: boolean): void {
  if (tcb.finReceived) {
    tcb.ackNow = true;
    return;
  }
  const window = (tcb.rcvAdv - tcb.rcvNxt) | 0;
  if (length > 0) {
    tcb.segmentsToAck++;
    tcb.bytesToAck += length;
    if (length > tcb.rcvMss) tcb.rcvMss = length;
  }
  if (seq === tcb.rcvNxt && !fin && length <= window && tcb.reassembly === undefined && !tcb.finKnown) {
    take(tcb, buffer, at, length);
    tcb.rcvNxt = (seq + length) | 0;
    return;
  }
  tcb.ackNow = true;
  if (fin) {
    const finSeq = (seq + length) | 0;
    // The position of a FIN is fixed, and nothing follows it.
    if (!tcb.finKnown && seqGe(finSeq, tcb.rcvNxt) && ((finSeq - tcb.rcvNxt) | 0) <= window) {
      tcb.finKnown = true;
      tcb.finSeq = finSeq;
    }
  }
  const old = (tcb.rcvNxt - seq) | 0;
  if (old > 0) {
    const duplicate = Math.min(old, length);
    if (duplicate > 0) {
      tcb.host.counters.tcpDuplicates++;
      tcb.dsackStart = seq;
      tcb.dsackEnd = (seq + duplicate) | 0;
    }
    at += duplicate;
    length -= duplicate;
    seq = tcb.rcvNxt;
  }
  const room = (tcb.rcvAdv - seq) | 0;
  if (length > room) length = Math.max(0, room);
  if (tcb.finKnown && seqGt((seq + length) | 0, tcb.finSeq)) length = Math.max(0, (tcb.finSeq - seq) | 0);
  if (length > 0) {
    if (seq === tcb.rcvNxt) {
      take(tcb, buffer, at, length);
      tcb.rcvNxt = (seq + length) | 0;
      drain(tcb);
    } else {
      keep(tcb, buffer, at, length, seq);
    }
  }
  if (tcb.finKnown && tcb.rcvNxt === tcb.finSeq) {
    tcb.rcvNxt = (tcb.rcvNxt + 1) | 0;
    if (seqLt(tcb.rcvAdv, tcb.rcvNxt)) tcb.rcvAdv = tcb.rcvNxt;
    tcb.finReceived = true;
    tcb.advance(TcpEvent.Fin);
  }
}

/** Stores data that arrived out of order. */
function keep(tcb: Tcb, buffer: Buffer, at: number, length: number, seq: number): void {
  const host = tcb.host;
  tcb.outOfOrder++;
  host.counters.tcpOutOfOrder++;
  const held = tcb.reassembly;
  if (held?.full || !host.limits.roomOutOfOrder(tcb, Reassembly.cost(length))) {
    host.counters.refusedOutOfOrder++;
    return;
  }
  const kept = (tcb.reassembly ??= new Reassembly());
  const before = kept.cost;
  if (kept.add(seq, buffer.subarray(at, at + length))) {
    host.limits.keptOutOfOrder(tcb, kept.cost - before);
  } else {
    host.counters.tcpDuplicates++;
    tcb.dsackStart = seq;
    tcb.dsackEnd = (seq + length) | 0;
  }
}

function drain(tcb: Tcb): void {
  const held = tcb.reassembly;
  if (held === undefined) return;
  const before = held.cost;
  draining = tcb;
  tcb.rcvNxt = held.drain(tcb.rcvNxt, drainInto);
  draining = undefined;
  tcb.host.limits.keptOutOfOrder(tcb, held.cost - before);
  if (held.empty) tcb.reassembly = undefined;
}

/** Delivers the data received in order, then the end. The application may do anything with the connection meanwhile. */
export function deliver(tcb: Tcb): void {
  const owner = tcb.owner;
  if (owner === undefined) {
    if (tcb.chunkLength > tcb.chunkStart) putReady(tcb, trimmed(tcb));
    return;
  }
  if (tcb.ready !== undefined) {
    const ready = tcb.ready;
    tcb.ready = undefined;
    for (let i = 0; i < ready.length; i++) {
      const data = ready[i]!;
      tcb.readyBytes -= data.length;
      tcb.unconsumed += data.length;
      owner.onData(data);
      // The application reset the connection meanwhile, which discarded the rest.
      if (tcb.closeReason === 'reset-local') return;
    }
  }
  if (tcb.chunkLength > tcb.chunkStart) {
    const data = trimmed(tcb);
    keepOrDrop(tcb, data);
    tcb.host.limits.held(tcb, data.length);
    tcb.unconsumed += data.length;
    owner.onData(data);
  }
  if (tcb.finReceived && !tcb.endDelivered) {
    tcb.endDelivered = true;
    owner.onEnd?.();
  }
}

/** Takes the part of the chunk that is filled and not delivered yet. Its use determines the size of the next small chunk. */
function trimmed(tcb: Tcb): Buffer {
  const chunk = tcb.chunk!;
  const start = tcb.chunkStart;
  const n = tcb.chunkLength - start;
  if (chunk.length >= CHUNK_KEEP) {
    if (n >= CHUNK_MIN) return chunk.subarray(start, tcb.chunkLength);
  } else {
    if (n * 4 < chunk.length && tcb.chunkSize > CHUNK_MIN) tcb.chunkSize >>= 1;
    if (n * 4 >= chunk.length) return chunk.subarray(0, n);
  }
  // A small piece must not retain a large chunk.
  const { chunks } = tcb.host;
  const data = tcb.owner?.flowing ? chunks.share(n) : Buffer.allocUnsafeSlow(n);
  chunk.copy(data, 0, start, tcb.chunkLength);
  chunks.giveBack(chunk);
  return data;
}

/** Call after `data` of a chunk was delivered. `dropIdleChunk` drops a chunk that is kept when the flow becomes idle. */
function keepOrDrop(tcb: Tcb, data: Buffer): void {
  const chunk = tcb.chunk!;
  // The data was copied, so its space can be overwritten.
  const used = data.buffer === chunk.buffer ? tcb.chunkLength : tcb.chunkStart;
  if (chunk.length < CHUNK_KEEP || chunk.length - used < CHUNK_MIN || tcb.finReceived) {
    dropChunk(tcb);
    return;
  }
  tcb.chunkStart = used;
  tcb.chunkLength = used;
  tcb.host.chunkKept(tcb);
}

/**
 * Drops the chunk of a flow that has received little since the last call, and starts with a small one again: delivered data retains its
 * whole chunk, so a large chunk must not be used for a few bytes. False: the flow still needs it.
 */
export function dropIdleChunk(tcb: Tcb): boolean {
  const came = tcb.bytesIn - tcb.chunkLooked;
  tcb.chunkLooked = tcb.bytesIn;
  if (tcb.chunk !== undefined && (came >= CHUNK_KEEP || tcb.chunkLength > tcb.chunkStart)) return false;
  if (tcb.chunk !== undefined) {
    dropChunk(tcb);
    tcb.chunkSize = CHUNK_MIN;
  }
  return true;
}

/**
 * Call when the application has processed `bytes`. Opens the window, and lets the buffer grow with the application's pace (dynamic
 * right-sizing).
 */
export function consume(tcb: Tcb, bytes: number): void {
  const host = tcb.host;
  if (bytes > tcb.unconsumed) bytes = tcb.unconsumed;
  tcb.unconsumed -= bytes;
  host.limits.held(tcb, -bytes);
  const maximum = host.tcp.receiveBuffer;
  tcb.drsBytes += bytes;
  if (host.now - tcb.drsAt >= Math.max(tcb.rcvRtt, 1)) {
    const wanted = 2 * tcb.drsBytes;
    if (wanted > tcb.rcvBuf && tcb.rcvBuf < maximum && !host.limits.pressed(tcb)) {
      tcb.rcvBuf = Math.min(maximum, Math.max(wanted, tcb.rcvBuf + (tcb.rcvBuf >> 1)));
    }
    tcb.drsBytes = 0;
    tcb.drsAt = host.now;
  }
  if (tcb.finReceived) return;
  const told = (tcb.rcvAdv - tcb.rcvNxt) | 0;
  const space = Math.min(
    tcb.rcvBuf - tcb.unconsumed - tcb.readyBytes - (tcb.chunkLength - tcb.chunkStart),
    // The window field cannot express more.
    0xffff << tcb.rcvScale,
  );
  // Send the update at once if it may unblock the peer, otherwise in larger steps (RFC 9293 §3.8.6.2.2).
  if (space - told >= tcb.rcvBuf >> 2 || (told < 2 * tcb.rcvMss && space - told >= tcb.rcvMss)) {
    tcb.ackNow = true;
    host.markDirty(tcb);
  }
}

/** Samples the round trip at the receiver: from our timestamp to its echo. */
export function sampleReceiverRtt(tcb: Tcb, tsecr: number): void {
  if (tsecr === tcb.rcvRttEcho || tsecr === 0) return;
  tcb.rcvRttEcho = tsecr;
  const rtt = (((Math.floor(tcb.host.now) + tcb.tsOffset) | 0) - tsecr) | 0;
  if (rtt < 0 || rtt > 60_000) return;
  const sample = Math.max(1, rtt);
  tcb.rcvRtt = tcb.rcvRtt === 0 || sample < tcb.rcvRtt ? sample : tcb.rcvRtt + (sample - tcb.rcvRtt) / 8;
}

/** Sends an acknowledgement of its own if there is something to report with SACK, before data is sent with a plain one. */
export function acknowledgeFirst(tcb: Tcb): void {
  if (tcb.ackNow && tcb.sackOk && (tcb.reassembly !== undefined || tcb.dsackEnd !== tcb.dsackStart)) sendAck(tcb);
}

/** RFC 9293 §3.8.6.3: acknowledges at least every second full segment at once, the rest after a delay. */
export function acknowledgeNowOrLater(tcb: Tcb): void {
  if (tcb.ackNow || tcb.bytesToAck >= 2 * tcb.rcvMss) {
    sendAck(tcb);
  } else if (tcb.segmentsToAck > 0 && tcb.ackTimerAt === Infinity) {
    tcb.ackTimerAt = tcb.host.now + DELAYED_ACK;
  }
}

/** Frees data that was received and not delivered. */
export function discardReceived(tcb: Tcb): void {
  tcb.host.limits.held(tcb, -(tcb.readyBytes + tcb.unconsumed));
  tcb.readyBytes = 0;
  tcb.unconsumed = 0;
  tcb.ready = undefined;
  dropChunk(tcb);
  discardOutOfOrder(tcb);
}

export function discardOutOfOrder(tcb: Tcb): void {
  if (tcb.reassembly === undefined) return;
  tcb.host.limits.keptOutOfOrder(tcb, -tcb.reassembly.cost);
  tcb.reassembly = undefined;
}
