import { DTLS_1_2, RECORD_HEADER_LENGTH } from '../protocol/constants.ts';

/** Reads the 48-bit sequence number of the record header at `offset`. */
export function recordSequence(datagram: Buffer, offset: number): number {
  const high = (datagram[offset + 5]! << 8) | datagram[offset + 6]!;
  const low =
    ((datagram[offset + 7]! << 24) |
      (datagram[offset + 8]! << 16) |
      (datagram[offset + 9]! << 8) |
      datagram[offset + 10]!) >>>
    0;
  return high * 0x1_0000_0000 + low;
}

/** Writes a 13-byte record header (RFC 6347 §4.1) for a body of `length` bytes. */
export function writeRecordHeader(
  output: Buffer,
  offset: number,
  type: number,
  epoch: number,
  sequence: number,
  length: number,
): void {
  const high = Math.floor(sequence / 0x1_0000_0000);
  const low = sequence >>> 0;
  output[offset] = type;
  output[offset + 1] = DTLS_1_2 >>> 8;
  output[offset + 2] = DTLS_1_2 & 0xff;
  output[offset + 3] = epoch >>> 8;
  output[offset + 4] = epoch;
  output[offset + 5] = high >>> 8;
  output[offset + 6] = high;
  output[offset + 7] = low >>> 24;
  output[offset + 8] = low >>> 16;
  output[offset + 9] = low >>> 8;
  output[offset + 10] = low;
  output[offset + 11] = length >>> 8;
  output[offset + 12] = length;
}

/** Additional data of an AEAD record: epoch ‖ sequence ‖ type ‖ version ‖ length of the plaintext. */
export const AAD_LENGTH = 13;

/** Fills in the additional data from the record header at `header[at]`, with a separate length. */
export function fillAad(aad: Buffer, header: Buffer, at: number, length: number): void {
  for (let i = 0; i < 8; i++) aad[i] = header[at + 3 + i]!;
  aad[8] = header[at]!;
  // The version as it is there, not as it should be: what was changed on the way is not authentic.
  aad[9] = header[at + 1]!;
  aad[10] = header[at + 2]!;
  aad[11] = length >>> 8;
  aad[12] = length;
}

/** Writes one unprotected record and returns its length. */
export function writePlainRecord(
  output: Buffer,
  offset: number,
  type: number,
  sequence: number,
  body: Uint8Array,
): number {
  writeRecordHeader(output, offset, type, 0, sequence, body.length);
  output.set(body, offset + RECORD_HEADER_LENGTH);
  return RECORD_HEADER_LENGTH + body.length;
}
