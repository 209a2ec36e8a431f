/** An unsigned number in network order. */
export function uint(value: number, bytes: 1 | 2 | 3): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
}

/** `body` with its length before it. */
export function vector(body: Uint8Array, lengthBytes: 1 | 2 | 3): Buffer {
  const out = Buffer.allocUnsafe(lengthBytes + body.length);
  out.writeUIntBE(body.length, 0, lengthBytes);
  out.set(body, lengthBytes);
  return out;
}

/** 16-bit numbers in network order. */
export function numbers(values: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(values.length * 2);
  values.forEach((value, i) => void out.writeUInt16BE(value, i * 2));
  return out;
}
