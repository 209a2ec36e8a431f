import type { Writable } from 'node:stream';
import { pcapngStatistics } from '../wire/pcapng.ts';
import type { SideBlock } from './block-list.ts';
import type { Capture } from './capture.ts';

/** Bytes that may wait for the consumer before reading pauses. */
const MAX_WAITING = 1024 * 1024;

/** Bytes per read. */
const PIECE = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/** Reads a capture as a file at its own pace, starting with the oldest remaining packet. Counts packets overwritten before they were read. */
export class CaptureReader {
  readonly #capture: Capture;
  #begun = false;
  #at: number;
  #block: number;
  #interface = 0;
  #secret = 0;
  #lost = 0;

  /** @param begin `now`: skips earlier packets */
  constructor(capture: Capture, begin: 'oldest' | 'now' = 'oldest') {
    this.#capture = capture;
    const { ring } = capture;
    this.#at = begin === 'now' ? ring.head : ring.tail;
    this.#block = begin === 'now' ? ring.next : ring.first;
  }

  /** Packets overwritten before they were read. */
  get lost(): number {
    return this.#lost;
  }

  /** The next part, in whole blocks; empty when there is no data yet. */
  read(max = PIECE): Buffer {
    const { ring, section } = this.#capture;
    const parts: Buffer[] = [];
    let size = 0;
    const take = (bytes: Buffer): void => {
      parts.push(bytes);
      size += bytes.length;
    };
    if (!this.#begun) {
      this.#begun = true;
      take(section);
    }
    if (this.#at < ring.tail) {
      this.#lost += ring.first - this.#block;
      this.#at = ring.tail;
      this.#block = ring.first;
    }
    while (size < max) {
      const side = this.#side();
      if (side !== undefined && side.block.at <= this.#at) {
        side.taken();
        take(side.block.bytes);
        continue;
      }
      if (this.#at >= ring.head) break;
      const { bytes, end, blocks } = ring.read(this.#at, max - size, side?.block.at);
      this.#at = end;
      this.#block += blocks;
      take(bytes);
    }
    if (parts.length === 0) return NOTHING;
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, size);
  }

  /** The last block of a file: packet statistics, including what is missing. */
  end(time: number): Buffer {
    return pcapngStatistics(0, { time, received: this.#capture.ring.next, dropped: this.#lost });
  }

  /** The next block that others depend on: interfaces before keys. */
  #side(): { readonly block: SideBlock; readonly taken: () => void } | undefined {
    const { interfaces, secrets } = this.#capture;
    const face = interfaces.from(this.#interface);
    const secret = secrets.from(this.#secret);
    if (face !== undefined && (secret === undefined || face.block.at <= secret.block.at)) {
      return { block: face.block, taken: () => (this.#interface = face.number + 1) };
    }
    return secret && { block: secret.block, taken: () => (this.#secret = secret.number + 1) };
  }
}

/**
 * Writes a capture to a destination until it stops: resolves with the number of packets lost because the destination was slow. The capture
 * never waits: while the destination is busy, the capture goes on and overwrites its oldest packets.
 * @param time timestamp of the last block, in milliseconds since the Unix epoch
 * @param signal stops early
 */
export function follow(
  capture: Capture,
  to: Writable,
  {
    begin,
    time,
    signal,
  }: { readonly begin: 'oldest' | 'now'; readonly time: () => number; readonly signal?: AbortSignal },
): Promise<{ readonly lost: number }> {
  const reader = new CaptureReader(capture, begin);
  return new Promise((resolve, reject) => {
    const finish = (error?: Error | null): void => {
      silence();
      to.off('drain', pump);
      signal?.removeEventListener('abort', pump);
      if (error) reject(error);
      else resolve({ lost: reader.lost });
    };
    const pump = (): void => {
      while (!to.writableEnded && !to.destroyed && to.writableLength < MAX_WAITING) {
        const bytes = reader.read();
        if (bytes.length > 0) {
          to.write(bytes);
          continue;
        }
        // Called after the destination accepts all data: the caller waits for this before it reads the file.
        if (capture.stopped || signal?.aborted) to.end(reader.end(time()), finish);
        return;
      }
    };
    const silence = capture.onData(pump);
    to.on('drain', pump);
    to.once('error', finish);
    to.once('close', finish);
    signal?.addEventListener('abort', pump, { once: true });
    pump();
  });
}

/** The remaining packets of a capture, as a file. */
export function captureFile(capture: Capture, time: number): Buffer {
  const reader = new CaptureReader(capture);
  const parts: Buffer[] = [];
  for (let bytes = reader.read(); bytes.length > 0; bytes = reader.read()) parts.push(bytes);
  return Buffer.concat([...parts, reader.end(time)]);
}
