import type { Buffer } from 'node:buffer';

/**
 * 32 bits in network order, as a signed integer, which V8 keeps unboxed. `Buffer.readInt32BE` is slower, because it checks its arguments.
 */
export function int32(buffer: Buffer, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}
