/** What a piece of code did to buffers, in bytes. */
export interface BufferWork {
  /** Searched, copied or turned into text. */
  touched: number;
  /** Asked for as new memory. */
  allocated: number;
}

/**
 * Runs code and counts the bytes that it searches, copies, decodes and allocates by way of `Buffer`: a measure of cost that does
 * not depend on the machine.
 */
export function countBufferWork(run: () => void): BufferWork {
  const work: BufferWork = { touched: 0, allocated: 0 };
  const { indexOf, copy, toString: decode } = Buffer.prototype;
  const { concat, allocUnsafeSlow, allocUnsafe, from } = Buffer;
  Buffer.prototype.indexOf = function (this: Buffer, ...args: Parameters<typeof indexOf>) {
    const found = indexOf.apply(this, args);
    const start = Number(args[1] ?? 0);
    work.touched += (found < 0 ? this.length : found + 1) - start;
    return found;
  } as typeof indexOf;
  Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<typeof copy>) {
    const count = copy.apply(this, args);
    work.touched += count;
    return count;
  };
  Buffer.prototype.toString = function (this: Buffer, ...args: Parameters<typeof decode>) {
    const text = decode.apply(this, args);
    work.touched += text.length;
    return text;
  };
  const allocating = <F extends (...args: never[]) => Buffer>(make: F): F =>
    ((...args: Parameters<F>) => {
      const buffer = make.apply(Buffer, args);
      work.allocated += buffer.length;
      return buffer;
    }) as F;
  Object.assign(Buffer, {
    concat: allocating(concat),
    allocUnsafeSlow: allocating(allocUnsafeSlow),
    allocUnsafe: allocating(allocUnsafe),
    from: allocating(from as (...args: never[]) => Buffer),
  });
  try {
    run();
  } finally {
    Object.assign(Buffer.prototype, { indexOf, copy, toString: decode });
    Object.assign(Buffer, { concat, allocUnsafeSlow, allocUnsafe, from });
  }
  return work;
}
