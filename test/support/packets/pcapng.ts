import { Buffer } from 'node:buffer';

/*
 * Writes capture files in pcapng (draft-ietf-opsawg-pcapng), as Wireshark reads them: blocks that are appended to a file as they
 * come. All are little-endian; each is padded to four bytes and carries its length at both ends.
 */

/** Packets begin with their IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
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

/** Comments and key logs are cut here, in bytes. */
const MAX_TEXT = 65_535;

/** Bytes of a packet that are kept. */
export const PCAPNG_SNAP_LENGTH = 65_575;

/** A captured packet. */
export interface CapturedPacket {
  /** Milliseconds since the Unix epoch, with a fraction down to microseconds. */
  readonly time: number;
  /** Beginning with the IP header. What is longer than the snap length is cut. */
  readonly bytes: Uint8Array;
  /** Seen from who captures. */
  readonly direction?: 'in' | 'out';
  readonly comment?: string;
  /** Number of the interface in the order of its description. Default 0. */
  readonly interfaceId?: number;
}

/** The start of a file: section header, and one interface for each name. */
export function pcapngHeader(application: string, interfaces: readonly string[], comment?: string): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  // Length of the section: not known while it is written.
  section.writeBigInt64LE(-1n, 8);
  const options = [textOption(SECTION_USER_APPLICATION, application)];
  if (comment !== undefined) options.unshift(textOption(OPTION_COMMENT, comment));
  return Buffer.concat([
    block(SECTION_HEADER, [section, ...options, END_OF_OPTIONS]),
    ...interfaces.map((name) => {
      const body = Buffer.alloc(8);
      body.writeUInt16LE(LINKTYPE_RAW, 0);
      body.writeUInt32LE(PCAPNG_SNAP_LENGTH, 4);
      return block(INTERFACE_DESCRIPTION, [
        body,
        textOption(INTERFACE_NAME, name),
        // Ten to the power of minus six: microseconds.
        option(INTERFACE_TIMESTAMP_RESOLUTION, Buffer.from([6])),
        END_OF_OPTIONS,
      ]);
    }),
  ]);
}

/** One packet, as an Enhanced Packet Block. */
export function pcapngPacket(packet: CapturedPacket): Buffer {
  const kept = Math.min(packet.bytes.length, PCAPNG_SNAP_LENGTH);
  const micros = BigInt(Math.round(packet.time * 1000));
  const head = Buffer.alloc(20);
  head.writeUInt32LE(packet.interfaceId ?? 0, 0);
  head.writeUInt32LE(Number(micros >> 32n), 4);
  head.writeUInt32LE(Number(micros & 0xffff_ffffn), 8);
  head.writeUInt32LE(kept, 12);
  head.writeUInt32LE(packet.bytes.length, 16);
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

/** Keys to decrypt what is captured with: lines of a key log. It must come before the packets that need it. */
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
