import { Socket } from 'node:net';

/*
 * Node takes 64 KiB for each read of a TCP socket, and memory of its own for each record of TLS, unless a socket is made with `onread`
 * (net, "new net.Socket"), which has each read go into the same memory. A server's sockets, and TLS around a stream, cannot be made
 * so. They are given the same afterwards, by what the constructor does for that option: two properties, and a call to the handle.
 *
 * Which properties these are is learned from a socket that is made with the option. Nothing here is used before a trial in this very
 * process has shown that it does what is expected (direct-trial.ts).
 */

/** Memory that many sockets read into, one after the other. Who is handed bytes in it has to be done with them when the call returns. */
export class ReadMemory {
  readonly bytes: Buffer;
  #afterRead: ((length: number) => void) | undefined;

  constructor(size: number) {
    // Of its own, not of a pool: nothing else may lie beside it, and it is never freed while a handle holds its address.
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Calls `afterRead` after each read with its number of bytes, so a trial or test can overwrite them to detect code that keeps them. */
  watch(afterRead: ((length: number) => void) | undefined): void {
    this.#afterRead = afterRead;
  }

  /** A read is over, and its reader has returned. */
  done(length: number): void {
    this.#afterRead?.(length);
  }

  /** The first `length` bytes. */
  head(length: number): Buffer {
    return length === this.bytes.length ? this.bytes : this.bytes.subarray(0, length);
  }
}

interface Insides {
  readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
}

interface Keys {
  readonly buffer: symbol;
  readonly callback: symbol;
}

let keys: Keys | false | undefined;

/** Under which names Node keeps the memory and the callback of `onread`; false when it does not keep them as expected. */
function learnKeys(): Keys | false {
  const buffer = Buffer.alloc(1);
  const callback = (): boolean => true;
  const made = new Socket({ onread: { buffer, callback } });
  const plain = Object.getOwnPropertySymbols(new Socket());
  const keyOf = (value: unknown): symbol | undefined =>
    plain.find((key) => (made as unknown as Record<symbol, unknown>)[key] === value);
  const found = { buffer: keyOf(buffer), callback: keyOf(callback) };
  return found.buffer && found.callback ? { buffer: found.buffer, callback: found.callback } : false;
}

/**
 * Has every further read of a socket go into `memory`, and `take` called with it instead of a 'data' event. What the socket has read
 * already still comes as events. Whether the socket reads at all is for `pause` and `resume` to say, as before.
 * @returns false when Node, or this kind of stream, has not the parts that are needed: all stays as it was
 */
export function readInto(socket: unknown, memory: ReadMemory, take: (chunk: Buffer) => void): boolean {
  const handle = (socket as Insides)._handle;
  if (!(socket instanceof Socket) || typeof handle?.useUserBuffer !== 'function') return false;
  keys ??= learnKeys();
  if (!keys || !(keys.buffer in socket) || !(keys.callback in socket)) return false;
  const onRead = (length: number): boolean => {
    take(memory.head(length));
    memory.done(length);
    return true;
  };
  Object.assign(socket, { [keys.buffer]: memory.bytes, [keys.callback]: onRead });
  handle.useUserBuffer(memory.bytes);
  return true;
}
