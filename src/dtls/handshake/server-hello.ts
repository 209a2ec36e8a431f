import { ByteReader } from '../byte-reader.ts';
import { uint, vector } from '../byte-writer.ts';
import { RANDOM_LENGTH } from '../constants.ts';
import { type Extensions, readExtensions, serializeExtensions } from './hello-extensions.ts';

/** ServerHello (RFC 5246 §7.4.1.3). Buffers of a parsed one are views. */
export interface ServerHello {
  readonly version: number;
  readonly random: Buffer;
  readonly sessionId: Buffer;
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  readonly extensions: Extensions;
}

export function parseServerHello(body: Buffer): ServerHello | undefined {
  const reader = new ByteReader(body);
  const version = reader.uint(2);
  const random = reader.bytes(RANDOM_LENGTH);
  const sessionId = reader.vector(1);
  const cipherSuite = reader.uint(2);
  const compressionMethod = reader.uint(1);
  if (reader.failed || sessionId.length > 32) return undefined;
  const extensions = readExtensions(reader);
  return extensions && { version, random, sessionId, cipherSuite, compressionMethod, extensions };
}

export function serializeServerHello(hello: ServerHello): Buffer {
  return Buffer.concat([
    uint(hello.version, 2),
    hello.random,
    vector(hello.sessionId, 1),
    uint(hello.cipherSuite, 2),
    uint(hello.compressionMethod, 1),
    serializeExtensions(hello.extensions),
  ]);
}
