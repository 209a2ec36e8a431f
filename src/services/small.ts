import type { Duplex } from 'node:stream';
import { Readable, Writable } from 'node:stream';
import { GENERATOR_CHUNK_BYTES } from './constants.ts';
import { patternChunk } from './pattern.ts';
import type { DatagramService, StreamService } from './types.ts';

/** Creates a stream service from one function; closing it ends the open streams. */
function streamService(name: string, serve: (stream: Duplex) => void): StreamService {
  const streams = new Set<Duplex>();
  return {
    name,
    open(stream) {
      streams.add(stream);
      stream.once('close', () => streams.delete(stream));
      stream.on('error', () => stream.destroy());
      serve(stream);
    },
    async close() {
      for (const stream of streams) stream.destroy();
    },
  };
}

/** Echoes what it receives (RFC 862). */
export const createEcho = (): StreamService => streamService('echo', (stream) => void stream.pipe(stream));

/** Discards what it receives (RFC 863). */
export const createDiscard = (): StreamService =>
  streamService('discard', (stream) => {
    stream.pipe(new Writable({ write: (_chunk, _encoding, done) => done() }));
    stream.once('end', () => stream.end());
  });

/** Sends the test pattern endlessly (similar to RFC 864). */
export const createGenerator = (): StreamService =>
  streamService('generator', (stream) => {
    let sent = 0;
    const source = new Readable({
      highWaterMark: GENERATOR_CHUNK_BYTES,
      read() {
        const chunk = patternChunk(sent, GENERATOR_CHUNK_BYTES);
        sent += chunk.length;
        this.push(chunk);
      },
    });
    stream.once('close', () => source.destroy());
    stream.resume();
    source.pipe(stream);
  });

/** Echoes each datagram (RFC 862). */
export const datagramEcho: DatagramService = { name: 'echo', answer: (payload) => payload };

/** Discards each datagram (RFC 863). */
export const datagramDiscard: DatagramService = { name: 'discard', answer: () => undefined };
