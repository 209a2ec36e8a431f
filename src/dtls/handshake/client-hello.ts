import { ByteReader } from '../protocol/byte-reader.ts';
import { numbers, uint, vector } from '../protocol/byte-writer.ts';
import { DTLS_1_2 } from '../protocol/constants.ts';
import { type Extensions, readExtensions, serializeExtensions } from './hello-extensions.ts';
import { type HelloStart, readHelloStart } from './hello-start.ts';

/** ClientHello (RFC 5246 §7.4.1.2 with the cookie of RFC 6347 §4.2.1). */
export interface ClientHello extends HelloStart {
  readonly cookie: Buffer;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Buffer;
  readonly extensions: Extensions;
}

/** Reads the body of a ClientHello; undefined when malformed. */
export function parseClientHello(body: Buffer): ClientHello | undefined {
  const reader = new ByteReader(body);
  const start = readHelloStart(reader);
  const cookie = reader.vector(1);
  const cipherSuites = reader.numbers(2);
  const compressionMethods = reader.vector(1);
  const extensions = readExtensions(reader);
  if (!extensions || cipherSuites.length === 0) return undefined;
  return { ...start, cookie, cipherSuites, compressionMethods, extensions };
}

/** The part before the cipher suites, read from the first fragment of a ClientHello: enough for the cookie exchange. */
export function parseClientHelloStart(fragment: Buffer): (HelloStart & Pick<ClientHello, 'cookie'>) | undefined {
  const reader = new ByteReader(fragment);
  const start = readHelloStart(reader);
  const cookie = reader.vector(1);
  return reader.failed ? undefined : { ...start, cookie };
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

/** True when the client supports DTLS 1.2: it offers that version or a later one (version numbers count down). */
export function offersDtls12(hello: ClientHello): boolean {
  return hello.version >>> 8 === 0xfe && hello.version <= DTLS_1_2;
}
