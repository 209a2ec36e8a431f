/** Content types of a DTLS record (RFC 6347 §4.1), and the handshake messages that are told apart (§4.3.2). */
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const APPLICATION = 23;
const CLIENT_HELLO = 1;
const HELLO_VERIFY_REQUEST = 3;

/**
 * What a datagram is by what can be seen of it without a key: the first record's type, and the first message's while handshake messages
 * are in the clear. A flight in several datagrams has a kind for each.
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

/** Types of the data channel's packets, as they are in an application record after decryption. */
const PACKETS: Readonly<Record<number, string>> = {
  0: 'data',
  3: 'dpd',
  4: 'dpd',
  5: 'disconnect',
  7: 'keepalive',
  8: 'data',
};

/** What a packet of the data channel is, by its first byte. */
export function packetKind(type: number | undefined): string {
  return PACKETS[type ?? -1] ?? 'other';
}
