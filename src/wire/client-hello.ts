/** Facts about a client from its TLS ClientHello (RFC 8446 §4.1.2), which may be incomplete. */
export interface ClientHelloFacts {
  /** The requested name (server_name, RFC 6066 §3). */
  readonly serverName: string | undefined;
  /** The TLS library that sends such a hello, if recognized. */
  readonly library: TlsLibrary | undefined;
}

/** TLS libraries recognized by their hello. */
export type TlsLibrary = 'BoringSSL' | 'GnuTLS' | 'OpenSSL';

const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
/** Record header, handshake header, version and random. */
const BEFORE_SESSION_ID = 5 + 4 + 2 + 32;

const SERVER_NAME = 0;
const POINT_FORMATS = 11;
const RECORD_SIZE_LIMIT = 28;
const DELEGATED_CREDENTIALS = 34;

/** Longest DNS name, in characters. */
const MAX_NAME = 253;

/**
 * Reads the start of a connection. Never throws; a truncated hello gives fewer facts. Undefined when the connection does not start with
 * a ClientHello.
 *
 * @param bytes the first bytes of the client, starting with the record header
 */
export function parseClientHello(bytes: Buffer): ClientHelloFacts | undefined {
  if (bytes.length < 6 || bytes[0] !== HANDSHAKE || bytes[5] !== CLIENT_HELLO) return undefined;
  const after = (at: number, size: 1 | 2): number =>
    at + size <= bytes.length ? at + size + bytes.readUIntBE(at, size) : bytes.length;
  const ciphersAt = after(BEFORE_SESSION_ID, 1);
  const extensionsAt = after(after(ciphersAt, 2), 1);
  const extensions = new Map<number, Buffer>();
  let grease = ciphersAt + 4 <= bytes.length && isGrease(bytes.readUInt16BE(ciphersAt + 2));
  for (let at = extensionsAt + 2; at + 4 <= bytes.length; ) {
    const type = bytes.readUInt16BE(at);
    const end = after(at + 2, 2);
    if (isGrease(type)) grease = true;
    else extensions.set(type, bytes.subarray(at + 4, Math.min(end, bytes.length)));
    at = end;
  }
  return { serverName: nameOf(extensions.get(SERVER_NAME)), library: libraryOf(extensions, grease) };
}

/** Reserved values without meaning, which clients send to keep servers tolerant of unknown values (RFC 8701 §2). */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** The first host name of the list. */
function nameOf(extension: Buffer | undefined): string | undefined {
  if (extension === undefined || extension.length < 5 || extension[2] !== 0) return undefined;
  const length = extension.readUInt16BE(3);
  if (length === 0 || length > MAX_NAME || 5 + length > extension.length) return undefined;
  return extension.toString('latin1', 5, 5 + length);
}

/** Identifies a library by an extension that the others do not send. */
function libraryOf(extensions: ReadonlyMap<number, Buffer>, grease: boolean): TlsLibrary | undefined {
  if (grease) return 'BoringSSL';
  // NSS sends it too, but together with an extension that only NSS sends.
  if (extensions.has(RECORD_SIZE_LIMIT) && !extensions.has(DELEGATED_CREDENTIALS)) return 'GnuTLS';
  // All three point formats, which no other library still offers.
  return extensions.get(POINT_FORMATS)?.[0] === 3 ? 'OpenSSL' : undefined;
}
