/** DNS over TCP: the length precedes each message (RFC 1035 §4.2.2, RFC 7766 §8). */

const LENGTH_BYTES = 2;

/** The length to send before a message. */
export function lengthOf(message: Buffer): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt16BE(message.length);
  return bytes;
}

/** Splits a stream into messages. Each byte is copied once, however small the pieces of the stream. */
export class DnsFramer {
  readonly #maxMessage: number;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #target: Buffer = this.#length;
  #filled = 0;

  /** @param maxMessage in bytes */
  constructor(maxMessage: number) {
    this.#maxMessage = maxMessage;
  }

  /** Calls back with each complete message. False: a message exceeds the limit, and the rest of the stream cannot be read. */
  push(chunk: Buffer, onMessage: (message: Buffer) => void): boolean {
    let at = 0;
    while (at < chunk.length) {
      const taken = chunk.copy(this.#target, this.#filled, at);
      at += taken;
      this.#filled += taken;
      if (this.#filled < this.#target.length) return true;
      this.#filled = 0;
      if (this.#target === this.#length) {
        const length = this.#length.readUInt16BE(0);
        if (length > this.#maxMessage) return false;
        if (length > 0) this.#target = Buffer.alloc(length);
      } else {
        const message = this.#target;
        this.#target = this.#length;
        onMessage(message);
      }
    }
    return true;
  }
}
