import { TunneliteError } from '../lib/errors.ts';

/**
 * Packet types of the DTLS data channel: the first byte of each record's plaintext, the rest is the payload
 * (reference/openconnect-protocol.md §7.5). The numbers are those of CSTP.
 */
export const DtlsPacketType = {
  /** One IP packet. */
  Data: 0,
  /** Dead peer detection request; its length is what the sender wants to see again. */
  DpdRequest: 3,
  /** Answer to a request, of the same length. */
  DpdResponse: 4,
  /** The peer ends the session. */
  Disconnect: 5,
  Keepalive: 7,
  /** One compressed IP packet; only after compression was agreed on. */
  CompressedData: 8,
} as const;
export type DtlsPacketType = (typeof DtlsPacketType)[keyof typeof DtlsPacketType];

/** Bytes that the channel's framing adds in front of a payload. */
export const DTLS_CHANNEL_HEADER = 1;

/** Largest plaintext that is looked at: a full DTLS record (RFC 6347 §4.1, 2^14). */
export const DTLS_CHANNEL_MAX_PACKET = 16_384;

/** One packet of the channel. `payload` is a view of the input. */
export interface DtlsPacket {
  /** One of {@link DtlsPacketType}, or a number that this version does not know: such packets are to be ignored. */
  readonly type: number;
  readonly payload: Buffer;
}

/**
 * Reads the plaintext of one record.
 *
 * @param maxPacket largest plaintext accepted, in bytes
 * @throws TunneliteError `ERR_DTLS_PACKET_INVALID` for an empty plaintext or one above `maxPacket`
 */
export function parseDtlsPacket(plaintext: Buffer, maxPacket: number = DTLS_CHANNEL_MAX_PACKET): DtlsPacket {
  const type = plaintext[0];
  if (type === undefined) throw new TunneliteError('ERR_DTLS_PACKET_INVALID', 'A DTLS record held no packet type.');
  if (plaintext.length > maxPacket) {
    throw new TunneliteError(
      'ERR_DTLS_PACKET_INVALID',
      `A DTLS packet of ${plaintext.length} bytes is above the limit of ${maxPacket}.`,
    );
  }
  return { type, payload: plaintext.subarray(DTLS_CHANNEL_HEADER) };
}

/** A new Buffer with the packet, ready to be sealed. */
export function serializeDtlsPacket(type: DtlsPacketType, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const packet = Buffer.allocUnsafe(DTLS_CHANNEL_HEADER + payload.length);
  packet[0] = type;
  packet.set(payload, DTLS_CHANNEL_HEADER);
  return packet;
}

/**
 * Turns a DPD request into its answer where it stands: only the type changes, so that the length stays that of the
 * request. Clients measure the path MTU by it (§7.6); an answer of another length means "this size did not pass".
 */
export function answerDpdInPlace(buffer: Buffer, offset: number): void {
  buffer[offset] = DtlsPacketType.DpdResponse;
}

/** A DPD request padded to `length` bytes in all, so that its passage proves packets of that size. */
export function serializeDpdRequest(length: number = DTLS_CHANNEL_HEADER): Buffer {
  const packet = Buffer.alloc(Math.max(DTLS_CHANNEL_HEADER, length), 0x5a);
  packet[0] = DtlsPacketType.DpdRequest;
  return packet;
}

const NAMES: Readonly<Record<number, string>> = {
  [DtlsPacketType.Data]: 'data',
  [DtlsPacketType.DpdRequest]: 'DPD request',
  [DtlsPacketType.DpdResponse]: 'DPD response',
  [DtlsPacketType.Disconnect]: 'disconnect',
  [DtlsPacketType.Keepalive]: 'keepalive',
  [DtlsPacketType.CompressedData]: 'compressed data',
};

/** One line about a packet, for logs. */
export function describeDtlsPacket(packet: DtlsPacket): string {
  return `${NAMES[packet.type] ?? `unknown type ${packet.type}`}, ${packet.payload.length} bytes`;
}
