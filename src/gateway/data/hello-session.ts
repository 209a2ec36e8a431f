import { parseClientHello } from '../../dtls/handshake/client-hello.ts';
import { APP_ID_EXTENSION } from '../../wire/dtls-channel.ts';

/** Headers of the record and of the handshake message before the body of a ClientHello (RFC 6347 §4.1, §4.2.2). */
const BODY = 25;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;

/** The X-DTLS-App-ID of the client: extension 48018 of older clients, otherwise the session id (observed: openconnect 9.01; ocserv 1.3.0). */
export function applicationId(extension: Buffer | undefined, sessionId: Buffer): Buffer {
  return extension && extension.length > 1 && extension[0] === extension.length - 1 ? extension.subarray(1) : sessionId;
}

/** The same id from a datagram that starts with a complete ClientHello; undefined for all others. */
export function applicationIdOf(buffer: Buffer, offset: number, length: number): Buffer | undefined {
  if (length <= BODY || buffer[offset] !== HANDSHAKE || buffer[offset + 13] !== CLIENT_HELLO) return undefined;
  const end = offset + Math.min(length, BODY + buffer.readUIntBE(offset + 14, 3));
  const hello = parseClientHello(buffer.subarray(offset + BODY, end));
  return hello && applicationId(hello.extensions.get(APP_ID_EXTENSION), hello.sessionId);
}
