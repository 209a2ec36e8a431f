import type { TLSSocket } from 'node:tls';
import { GROUP_BYTES, MAX_FRAGMENT, MAX_QUEUED_BYTES, MAX_WAITING_PACKETS, MIN_FRAGMENT } from './constants.ts';
import { DirectPath, WriteOutcome } from './direct-path.ts';
import { directWriteForm } from './direct-trial.ts';
import type { Transport } from './transport.ts';

/*
 * One packet per TLS record. Stock clients drop a record with two packets, and end the session on a packet in two records,
 * but Node's TLS stream merges pending writes into records of arbitrary size. Two techniques solve this:
 *
 * 1. Runs. OpenSSL splits one write into records of the maximum fragment size, which may be lowered at any time, but never raised
 *    again. Bulk transfers consist of packets of the tunnel's largest size. These, and one shorter packet after them, are stored side by
 *    side and written with one call, with the fragment size set to theirs.
 * 2. Writes that do not wait (direct-path.ts). Any number of writes is made in one turn, and sent with one system call.
 *
 * The first needs only Node's public interface. If the second is not available, each write waits for the callback of the previous one:
 * the same records, but fewer writes per turn.
 */

/** Memory for runs; one piece for each connection that had a run in the same turn. */
const spareRooms: Buffer[] = [];
const MAX_SPARE_ROOMS = 32;

/** Possible fragment sizes: OpenSSL accepts none below 512, and shortens multiples of 4096 for some old ciphers. */
const canCutAt = (size: number): boolean => size >= MIN_FRAGMENT && size <= MAX_FRAGMENT && (size & 0xfff) !== 0;

export interface RecordWriterOptions {
  /** Bytes queued before packets are dropped. */
  readonly limit?: number;
  /** Test seam: behave as if the trial of Node's internals had failed. */
  readonly portable?: boolean;
}

/**
 * Writes packets to a TLS connection, each as exactly one record, and drops what does not fit the queue. Packets go out at
 * the end of the turn; nothing else may be written to the connection before `flush`.
 */
export class RecordWriter {
  /** Packets accepted. */
  written = 0;
  /** Packets dropped because the queue was full. */
  dropped = 0;
  readonly #tls: TLSSocket;
  readonly #transport: Transport;
  readonly #direct: DirectPath | undefined;
  readonly #limit: number;
  /** Size of the packets that runs are made of; 0 = no runs. */
  #runSize = 0;
  /** The run being filled, and its length. */
  #room: Buffer | undefined;
  #runEnd = 0;
  /** Current fragment size of OpenSSL: a larger packet would be split. */
  #fragment = MAX_FRAGMENT;
  #flushPlanned = false;
  /** Finished runs and packets that wait for a write; those before `#next` have been written. */
  #waiting: (Buffer | undefined)[] = [];
  #next = 0;
  #waitingBytes = 0;
  /** A write is pending and did not complete at once. */
  #busy = false;
  #closed = false;
  #gone = false;
  /** Waits for the last packet to leave after `close`. */
  #done: (() => void) | undefined;
  readonly #onComplete = (): void => {
    this.#busy = false;
    this.#drain();
  };
  readonly #endOfTurn = (): void => {
    this.#flushPlanned = false;
    this.flush();
  };

  /** Create it right after the TLS socket, before anything is written to it. */
  constructor(tls: TLSSocket, transport: Transport, options: RecordWriterOptions = {}) {
    this.#tls = tls;
    this.#transport = transport;
    this.#limit = options.limit ?? MAX_QUEUED_BYTES;
    const form = options.portable ? undefined : directWriteForm();
    this.#direct = form === undefined ? undefined : DirectPath.take(tls, transport, form, this.#onComplete);
  }

  /**
   * Sets the size of the largest packets to expect, header included, which may then be written in runs. After the first run, larger packets
   * are dropped.
   */
  expect(largest: number): void {
    this.#endRun();
    this.#runSize = canCutAt(largest) && largest <= this.#fragment ? largest : 0;
  }

  /** Largest packet that can be sent in one record now. */
  get largest(): number {
    return this.#fragment;
  }

  /** Whether writes complete at once; otherwise each waits for the callback of the previous one. */
  get direct(): boolean {
    return this.#direct !== undefined;
  }

  /** Bytes not yet passed to the kernel. */
  get queuedBytes(): number {
    return this.#runEnd + this.#waitingBytes + this.#transport.queuedBytes;
  }

  /** Sends `buffer[start, end)` as one record; the memory may be reused at once. False: dropped. At most 16,384 bytes. */
  write(buffer: Buffer, start: number, end: number): boolean {
    const size = end - start;
    const waiting = this.#waiting.length - this.#next;
    const full = this.queuedBytes > this.#limit || (this.#direct !== undefined && waiting >= MAX_WAITING_PACKETS);
    if (this.#closed || full || size > this.#fragment) {
      this.dropped++;
      return false;
    }
    this.written++;
    const fits = this.#runEnd + size <= GROUP_BYTES;
    if (size === this.#runSize) {
      if (!fits) this.#endRun();
      this.#append(buffer, start, end);
    } else if (this.#runEnd > 0 && size < this.#runSize && fits) {
      // A shorter packet can only be the last of a run.
      this.#append(buffer, start, end);
      this.#endRun();
    } else {
      this.#endRun();
      this.#submit(buffer.subarray(start, end));
    }
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      queueMicrotask(this.#endOfTurn);
    }
    return true;
  }

  /** Passes everything to the kernel now instead of at the end of the turn. */
  flush(): void {
    this.#endRun();
    this.#transport.flush();
  }

  /** Accepts no more packets. Sends queued packets, after pending writes if necessary, then calls `done`. */
  close(done: () => void = () => {}): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#done = done;
    if (!this.#busy) this.#drain();
  }

  /** Call when the connection is closed: nothing more is sent. */
  abandon(): void {
    this.#closed = true;
    this.#gone = true;
    this.#done = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#waiting = [];
    this.#next = 0;
    this.#waitingBytes = 0;
  }

  #append(buffer: Buffer, start: number, end: number): void {
    this.#room ??= spareRooms.pop() ?? Buffer.allocUnsafeSlow(GROUP_BYTES);
    buffer.copy(this.#room, this.#runEnd, start, end);
    this.#runEnd += end - start;
  }

  #endRun(): void {
    if (this.#runEnd === 0) return;
    const room = this.#room!;
    const bytes = room.subarray(0, this.#runEnd);
    this.#room = undefined;
    this.#runEnd = 0;
    if (bytes.length <= this.#runSize || this.#lowerFragment()) {
      this.#submit(bytes);
    } else {
      for (let at = 0; at < bytes.length; at += this.#runSize) this.#submit(bytes.subarray(at, at + this.#runSize));
    }
    if (spareRooms.length < MAX_SPARE_ROOMS) spareRooms.push(room);
  }

  /** Sets OpenSSL's fragment size to that of runs, unless a larger packet waits, which would be split. */
  #lowerFragment(): boolean {
    if (this.#fragment === this.#runSize) return true;
    if (this.#waiting.some((bytes) => bytes !== undefined && bytes.length > this.#runSize)) return false;
    this.#fragment = this.#runSize;
    this.#tls.setMaxSendFragment(this.#runSize);
    return true;
  }

  /** Encrypts now, or keeps a copy until that is possible. */
  #submit(bytes: Buffer): void {
    if (this.#gone) return;
    if (!this.#busy && this.#direct) {
      this.#writeDirect(this.#direct, bytes);
      return;
    }
    this.#waiting.push(Buffer.from(bytes));
    this.#waitingBytes += bytes.length;
    if (!this.#busy) this.#drain();
  }

  #drain(): void {
    while (!this.#busy && this.#next < this.#waiting.length) {
      const bytes = this.#waiting[this.#next]!;
      this.#waiting[this.#next++] = undefined;
      this.#waitingBytes -= bytes.length;
      if (this.#direct) {
        this.#writeDirect(this.#direct, bytes);
      } else {
        this.#busy = true;
        this.#tls.write(bytes, this.#onComplete);
      }
    }
    // Do not remove from the front of the array one by one, which would move all other entries.
    if (this.#next === this.#waiting.length) this.#forget();
    if (this.#busy) return;
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  #writeDirect(direct: DirectPath, bytes: Buffer): void {
    const outcome = direct.write(bytes);
    if (outcome === WriteOutcome.Failed) {
      this.abandon();
      this.#tls.destroy();
    } else if (outcome === WriteOutcome.Pending) {
      this.#busy = true;
    }
  }
}
