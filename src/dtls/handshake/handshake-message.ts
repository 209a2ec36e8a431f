import { HANDSHAKE_HEADER_LENGTH } from '../protocol/constants.ts';

/** A handshake message, unfragmented, with its 12-byte header: the form that the transcript hashes (RFC 6347 §4.2.6). */
export function handshakeMessage(type: number, sequence: number, body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(HANDSHAKE_HEADER_LENGTH + body.length);
  writeHandshakeHeader(out, type, body.length, sequence, 0, body.length);
  out.set(body, HANDSHAKE_HEADER_LENGTH);
  return out;
}

export function writeHandshakeHeader(
  out: Buffer,
  type: number,
  length: number,
  sequence: number,
  fragmentOffset: number,
  fragmentLength: number,
): void {
  out[0] = type;
  out.writeUIntBE(length, 1, 3);
  out.writeUInt16BE(sequence, 4);
  out.writeUIntBE(fragmentOffset, 6, 3);
  out.writeUIntBE(fragmentLength, 9, 3);
}

/** Header of a handshake message or of a fragment of one. */
export interface HandshakeHeader {
  readonly type: number;
  readonly length: number;
  readonly sequence: number;
  readonly fragmentOffset: number;
  readonly fragmentLength: number;
}

/** Reads the header at `offset`; undefined when the header or its fragment does not fit before `end`. */
export function readHandshakeHeader(buffer: Buffer, offset: number, end: number): HandshakeHeader | undefined {
  if (offset + HANDSHAKE_HEADER_LENGTH > end) return undefined;
  const header = {
    type: buffer[offset]!,
    length: buffer.readUIntBE(offset + 1, 3),
    sequence: buffer.readUInt16BE(offset + 4),
    fragmentOffset: buffer.readUIntBE(offset + 6, 3),
    fragmentLength: buffer.readUIntBE(offset + 9, 3),
  };
  if (header.fragmentOffset + header.fragmentLength > header.length) return undefined;
  if (offset + HANDSHAKE_HEADER_LENGTH + header.fragmentLength > end) return undefined;
  return header;
}
