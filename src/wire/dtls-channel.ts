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

/** Bytes that the channel's framing adds in front of a payload. */
export const DTLS_CHANNEL_HEADER = 1;

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

/** Bytes of X-DTLS-App-ID and X-DTLS-Session-ID as the real server makes them (§5.2); clients put them into the session id of their ClientHello. */
export const APP_ID_BYTES = 32;

/** Extension in which older clients repeat the App-ID, with a length byte (§7.2). */
export const APP_ID_EXTENSION = 48_018;

/** The pre-shared key is exported from the TLS session of the CSTP connection, 32 bytes, without a context (§7.2). */
export const PSK_LABEL = 'EXPORTER-openconnect-psk';
export const PSK_BYTES = 32;

/** The item of X-DTLS-CipherSuite that asks for such a key, and says that it was agreed on (§7.1). */
export const PSK_NEGOTIATE = 'PSK-NEGOTIATE';
