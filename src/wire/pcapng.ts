import { Buffer } from 'node:buffer';

/*
 * Writes capture files in pcapng (draft-ietf-opsawg-pcapng) for Wireshark: blocks that are appended to a file as they are produced. All are
 * little-endian, padded to four bytes, and have their length at both ends.
 */

/** What the packets of an interface start with. */
export const LinkType = {
  /** Their IPv4 or IPv6 header. */
  Raw: 101,
  /** Tags that select one of Wireshark's dissectors, for data that is not a network packet. */
  UpperPdu: 252,
} as const;
export type LinkType = (typeof LinkType)[keyof typeof LinkType];

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const INTERFACE_STATISTICS = 5;
const ENHANCED_PACKET = 6;
const DECRYPTION_SECRETS = 0x0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Lines of an NSS key log, the format of SSLKEYLOGFILE. */
const TLS_KEY_LOG = 0x544c534b;

const OPTION_COMMENT = 1;
const SECTION_USER_APPLICATION = 4;
const INTERFACE_NAME = 2;
const INTERFACE_TIMESTAMP_RESOLUTION = 9;
const PACKET_FLAGS = 2;
const INTERFACE_RECEIVED = 4;
const INTERFACE_DROPPED = 5;
const PDU_TAG_DISSECTOR = 12;

/** Comments and key logs are truncated to this many bytes. */
const MAX_TEXT = 65_535;

/** Snap length: bytes to keep of a packet. */
export const PCAPNG_SNAP_LENGTH = 65_575;

/** A captured packet. */
export interface CapturedPacket {
  /** Milliseconds since the Unix epoch, with a fraction down to microseconds. */
  readonly time: number;
  /** Starts with the IP header. Data beyond the snap length is cut off. */
  readonly bytes: Uint8Array;
  /** From the perspective of the capturing side. */
  readonly direction?: 'in' | 'out';
  readonly comment?: string;
  /** The original length in bytes, if some bytes were left out. */
  readonly wireLength?: number;
  /** Index of the interface, in the order of the descriptions. Default 0. */
  readonly interfaceId?: number;
}

/** The start of a file: section header, and one interface for each name. */
export function pcapngHeader(application: string, interfaces: readonly string[], comment?: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  // Length of the section: unknown while it is written.
  section.writeBigInt64LE(-1n, 8);
  const options = [textOption(SECTION_USER_APPLICATION, application)];
  if (comment !== undefined) options.unshift(textOption(OPTION_COMMENT, comment));
  return Buffer.concat([
    block(SECTION_HEADER, [section, ...options, END_OF_OPTIONS]),
    ...interfaces.map((name) => pcapngInterface(name)),
  ]);
}

/** Describes one more interface. It must precede its packets; interfaces are numbered in the order of their descriptions. */
export function pcapngInterface(name: string, linkType: LinkType = LinkType.Raw): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(linkType, 0);
  body.writeUInt32LE(PCAPNG_SNAP_LENGTH, 4);
  return block(INTERFACE_DESCRIPTION, [
    body,
    textOption(INTERFACE_NAME, name),
    // Ten to the power of minus six: microseconds.
    option(INTERFACE_TIMESTAMP_RESOLUTION, Buffer.from([6])),
    END_OF_OPTIONS,
  ]);
}

/** At the end of a capture: number of packets on an interface, and how many of them are missing because a reader was slow. */
export function pcapngStatistics(
  interfaceId: number,
  { time, received, dropped }: { readonly time: number; readonly received: number; readonly dropped: number },
): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(interfaceId, 0);
  writeTime(head, 4, time);
  const numbers = [received, dropped].map((value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
  });
  const options = [option(INTERFACE_RECEIVED, numbers[0]!), option(INTERFACE_DROPPED, numbers[1]!), END_OF_OPTIONS];
  return block(INTERFACE_STATISTICS, [head, ...options]);
}

/** A line of text as a packet of an interface of the type `UpperPdu`, which Wireshark shows as a syslog message. */
export function textPdu(text: string): Buffer {
  const name = Buffer.from('syslog\0\0');
  const head = Buffer.alloc(4);
  head.writeUInt16BE(PDU_TAG_DISSECTOR, 0);
  head.writeUInt16BE(name.length, 2);
  // An empty tag ends the tags.
  return Buffer.concat([head, name, Buffer.alloc(4), Buffer.from(`<14>tunnelite: ${text}`).subarray(0, MAX_TEXT)]);
}

/** Microseconds since the Unix epoch in two 32-bit halves, from milliseconds. */
function writeTime(target: Buffer, at: number, time: number): void {
  const micros = Math.round(time * 1000);
  target.writeUInt32LE(Math.floor(micros / 4_294_967_296), at);
  target.writeUInt32LE(micros % 4_294_967_296, at + 4);
}

/** Bytes of a block in addition to a packet with a direction and no comment: head, options, and the second length. */
const BARE_PACKET = 28 + 12 + 4;

/** Bytes that `writePacketBlock` writes. @param length of the packet */
export function packetBlockLength(length: number): number {
  return BARE_PACKET + ((Math.min(length, PCAPNG_SNAP_LENGTH) + 3) & ~3);
}

/**
 * Writes a packet as an Enhanced Packet Block if there is space for it, without allocating memory.
 * @param packet its first `headLength` bytes are in `head`, such as generated headers, followed by `bytes[offset, offset + length)`
 */
export function writePacketBlock(
  target: Buffer,
  at: number,
  packet: {
    readonly interfaceId: number;
    readonly time: number;
    readonly direction: 'in' | 'out';
    readonly head: Buffer;
    readonly headLength: number;
    readonly bytes: Buffer;
    readonly offset: number;
    readonly length: number;
  },
): void {
  const { head, headLength, bytes, offset, length } = packet;
  const whole = headLength + length;
  const kept = Math.min(whole, PCAPNG_SNAP_LENGTH);
  const total = packetBlockLength(whole);
  target.writeUInt32LE(ENHANCED_PACKET, at);
  target.writeUInt32LE(total, at + 4);
  target.writeUInt32LE(packet.interfaceId, at + 8);
  writeTime(target, at + 12, packet.time);
  target.writeUInt32LE(kept, at + 20);
  target.writeUInt32LE(whole, at + 24);
  head.copy(target, at + 28, 0, headLength);
  bytes.copy(target, at + 28 + headLength, offset, offset + kept - headLength);
  let end = at + 28 + kept;
  while ((end - at) & 3) target[end++] = 0;
  target.writeUInt16LE(PACKET_FLAGS, end);
  target.writeUInt16LE(4, end + 2);
  target.writeUInt32LE(packet.direction === 'in' ? 1 : 2, end + 4);
  target.writeUInt32LE(0, end + 8);
  target.writeUInt32LE(total, end + 12);
}

/** One packet, as an Enhanced Packet Block. */
export function pcapngPacket(packet: CapturedPacket): Buffer {
  const kept = Math.min(packet.bytes.length, PCAPNG_SNAP_LENGTH);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(packet.interfaceId ?? 0, 0);
  writeTime(head, 4, packet.time);
  head.writeUInt32LE(kept, 12);
  head.writeUInt32LE(packet.wireLength ?? packet.bytes.length, 16);
  const options: Buffer[] = [];
  if (packet.comment !== undefined) options.push(textOption(OPTION_COMMENT, packet.comment));
  if (packet.direction !== undefined) {
    const flags = Buffer.alloc(4);
    flags.writeUInt32LE(packet.direction === 'in' ? 1 : 2, 0);
    options.push(option(PACKET_FLAGS, flags));
  }
  if (options.length > 0) options.push(END_OF_OPTIONS);
  return block(ENHANCED_PACKET, [head, padded(packet.bytes.subarray(0, kept)), ...options]);
}

/** Keys to decrypt the capture: lines of a key log. The block must precede the packets that need it. */
export function pcapngSecrets(keyLog: string): Buffer {
  const secrets = Buffer.from(keyLog);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(TLS_KEY_LOG, 0);
  head.writeUInt32LE(secrets.length, 4);
  return block(DECRYPTION_SECRETS, [head, padded(secrets)]);
}

function padded(bytes: Uint8Array): Buffer {
  const out = Buffer.alloc((bytes.length + 3) & ~3);
  out.set(bytes);
  return out;
}

function option(code: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

function textOption(code: number, text: string): Buffer {
  return option(code, Buffer.from(text).subarray(0, MAX_TEXT));
}

const END_OF_OPTIONS = Buffer.alloc(4);

function block(type: number, parts: readonly Buffer[]): Buffer {
  const length = 12 + parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, ...parts, tail]);
}

/** Size of the smallest block in bytes. */
export const MIN_BLOCK = 12;

/** Maximum size of a block in bytes. */
const MAX_BLOCK = 16 * 1024 * 1024;

/** The role of a block when a file is split. */
export const BlockKind = {
  /** Later packets depend on it. */
  Preamble: 0,
  Packet: 1,
  Other: 2,
} as const;
export type BlockKind = (typeof BlockKind)[keyof typeof BlockKind];

/**
 * Reads the head of a block of a little-endian file. At least 8 bytes must be available.
 * @throws RangeError if there is no block
 */
export function blockAt(bytes: Buffer, at: number): { readonly kind: BlockKind; readonly length: number } {
  const type = bytes.readUInt32LE(at);
  const length = bytes.readUInt32LE(at + 4);
  if (length < MIN_BLOCK || length > MAX_BLOCK || length % 4 !== 0)
    throw new RangeError(`A block has ${length} bytes.`);
  if (type === ENHANCED_PACKET) return { kind: BlockKind.Packet, length };
  const preamble = type === SECTION_HEADER || type === INTERFACE_DESCRIPTION || type === DECRYPTION_SECRETS;
  return { kind: preamble ? BlockKind.Preamble : BlockKind.Other, length };
}
