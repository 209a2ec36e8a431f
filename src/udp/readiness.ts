import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

/** Whom a descriptor's readiness is told. */
export interface ReadinessListener {
  /** There is something to read. Told again in the next turn of the event loop for as long as there is. */
  onReadable(): void;
  /** The first datagram was read by whoever watches; `onReadable` follows. */
  onFirst(message: Buffer, address: string, port: number): void;
  onError(): void;
}

/** Watches the descriptor of a bound UDP socket, until both are closed. */
export interface Readiness {
  close(): Promise<void>;
}

/** Begins to watch. When it fails, the descriptor is closed by the caller. */
export type Watch = (fd: number, family: 4 | 6, listener: ReadinessListener) => Promise<Readiness>;

/** By public means: `node:dgram` reads the first datagram itself, for which it takes 64 KiB, and tries to read another afterwards. */
export const watchByDgram: Watch = async (fd, family, listener) => {
  const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ fd, exclusive: true } as never, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  socket.on('error', () => listener.onError());
  socket.on('message', (message, from) => {
    listener.onFirst(message, from.address, from.port);
    listener.onReadable();
  });
  return { close: () => new Promise((resolve) => socket.close(() => resolve())) };
};

interface PipeHandle {
  open(fd: number): number | undefined;
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  onread: () => void;
  close(done: () => void): void;
}

type PipeClass = new (type: number) => PipeHandle;

/** What Node's class for pipes calls a connection, in contrast to a listener. */
const PIPE_SOCKET = 0;

let pipeClass: PipeClass | false | undefined;

/** Node's native class for pipes, from a socket that is not yet connected to anything; false where it is not as expected. */
function learnPipeClass(): PipeClass | false {
  // An abstract name (unix(7)), which no file system sees, and where nobody listens.
  const socket = connect({ path: `\0tunnelite-${process.pid}` });
  socket.on('error', () => {});
  const handle = (socket as unknown as { _handle?: Partial<PipeHandle> | null })._handle;
  socket.destroy();
  const parts = [handle?.open, handle?.useUserBuffer, handle?.readStart, handle?.close];
  return parts.every((part) => typeof part === 'function') ? ((handle as PipeHandle).constructor as PipeClass) : false;
}

/**
 * By an inside of Node: a pipe's handle on the descriptor, with memory of no length to read into. libuv then does not read, but says
 * each time that it has no room (ENOBUFS, `uv__read` in its stream.c). Nobody takes memory, and nobody makes a call in vain.
 * To be used after a trial only (readiness-trial.ts).
 */
export const watchByPipe: Watch = async (fd, _family, listener) => {
  pipeClass ??= learnPipeClass();
  if (!pipeClass) throw new Error('Node.js has no handle for pipes as expected.');
  const handle = new pipeClass(PIPE_SOCKET);
  handle.onread = () => listener.onReadable();
  const refused = handle.open(fd);
  if (refused) {
    handle.close(() => {});
    throw new Error(`A descriptor cannot be watched (${refused}).`);
  }
  handle.useUserBuffer(NO_ROOM);
  handle.readStart();
  return { close: () => new Promise((resolve) => handle.close(resolve)) };
};

const NO_ROOM = Buffer.alloc(0);
