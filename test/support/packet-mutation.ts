import { Buffer } from 'node:buffer';
import type { RandomSource } from '../../src/lib/random.ts';
import { foldSum, internetChecksum, onesSum } from './packets/checksum.ts';

/** Numbers at which code goes wrong. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 19, 20, 39, 40, 41, 63, 64, 127, 128, 254, 255];
const WORD_EDGES = [0, 1, 8, 20, 40, 0x0fff, 0x1fff, 0x2000, 0x7fff, 0x8000, 0xfff8, 0xfffe, 0xffff];
const LONG_EDGES = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/** Bytes that steer a packet: the headers of IP and transport, with their options. */
const HEAD = 88;

const pick = <T>(random: RandomSource, from: readonly T[]): T => from[random.uint32() % from.length]!;

/**
 * A changed copy of a packet: up to four changes of bits, bytes, words, length or parts, most of them in its headers. In most copies the
 * checksums are then set right, so that the change is met by the code behind them.
 */
export function mutate(packet: Buffer, other: Buffer, random: RandomSource): Buffer {
  let bytes: Buffer = Buffer.from(packet);
  for (let changes = 1 + (random.uint32() & 3); changes > 0 && bytes.length > 0; changes--) {
    bytes = change(bytes, other, random);
  }
  if (random.uint32() % 5 > 0) {
    if (random.uint32() % 5 > 0) setLength(bytes);
    setChecksums(bytes);
  }
  return bytes;
}

function change(bytes: Buffer, other: Buffer, random: RandomSource): Buffer {
  const inHead = random.uint32() % 8 > 0;
  const at = random.uint32() % (inHead ? Math.min(HEAD, bytes.length) : bytes.length);
  switch (random.uint32() % 10) {
    case 0:
      bytes[at]! ^= 1 << (random.uint32() & 7);
      return bytes;
    case 1:
      bytes[at] = pick(random, EDGES);
      return bytes;
    case 2:
      bytes[at] = random.uint32();
      return bytes;
    case 3:
      if (at + 2 <= bytes.length) bytes.writeUInt16BE(pick(random, WORD_EDGES), at);
      return bytes;
    case 4: {
      // Sequence and acknowledgement numbers, and whatever else is four bytes wide.
      const place = at & ~3;
      if (place + 4 <= bytes.length) {
        const near = (bytes.readUInt32BE(place) + ((random.uint32() % 6000) - 3000)) >>> 0;
        bytes.writeUInt32BE(random.uint32() & 1 ? near : pick(random, LONG_EDGES), place);
      }
      return bytes;
    }
    case 5:
      return Buffer.from(bytes.subarray(0, random.uint32() % (bytes.length + 1)));
    case 6:
      return Buffer.concat([bytes, random.bytes(random.uint32() % 64)]);
    case 7: {
      // The head of one and the tail of another.
      const from = random.uint32() % (other.length + 1);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from)]).subarray(0, 65_535);
    }
    case 8: {
      // Something cut out.
      const length = Math.min(bytes.length - at, random.uint32() % 16);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    }
    default: {
      // Flags of TCP, the fragment word of IPv4, the next header of IPv6.
      const v6 = bytes[0]! >> 4 === 6;
      const places = v6 ? [6, 53, 40, 54] : [33, 6, 7, 9, 34];
      const place = pick(random, places);
      if (place < bytes.length) {
        bytes[place] = v6 && place === 6 ? pick(random, [0, 6, 17, 43, 44, 58, 59, 60, 135]) : random.uint32();
      }
      return bytes;
    }
  }
}

function setLength(bytes: Buffer): void {
  if (bytes.length < 40) return;
  if (bytes[0]! >> 4 === 4) bytes.writeUInt16BE(bytes.length, 2);
  else if (bytes[0]! >> 4 === 6) bytes.writeUInt16BE(bytes.length - 40, 4);
}

/** Sets the checksums of a packet right as far as it can be told what they are. */
export function setChecksums(bytes: Buffer): void {
  const version = bytes.length < 20 ? 0 : bytes[0]! >> 4;
  const header = version === 4 ? (bytes[0]! & 0x0f) << 2 : 40;
  if ((version !== 4 && version !== 6) || header < 20 || bytes.length < header) return;
  let end = bytes.length;
  let protocol: number;
  let addresses: Buffer;
  if (version === 4) {
    bytes.writeUInt16BE(0, 10);
    bytes.writeUInt16BE(internetChecksum(bytes.subarray(0, header)), 10);
    end = Math.min(end, bytes.readUInt16BE(2));
    protocol = bytes[9]!;
    addresses = bytes.subarray(12, 20);
  } else {
    end = Math.min(end, 40 + bytes.readUInt16BE(4));
    protocol = bytes[6]!;
    addresses = bytes.subarray(8, 40);
  }
  const place = { 1: 2, 6: 16, 17: 6, 58: 2 }[protocol];
  if (place === undefined || end < header + place + 2) return;
  const payload = bytes.subarray(header, end);
  payload.writeUInt16BE(0, place);
  const initial = protocol === 1 ? 0 : onesSum(addresses, foldSum(protocol + payload.length));
  payload.writeUInt16BE(internetChecksum(payload, initial), place);
}
