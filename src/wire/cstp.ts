/*
 * CSTP framing on the TLS connection (draft-mavrogiannopoulos-openconnect):
 *
 *   0    3   magic "STF"
 *   3    1   version, 1
 *   4    2   payload length, big endian
 *   6    1   type
 *   7    1   0
 *   8    n   payload
 *
 * Stock clients require exactly one packet per TLS record; on input this reader relies only on the length field.
 */

/** Packet types of CSTP; the DTLS channel uses the same numbers as its first byte. */
export const CstpType = {
  Data: 0,
  DpdRequest: 3,
  DpdResponse: 4,
  Disconnect: 5,
  Keepalive: 7,
  Compressed: 8,
  Terminate: 9,
} as const;
export type CstpType = (typeof CstpType)[keyof typeof CstpType];

export const CSTP_HEADER_BYTES = 8;

/** Largest payload: header and payload fit one TLS record of 16 KiB. */
export const CSTP_MAX_PAYLOAD = 16_384 - CSTP_HEADER_BYTES;

/** First byte of a client's disconnect payload when the user ended the session; it invalidates the cookie. */
export const DISCONNECT_BY_USER = 0xb0;
/** First byte of a disconnect packet from a client that will reconnect with its cookie. */
export const DISCONNECT_TO_RECONNECT = 0x91;

const MAGIC_AND_VERSION = 0x53_54_46_01;

/** Writes the 8-byte header at `at`. */
export function writeCstpHeader(target: Buffer, at: number, type: number, payloadLength: number): void {
  target[at] = 0x53;
  target[at + 1] = 0x54;
  target[at + 2] = 0x46;
  target[at + 3] = 1;
  target[at + 4] = payloadLength >>> 8;
  target[at + 5] = payloadLength & 0xff;
  target[at + 6] = type;
  target[at + 7] = 0;
}

/** One complete packet in a new buffer. */
export function serializeCstp(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const packet = Buffer.allocUnsafe(CSTP_HEADER_BYTES + payload.length);
  writeCstpHeader(packet, 0, type, payload.length);
  packet.set(payload, CSTP_HEADER_BYTES);
  return packet;
}

/** Why a byte stream is not CSTP. */
export type CstpFault = 'magic' | 'version' | 'reserved' | 'length';

/** Receives the payload of one packet, `buffer[offset, offset + length)`; the bytes are valid only during the call. */
export type CstpPacketHandler = (type: number, buffer: Buffer, offset: number, length: number) => void;

/**
 * Splits a byte stream into packets, regardless of chunk boundaries. A packet within one chunk is passed on without a copy.
 * After a fault the reader ignores further input.
 */
export class CstpReader {
  readonly #onPacket: CstpPacketHandler;
  readonly #maxPayload: number;
  #partial: Buffer | undefined;
  #have = 0;
  #fault: CstpFault | undefined;
  #stopped = false;

  constructor(onPacket: CstpPacketHandler, maxPayload: number = CSTP_MAX_PAYLOAD) {
    this.#onPacket = onPacket;
    this.#maxPayload = maxPayload;
  }

  /** Number of buffered bytes of an incomplete packet. */
  get pending(): number {
    return this.#have;
  }

  /** Ignores further input; call it from the handler when the connection ends there. */
  stop(): void {
    this.#stopped = true;
  }

  /** Processes a chunk; returns the fault of the stream, if any. */
  push(chunk: Buffer): CstpFault | undefined {
    if (this.#fault || this.#stopped) return this.#fault;
    let at = 0;
    if (this.#have > 0) {
      at = this.#complete(chunk);
      if (this.#fault || this.#stopped || this.#have > 0) return this.#fault;
    }
    while (chunk.length - at >= CSTP_HEADER_BYTES) {
      const length = this.#check(chunk, at);
      if (length < 0) return this.#fault;
      if (chunk.length - at - CSTP_HEADER_BYTES < length) break;
      this.#onPacket(chunk[at + 6]!, chunk, at + CSTP_HEADER_BYTES, length);
      if (this.#stopped) return undefined;
      at += CSTP_HEADER_BYTES + length;
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
    return this.#fault;
  }

  #complete(chunk: Buffer): number {
    let at = Math.min(chunk.length, Math.max(0, CSTP_HEADER_BYTES - this.#have));
    this.#keep(chunk, 0, at);
    if (this.#fault || this.#have < CSTP_HEADER_BYTES) return at;
    const partial = this.#partial!;
    const length = this.#check(partial, 0);
    if (length < 0) return at;
    const missing = CSTP_HEADER_BYTES + length - this.#have;
    const take = Math.min(missing, chunk.length - at);
    this.#keep(chunk, at, at + take);
    at += take;
    if (take < missing) return at;
    this.#have = 0;
    this.#onPacket(partial[6]!, partial, CSTP_HEADER_BYTES, length);
    return at;
  }

  /**
   * Copies bytes, and checks the part of the header that has been received, so that garbage is reported before eight bytes have arrived.
   */
  #keep(chunk: Buffer, from: number, to: number): void {
    if (to <= from) return;
    this.#partial ??= Buffer.allocUnsafeSlow(CSTP_HEADER_BYTES + this.#maxPayload);
    chunk.copy(this.#partial, this.#have, from, to);
    this.#have += to - from;
    if (this.#have >= 4 && this.#have < CSTP_HEADER_BYTES && this.#partial.readUInt32BE(0) !== MAGIC_AND_VERSION) {
      this.#check(this.#partial, 0);
    }
  }

  #check(buffer: Buffer, at: number): number {
    if (buffer.readUInt32BE(at) !== MAGIC_AND_VERSION) {
      const magic = buffer[at] === 0x53 && buffer[at + 1] === 0x54 && buffer[at + 2] === 0x46;
      this.#fault = magic ? 'version' : 'magic';
      return -1;
    }
    const length = (buffer[at + 4]! << 8) | buffer[at + 5]!;
    if (buffer[at + 7] !== 0) this.#fault = 'reserved';
    else if (length > this.#maxPayload) this.#fault = 'length';
    return this.#fault ? -1 : length;
  }
}
