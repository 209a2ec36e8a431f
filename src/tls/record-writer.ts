import type { TLSSocket } from 'node:tls';
import { GROUP_BYTES, MAX_FRAGMENT, MAX_QUEUED_BYTES, MAX_WAITING_PACKETS, MIN_FRAGMENT } from './constants.ts';
import { DirectPath, WriteOutcome } from './direct-path.ts';
import { directWriteForm } from './direct-trial.ts';
import type { Transport } from './transport.ts';

/*
 * One packet, one TLS record. Stock clients drop two packets in a record and quit on one packet in two records, and
 * Node's TLS stream merges writes that wait for one another into records of its own choosing. Two things put this right:
 *
 * 1. Runs. OpenSSL cuts one write into records of the maximum fragment size, which may be lowered at any time, though
 *    never raised again. So packets of the largest size that the tunnel has, which is what bulk transfers consist of, and one
 *    shorter packet at the end of them, are laid side by side and written at once, with the fragment size set to theirs.
 * 2. Writes without waiting (direct-path.ts). Then any number of writes is made in one turn, and they leave with one system call.
 *
 * The first needs Node's public interface only. Where the second is not to be had, each write waits for the callback of the one
 * before: the same records, only fewer writes in a turn.
 */

/** Room for runs; as many as there were connections with a run in the same turn. */
const spareRooms: Buffer[] = [];
const MAX_SPARE_ROOMS = 32;

/** Sizes that can be cut at: OpenSSL takes no fragment below 512, and shortens multiples of 4096 for some old ciphers. */
const canCutAt = (size: number): boolean => size >= MIN_FRAGMENT && size <= MAX_FRAGMENT && (size & 0xfff) !== 0;

export interface RecordWriterOptions {
  /** Bytes queued before packets are dropped. */
  readonly limit?: number;
  /** Test seam: behave as if the trial of Node's insides had failed. */
  readonly portable?: boolean;
}

/**
 * Writes packets to a TLS connection, each as exactly one record, and drops what does not fit the queue. Packets go out at
 * the end of the turn; nothing else may be written to the connection before `flush`.
 */
export class RecordWriter {
  /** Packets taken. */
  written = 0;
  /** Packets dropped because the queue was full. */
  dropped = 0;
  readonly #tls: TLSSocket;
  readonly #transport: Transport;
  readonly #direct: DirectPath | undefined;
  readonly #limit: number;
  /** Size of the packets that runs are made of; 0 = no runs. */
  #runSize = 0;
  /** The run that is being laid out, and how far it reaches. */
  #room: Buffer | undefined;
  #runEnd = 0;
  /** Where OpenSSL cuts now: a larger packet would be torn. */
  #fragment = MAX_FRAGMENT;
  #flushPlanned = false;
  /** Finished runs and packets that wait during a write; those before `#next` are already written. */
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

  /** To be made right after the TLS socket, before anything is written to it. */
  constructor(tls: TLSSocket, transport: Transport, options: RecordWriterOptions = {}) {
    this.#tls = tls;
    this.#transport = transport;
    this.#limit = options.limit ?? MAX_QUEUED_BYTES;
    const form = options.portable ? undefined : directWriteForm();
    this.#direct = form === undefined ? undefined : DirectPath.take(tls, transport, form, this.#onComplete);
  }

  /**
   * Tells the size of the largest packets to come, header included, which may then be written in runs. From the first run on
   * larger ones are refused.
   */
  expect(largest: number): void {
    this.#endRun();
    this.#runSize = canCutAt(largest) && largest <= this.#fragment ? largest : 0;
  }

  /** Largest packet that can be sent in one record now. */
  get largest(): number {
    return this.#fragment;
  }

  /** True when writes complete at once, false when each waits for the callback of the one before. */
  get direct(): boolean {
    return this.#direct !== undefined;
  }

  /** Bytes between here and the kernel. */
  get queuedBytes(): number {
    return this.#runEnd + this.#waitingBytes + this.#transport.queuedBytes;
  }

  /**
   * Sends `buffer[start, end)` as one record; the bytes may be reused at once. False: dropped.
   * At most 16,384 bytes.
   */
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
      // A shorter packet can be the last of a run, and only that.
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

  /** Hands everything to the kernel now instead of at the end of the turn. */
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

  /** The connection is gone: nothing more is sent. */
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

  /** Has OpenSSL cut at the size of runs. Not while a larger packet waits, which that would tear. */
  #lowerFragment(): boolean {
    if (this.#fragment === this.#runSize) return true;
    if (this.#waiting.some((bytes) => bytes !== undefined && bytes.length > this.#runSize)) return false;
    this.#fragment = this.#runSize;
    this.#tls.setMaxSendFragment(this.#runSize);
    return true;
  }

  /** Encrypts now, or keeps a copy until that can be done. */
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
    // Not one by one from the front of an array, which would move all that is behind.
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
