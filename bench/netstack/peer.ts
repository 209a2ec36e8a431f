import { Buffer } from 'node:buffer';

/** A peer that is nothing but packets: builds IPv4 TCP segments by hand, so that a benchmark times one stack alone. */

export interface SegmentFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  /** Whole option bytes, a multiple of four. */
  readonly options?: Buffer;
  readonly payload?: Buffer;
}

const SOURCE = Buffer.from([10, 77, 0, 1]);
const DESTINATION = Buffer.from([10, 1, 2, 3]);

export const SYN = 2;
export const RST = 4;
export const ACK = 16;

function sum16(buffer: Buffer, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i + 1 < length; i += 2) sum += buffer.readUInt16BE(at + i);
  if (length & 1) sum += buffer[at + length - 1]! << 8;
  return sum;
}

function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return sum;
}

/** Writes the packet at `at`; returns its length. */
export function writeSegment(target: Buffer, at: number, fields: SegmentFields): number {
  const options = fields.options ?? Buffer.alloc(0);
  const payload = fields.payload ?? Buffer.alloc(0);
  const tcp = 20 + options.length + payload.length;
  const total = 20 + tcp;
  target.fill(0, at, at + 40);
  target[at] = 0x45;
  target.writeUInt16BE(total, at + 2);
  target[at + 6] = 0x40;
  target[at + 8] = 64;
  target[at + 9] = 6;
  SOURCE.copy(target, at + 12);
  DESTINATION.copy(target, at + 16);
  target.writeUInt16BE(~fold(sum16(target, at, 20)) & 0xffff, at + 10);
  const t = at + 20;
  target.writeUInt16BE(fields.sourcePort, t);
  target.writeUInt16BE(fields.destinationPort, t + 2);
  target.writeInt32BE(fields.seq | 0, t + 4);
  target.writeInt32BE(fields.ack | 0, t + 8);
  target[t + 12] = ((20 + options.length) >> 2) << 4;
  target[t + 13] = fields.flags;
  target.writeUInt16BE(fields.window, t + 14);
  options.copy(target, t + 20);
  payload.copy(target, t + 20 + options.length);
  target.writeUInt16BE(~fold(sum16(target, t, tcp) + sum16(target, at + 12, 8) + 6 + tcp) & 0xffff, t + 16);
  return total;
}

/** Options of a SYN as Linux sends them: MSS, SACK permitted, timestamps, window scale 7. */
export function synOptions(mss: number, timestamp: number): Buffer {
  const options = Buffer.from([2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7]);
  options.writeUInt16BE(mss, 2);
  options.writeInt32BE(timestamp | 0, 8);
  return options;
}

export function timestampOption(value: number, echo: number): Buffer {
  const options = Buffer.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]);
  options.writeInt32BE(value | 0, 4);
  options.writeInt32BE(echo | 0, 8);
  return options;
}
