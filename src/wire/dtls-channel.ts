/**
 * Packet types of the DTLS data channel: the first byte of each record's plaintext, followed by the payload
 * (draft-mavrogiannopoulos-openconnect). The numbers are those of CSTP.
 */
export const DtlsPacketType = {
  /** One IP packet. */
  Data: 0,
  /** Dead peer detection request; the answer must have the same length. */
  DpdRequest: 3,
  /** Answer to a request, of the same length. */
  DpdResponse: 4,
  /** The peer ends the session. */
  Disconnect: 5,
  Keepalive: 7,
  /** One compressed IP packet; only if compression was negotiated. */
  CompressedData: 8,
} as const;

/** Bytes that the channel's framing adds before a payload. */
export const DTLS_CHANNEL_HEADER = 1;

/**
 * Turns a DPD request into its answer in place: only the type changes, so the length stays the same. Clients use the
 * length to measure the path MTU; an answer of another length means "this size did not pass" (observed: openconnect 9.01).
 */
export function answerDpdInPlace(buffer: Buffer, offset: number): void {
  buffer[offset] = DtlsPacketType.DpdResponse;
}

/** A DPD request padded to a total of `length` bytes, to prove that packets of that size pass. */
export function serializeDpdRequest(length: number = DTLS_CHANNEL_HEADER): Buffer {
  const packet = Buffer.alloc(Math.max(DTLS_CHANNEL_HEADER, length), 0x5a);
  packet[0] = DtlsPacketType.DpdRequest;
  return packet;
}

/** Bytes of X-DTLS-App-ID and X-DTLS-Session-ID, as in ocserv 1.3.0; clients send them as the session id of their ClientHello. */
export const APP_ID_BYTES = 32;

/** Extension in which older openconnect clients repeat the App-ID, after a length byte (as ocserv 1.3.0). */
export const APP_ID_EXTENSION = 48_018;

/** The pre-shared key is exported from the TLS session of the CSTP connection: 32 bytes, no context (draft-mavrogiannopoulos-openconnect). */
export const PSK_LABEL = 'EXPORTER-openconnect-psk';
export const PSK_BYTES = 32;

/** The item of X-DTLS-CipherSuite that requests such a key and, in the answer, confirms it (draft-mavrogiannopoulos-openconnect). */
export const PSK_NEGOTIATE = 'PSK-NEGOTIATE';
