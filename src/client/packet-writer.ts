import type { TLSSocket } from 'node:tls';
import { CSTP_HEADER_BYTES, serializeCstp, writeCstpHeader } from '../wire/cstp.ts';
import { MAX_QUEUED_PACKETS } from './constants.ts';

/**
 * Writes CSTP packets, one TLS record each: every write starts after the one before it was encrypted, because Node
 * merges writes that wait together into records of its own choosing.
 */
export class PacketWriter {
  readonly #socket: TLSSocket;
  readonly #queue: Buffer[] = [];
  #busy = false;
  #dropped = 0;
  #bytes = 0;
  #onDrained: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  /** Packets dropped because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Payload bytes taken for sending. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Queues a copy of `buffer[offset, offset + length)` as the payload of one packet. */
  send(type: number, buffer: Buffer, offset: number, length: number): boolean {
    if (this.#queue.length >= MAX_QUEUED_PACKETS) {
      this.#dropped += 1;
      return false;
    }
    const packet = Buffer.allocUnsafe(CSTP_HEADER_BYTES + length);
    writeCstpHeader(packet, 0, type, length);
    buffer.copy(packet, CSTP_HEADER_BYTES, offset, offset + length);
    this.#bytes += length;
    this.#push(packet);
    return true;
  }

  /** Queues a control packet. */
  control(type: number, payload?: Uint8Array): void {
    this.#push(serializeCstp(type, payload));
  }

  /** Resolves once everything queued was handed to the connection, or the connection is gone. */
  drained(): Promise<void> {
    if (!this.#busy || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#socket.once('close', resolve);
    });
  }

  #push(packet: Buffer): void {
    if (this.#busy) this.#queue.push(packet);
    else this.#write(packet);
  }

  #write(packet: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#busy = true;
    this.#socket.write(packet, this.#written);
  }

  readonly #written = (): void => {
    const next = this.#queue.shift();
    if (next) {
      this.#write(next);
      return;
    }
    this.#busy = false;
    this.#onDrained?.();
  };
}
