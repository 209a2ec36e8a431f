/** Content types of a DTLS record (RFC 6347 §4.1), and the handshake messages to distinguish (RFC 6347 §4.3.2). */
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const APPLICATION = 23;
const CLIENT_HELLO = 1;
const HELLO_VERIFY_REQUEST = 3;

/**
 * Kind of a datagram as visible without a key: the type of its first record or, while handshake messages are in the clear, of its first
 * message. Each datagram of a flight has its own kind.
 */
export function datagramKind(buffer: Buffer, offset: number, length: number): string {
  if (length < 13) return 'other';
  switch (buffer[offset]) {
    case APPLICATION:
      return 'application';
    case ALERT:
      return 'alert';
    case CHANGE_CIPHER_SPEC:
      return 'change-cipher';
    case HANDSHAKE: {
      const encrypted = buffer[offset + 3] !== 0 || buffer[offset + 4] !== 0;
      if (encrypted || length < 14) return 'handshake';
      const type = buffer[offset + 13];
      return type === CLIENT_HELLO ? 'client-hello' : type === HELLO_VERIFY_REQUEST ? 'hello-verify' : 'handshake';
    }
    default:
      return 'other';
  }
}

/** Types of the data channel's packets, in the decrypted application record. */
const PACKETS: Readonly<Record<number, string>> = {
  0: 'data',
  3: 'dpd',
  4: 'dpd',
  5: 'disconnect',
  7: 'keepalive',
  8: 'data',
};

/** Kind of a packet of the data channel, from its first byte. */
export function packetKind(type: number | undefined): string {
  return PACKETS[type ?? -1] ?? 'other';
}
