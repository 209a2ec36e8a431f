import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { DnsFramer, lengthOf } from '../wire/dns-stream.ts';
import { DNS_IDLE_MS, MAX_DNS_QUERY_BYTES } from './constants.ts';

/** Answers a message, now or later; undefined: no answer. */
type Answer = (message: Buffer) => Buffer | undefined | Promise<Buffer | undefined>;

/**
 * A client's connection to the resolver: messages with a two-byte length (RFC 1035 §4.2.2), each answered as soon as possible, in any
 * order (RFC 7766 §6.2.1.1). Reading pauses while a client does not read answers.
 */
export function serveDnsConnection(stream: Duplex, clock: Clock, answer: Answer): void {
  const framer = new DnsFramer(MAX_DNS_QUERY_BYTES);
  let idle: Timer | undefined;
  let waiting = 0;
  let ended = false;
  /** Queries already read, while there is no room for their answers. */
  let held: Buffer[] = [];

  const rearm = (): void => {
    idle?.cancel();
    idle = patience(clock, DNS_IDLE_MS, () => {
      if (waiting > 0) rearm();
      else stream.destroy();
    });
  };
  const endIfOver = (): void => {
    if (ended && waiting === 0 && held.length === 0) stream.end();
  };
  const send = (bytes: Buffer | undefined): void => {
    if (bytes === undefined || stream.destroyed) return;
    stream.write(Buffer.concat([lengthOf(bytes), bytes]));
  };
  const take = (message: Buffer): void => {
    const found = answer(message);
    if (!(found instanceof Promise)) {
      send(found);
      return;
    }
    waiting++;
    void found.then((bytes) => {
      waiting--;
      send(bytes);
      if (stream.destroyed) return;
      rearm();
      endIfOver();
    });
  };
  /** Answers as many queries as there is room for. */
  const work = (): void => {
    let done = 0;
    while (done < held.length && !stream.writableNeedDrain) take(held[done++]!);
    held = held.slice(done);
    if (held.length > 0 || stream.writableNeedDrain) stream.pause();
    else stream.resume();
    endIfOver();
  };
  stream.on('error', () => stream.destroy());
  stream.once('close', () => idle?.cancel());
  stream.once('end', () => {
    ended = true;
    endIfOver();
  });
  stream.on('drain', work);
  stream.on('data', (chunk: Buffer) => {
    rearm();
    const fits = framer.push(chunk, (message) => held.push(message));
    work();
    if (!fits) stream.destroy();
  });
  rearm();
}
