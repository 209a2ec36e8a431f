import { ByteReader } from '../protocol/byte-reader.ts';
import { uint, vector } from '../protocol/byte-writer.ts';
import { type Extensions, readExtensions, serializeExtensions } from './hello-extensions.ts';
import { type HelloStart, readHelloStart } from './hello-start.ts';

/** ServerHello (RFC 5246 §7.4.1.3). */
export interface ServerHello extends HelloStart {
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  readonly extensions: Extensions;
}

export function parseServerHello(body: Buffer): ServerHello | undefined {
  const reader = new ByteReader(body);
  const start = readHelloStart(reader);
  const cipherSuite = reader.uint(2);
  const compressionMethod = reader.uint(1);
  const extensions = readExtensions(reader);
  return extensions && { ...start, cipherSuite, compressionMethod, extensions };
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
