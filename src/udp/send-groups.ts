import type { MessageVector } from './message-vector.ts';

/** Bytes of `struct mmsghdr`, and of a control message that holds one 16-bit number: CMSG_SPACE(2), CMSG_LEN(2). */
const HEADER = 64;
const CONTROL = 24;
const CONTROL_LENGTH = 18;

// udp(7), linux/udp.h
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

/** Limits of one message: UDP_MAX_SEGMENTS of older kernels, and the largest UDP payload with a margin. */
const MAX_SEGMENTS = 64;
const MAX_BYTES = 64_000;

/**
 * Combines queued datagrams into fewer messages: consecutive datagrams of the same length (the last may be shorter) to the same receiver
 * become one message, which the kernel splits as late as it can (UDP_SEGMENT, "GSO"). It passes routing, firewall and driver once instead
 * of once per datagram.
 *
 * The datagrams are not moved: the iovecs of consecutive slots are consecutive, so a message takes several of them.
 */
export class SendGroups {
  /** Address of the first header. */
  readonly address: number;
  /** Number of datagrams in each message of the last `build`. */
  readonly counts: Uint16Array;
  readonly #vector: MessageVector;
  readonly #memory: ArrayBuffer;
  readonly #words: Uint32Array;

  constructor(vector: MessageVector, addressOf: (memory: ArrayBuffer) => number) {
    this.#vector = vector;
    this.#memory = new ArrayBuffer(vector.count * (HEADER + CONTROL));
    this.#words = new Uint32Array(this.#memory);
    this.address = addressOf(this.#memory);
    this.counts = new Uint16Array(vector.count);
    const words = this.#words;
    const controls = vector.count * HEADER;
    for (let i = 0; i < vector.count; i++) {
      const at = (i * HEADER) >> 2;
      const control = (controls + i * CONTROL) >> 2;
      words[at + 2] = vector.nameLength;
      this.#pointer(at + 8, this.address + controls + i * CONTROL);
      words[control] = CONTROL_LENGTH;
      words[control + 2] = SOL_UDP;
      words[control + 3] = UDP_SEGMENT;
    }
  }

  /**
   * Describes `count` slots starting at `first`; returns the number of messages.
   *
   * @param to receiver of each slot; datagrams are combined if it is the same object
   * @param segment false = one message per datagram
   */
  build(first: number, count: number, to: readonly unknown[], segment: boolean): number {
    const vector = this.#vector;
    const words = this.#words;
    const controls = (vector.count * HEADER) >> 2;
    let messages = 0;
    for (let slot = first; slot < first + count; messages++) {
      const length = vector.lengthSet(slot);
      let size = 1;
      if (segment) {
        let bytes = length;
        for (let next = slot + 1; next < first + count && size < MAX_SEGMENTS && to[next] === to[slot]; next++) {
          const more = vector.lengthSet(next);
          bytes += more;
          if (more > length || bytes > MAX_BYTES || more === 0) break;
          size++;
          if (more < length) break;
        }
      }
      const at = messages * (HEADER >> 2);
      this.#pointer(at, vector.address + vector.names + slot * 32);
      this.#pointer(at + 4, vector.address + vector.iovecs + slot * 16);
      words[at + 6] = size;
      words[at + 10] = size > 1 ? CONTROL : 0;
      if (size > 1) words[controls + messages * (CONTROL >> 2) + 4] = length;
      this.counts[messages] = size;
      slot += size;
    }
    return messages;
  }

  #pointer(word: number, address: number): void {
    this.#words[word] = address >>> 0;
    this.#words[word + 1] = Math.floor(address / 0x1_0000_0000);
  }
}
