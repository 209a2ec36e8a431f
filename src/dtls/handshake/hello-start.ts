import type { ByteReader } from '../protocol/byte-reader.ts';
import { MAX_SESSION_ID, RANDOM_LENGTH } from '../protocol/constants.ts';

/** Common start of both hellos (RFC 5246 §7.4.1.2, §7.4.1.3). Buffers of a parsed hello are views. */
export interface HelloStart {
  readonly version: number;
  readonly random: Buffer;
  /** 0 to 32 bytes. */
  readonly sessionId: Buffer;
}

/** Reads the start of a hello; the reader has failed when it is malformed. */
export function readHelloStart(reader: ByteReader): HelloStart {
  return { version: reader.uint(2), random: reader.bytes(RANDOM_LENGTH), sessionId: reader.vector(1, MAX_SESSION_ID) };
}
