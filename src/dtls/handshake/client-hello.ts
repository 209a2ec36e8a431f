import { ByteReader } from '../byte-reader.ts';
import { numbers, uint, vector } from '../byte-writer.ts';
import { DTLS_1_2, RANDOM_LENGTH } from '../constants.ts';
import { type Extensions, readExtensions, serializeExtensions } from './hello-extensions.ts';

/** ClientHello (RFC 5246 §7.4.1.2 with the cookie of RFC 6347 §4.2.1). Buffers of a parsed one are views. */
export interface ClientHello {
  readonly version: number;
  readonly random: Buffer;
  readonly sessionId: Buffer;
  readonly cookie: Buffer;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Buffer;
  readonly extensions: Extensions;
}

/** Reads the body of a ClientHello; undefined when malformed. */
export function parseClientHello(body: Buffer): ClientHello | undefined {
  const reader = new ByteReader(body);
  const version = reader.uint(2);
  const random = reader.bytes(RANDOM_LENGTH);
  const sessionId = reader.vector(1);
  const cookie = reader.vector(1);
  const cipherSuites = reader.numbers(2);
  const compressionMethods = reader.vector(1);
  if (reader.failed || sessionId.length > 32 || cipherSuites.length === 0) return undefined;
  const extensions = readExtensions(reader);
  return extensions && { version, random, sessionId, cookie, cipherSuites, compressionMethods, extensions };
}

/** What precedes the cipher suites, read from the first fragment of a ClientHello: enough for the cookie exchange. */
export function parseClientHelloStart(
  fragment: Buffer,
): Pick<ClientHello, 'random' | 'sessionId' | 'cookie'> | undefined {
  const reader = new ByteReader(fragment);
  reader.uint(2);
  const random = reader.bytes(RANDOM_LENGTH);
  const sessionId = reader.vector(1);
  const cookie = reader.vector(1);
  return reader.failed || sessionId.length > 32 ? undefined : { random, sessionId, cookie };
}

export function serializeClientHello(hello: ClientHello): Buffer {
  return Buffer.concat([
    uint(hello.version, 2),
    hello.random,
    vector(hello.sessionId, 1),
    vector(hello.cookie, 1),
    vector(numbers(hello.cipherSuites), 2),
    vector(hello.compressionMethods, 1),
    serializeExtensions(hello.extensions),
  ]);
}

/** True when the client can speak DTLS 1.2: its version is that, or a later one (numbers count down). */
export function offersDtls12(hello: ClientHello): boolean {
  return hello.version >>> 8 === 0xfe && hello.version <= DTLS_1_2;
}
