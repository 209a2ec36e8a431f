import { RECEIVE_BUFFER_PRESSURE } from '../core/constants.ts';
import { fold, swap16, swap32 } from '../core/packet-slab.ts';
import { ACK, RST, SYN } from './sequence.ts';
import type { Tcb } from './tcb.ts';
import { MAX_SACK_BLOCKS, TIMESTAMP_BYTES, writeSack, writeSynOptions } from './tcp-options.ts';

const blocks = new Int32Array(2 * MAX_SACK_BLOCKS);

/** Default of RFC 1700, as hosts use it. */
const TTL = 64;

/** The timestamp clock: milliseconds plus an offset per flow (RFC 7323 §5.4, §7.1). */
export function timestamp(tcb: Tcb): number {
  return (Math.floor(tcb.host.now) + tcb.tsOffset) | 0;
}

/** Position of a data segment's payload in the slab. */
export function payloadAt(tcb: Tcb): number {
  return tcb.host.slab.base + tcb.headerLength + 20 + (tcb.tsOk ? TIMESTAMP_BYTES : 0);
}

/**
 * The window field for the next segment (RFC 9293 §3.8.6.2.2, RFC 7323 §2.3). The right edge never moves left, and moves right only by at
 * least one segment or half the buffer.
 */
function windowField(tcb: Tcb): number {
  const host = tcb.host;
  const current = (tcb.rcvAdv - tcb.rcvNxt) | 0;
  let space = tcb.rcvBuf - tcb.unconsumed - tcb.readyBytes - (tcb.chunkLength - tcb.chunkStart);
  if (space > RECEIVE_BUFFER_PRESSURE && host.limits.pressed(tcb)) space = RECEIVE_BUFFER_PRESSURE;
  const scale = tcb.rcvScale;
  let field: number;
  if (space - current >= Math.min(tcb.rcvBuf >> 1, tcb.rcvMss)) {
    field = space >> scale;
  } else {
    // Rounded up, so as not to take back what was granted, unless the buffer is full: always rounding up would accept an endless trickle of
    // small segments.
    const up = (current + (1 << scale) - 1) >> scale;
    field = up << scale <= space ? up : current >> scale;
  }
  if (field > 0xffff) field = 0xffff;
  if (field < 0) field = 0;
  const edge = (tcb.rcvNxt + (field << scale)) | 0;
  if (((edge - tcb.rcvAdv) | 0) > 0) tcb.rcvAdv = edge;
  return field;
}

/**
 * Builds and sends one segment. A payload of `length` bytes must already be at `payloadAt(tcb)`. A segment with ACK also sends any
 * acknowledgement that is due.
 */
export function emitSegment(tcb: Tcb, seq: number, flags: number, length: number): void {
  const host = tcb.host;
  const slab = host.slab;
  const bytes = slab.bytes;
  const base = slab.base;
  const at = base + tcb.headerLength;
  let options = 0;
  let window: number;
  if (flags & SYN) {
    window = Math.min(0xffff, tcb.rcvBuf);
    const passive = (flags & ACK) !== 0;
    options = writeSynOptions(
      bytes,
      at + 20,
      {
        mss: tcb.mtu - tcb.headerLength - 20,
        windowScale: (passive ? tcb.scaleOk : host.tcp.windowScaling) ? tcb.rcvScale : -1,
        sackPermitted: passive ? tcb.sackOk : host.tcp.sack,
        timestamps: passive ? tcb.tsOk : host.tcp.timestamps,
      },
      timestamp(tcb),
      passive ? tcb.tsRecent : 0,
    );
    if (passive) tcb.rcvAdv = (tcb.rcvNxt + window) | 0;
  } else {
    window = flags & RST ? 0 : windowField(tcb);
    if (tcb.tsOk) {
      const word = (at + 20) >> 2;
      slab.words[word] = 0x0a080101;
      slab.words[word + 1] = swap32(timestamp(tcb));
      slab.words[word + 2] = swap32(tcb.tsRecent);
      options = TIMESTAMP_BYTES;
    }
    if (length === 0 && tcb.sackOk && flags === ACK) options += sackOption(tcb, at + 20 + options, options);
  }
  if (flags & ACK) {
    tcb.lastAckSent = tcb.rcvNxt;
    tcb.ackNow = false;
    tcb.ackTimerAt = Infinity;
    tcb.segmentsToAck = 0;
    tcb.bytesToAck = 0;
  }
  tcb.segmentsOut++;
  sendSegment(tcb, seq, flags & ACK ? tcb.rcvNxt : 0, flags, window, options, length);
}

function sackOption(tcb: Tcb, at: number, used: number): number {
  const dsack = tcb.dsackEnd !== tcb.dsackStart;
  const held = tcb.reassembly;
  if (!dsack && (held === undefined || held.empty)) return 0;
  // As many blocks as fit into the TCP options and the packet: 4 bytes, and 8 for each block.
  const fitting = Math.floor((tcb.mtu - tcb.headerLength - 20 - used - 4) / 8);
  const room = Math.min(used > 0 ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS, fitting);
  if (room < 1) return 0;
  let count = held === undefined ? 0 : held.blocks(blocks, dsack ? room - 1 : room);
  if (dsack) {
    // RFC 2883 §4: the duplicate block comes first.
    blocks.copyWithin(2, 0, 2 * count);
    blocks[0] = tcb.dsackStart;
    blocks[1] = tcb.dsackEnd;
    tcb.dsackEnd = tcb.dsackStart;
    count++;
    tcb.host.counters.tcpDsacksOut++;
  }
  return writeSack(tcb.host.slab.bytes, at, blocks, count);
}

/** Adds the IP and TCP headers to the options and payload in the slab, and sends the packet. */
export function sendSegment(
  tcb: Tcb,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  options: number,
  length: number,
): void {
  const host = tcb.host;
  const slab = host.slab;
  const words = slab.words;
  const addresses = tcb.addresses;
  const w = slab.base >> 2;
  const tcpLength = 20 + options + length;
  if (tcb.family === 4) {
    const total = 20 + tcpLength;
    const w0 = 0x45 | (swap16(total) << 16);
    // Don't fragment: path MTU discovery (RFC 1191), with an identification that need not be unique (RFC 6864).
    const w1 = swap16(host.nextIpId()) | 0x00400000;
    const w2 = TTL | (6 << 8);
    const w3 = swap32(addresses[1]!);
    const w4 = swap32(addresses[0]!);
    const sum =
      (w0 & 0xffff) +
      (w0 >>> 16) +
      (w1 & 0xffff) +
      (w1 >>> 16) +
      w2 +
      (w3 & 0xffff) +
      (w3 >>> 16) +
      (w4 & 0xffff) +
      (w4 >>> 16);
    words[w] = w0;
    words[w + 1] = w1;
    words[w + 2] = w2 | ((~fold(sum) & 0xffff) << 16);
    words[w + 3] = w3;
    words[w + 4] = w4;
  } else {
    words[w] = 0x60;
    words[w + 1] = swap16(tcpLength) | (6 << 16) | (TTL << 24);
    for (let i = 0; i < 4; i++) {
      words[w + 2 + i] = swap32(addresses[4 + i]!);
      words[w + 6 + i] = swap32(addresses[i]!);
    }
  }
  const t = w + (tcb.headerLength >> 2);
  words[t] = tcb.portWord;
  words[t + 1] = swap32(seq);
  words[t + 2] = swap32(ack);
  words[t + 3] = ((20 + options) << 2) | (flags << 8) | (swap16(window) << 16);
  words[t + 4] = 0;
  const sum = slab.sum(slab.base + tcb.headerLength, tcpLength) + tcb.pseudoSum + swap16(tcpLength);
  words[t + 4] = ~fold(sum) & 0xffff;
  host.counters.tcpOut++;
  host.transmit(tcb.headerLength + tcpLength);
}

/**
 * Sends an acknowledgement without data. Its sequence number stays within the peer's window even if a probe, or a window that shrank, has
 * left `sndNxt` beyond it: the peer would ignore it otherwise.
 */
export function sendAck(tcb: Tcb): void {
  const edge = (tcb.sndUna + tcb.sndWnd) | 0;
  const beyond = ((tcb.sndNxt - edge) | 0) > 0 && tcb.cc !== undefined && !tcb.finSent;
  emitSegment(tcb, beyond ? edge : tcb.sndNxt, ACK, 0);
}

/** Sends the RST of a connection that is aborted here (RFC 9293 §3.10.5). */
export function sendReset(tcb: Tcb): void {
  tcb.host.counters.tcpResetsOut++;
  emitSegment(tcb, tcb.sndNxt, RST | ACK, 0);
}
