import { Socket } from 'node:net';

/*
 * Node allocates 64 KiB for each read of a TCP socket, and a new buffer for each TLS record, unless a socket is created with `onread` (net,
 * "new net.Socket"), which makes each read use the same memory. The sockets of a server, and TLS over a stream, cannot be created like
 * this. This module sets the same up afterward, in the way the constructor does it for the option: two properties, and a call of the
 * handle.
 *
 * The names of the properties are learned from a socket that is created with the option. Nothing here is used before a trial in the same
 * process has succeeded (direct-trial.ts).
 */

/** Memory that many sockets read into in turn. A reader must have processed the bytes when its call returns. */
export class ReadMemory {
  readonly bytes: Buffer;
  #afterRead: ((length: number) => void) | undefined;

  constructor(size: number) {
    // Not from a pool: nothing else may share its memory, and it is never freed while a handle has its address.
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Calls `afterRead` after each read with its number of bytes, so a trial or test can overwrite them to detect code that keeps them. */
  watch(afterRead: ((length: number) => void) | undefined): void {
    this.#afterRead = afterRead;
  }

  /** Call when the reader of a read has returned. */
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

/** The property names under which Node keeps the memory and the callback of `onread`; false if they are not as expected. */
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
 * Makes all further reads of a socket use `memory`, and calls `take` with it instead of emitting 'data' events. Data that the socket has
 * already read is still emitted as events. `pause` and `resume` control reading as before.
 * @returns false if this version of Node, or this kind of stream, lacks the necessary parts: nothing has changed
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
