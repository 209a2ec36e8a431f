import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

/** Receives notifications that a descriptor is ready. */
export interface ReadinessListener {
  /** Data can be read. Called again in each turn of the event loop while this is so. */
  onReadable(): void;
  /** The watcher has read the first datagram; `onReadable` follows. */
  onFirst(message: Buffer, address: string, port: number): void;
  onError(): void;
}

/** Watches the descriptor of a bound UDP socket until both are closed. */
export interface Readiness {
  close(): Promise<void>;
}

/** Starts watching. If this fails, the caller closes the descriptor. */
export type Watch = (fd: number, family: 4 | 6, listener: ReadinessListener) => Promise<Readiness>;

/** Uses public interfaces: `node:dgram` reads the first datagram itself, for which it allocates 64 KiB, and then tries to read another. */
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

/** Type of a connection in Node's class for pipes, as opposed to a server. */
const PIPE_SOCKET = 0;

let pipeClass: PipeClass | false | undefined;

/** Node's native class for pipes, obtained from an unconnected socket; false if it is not as expected. */
function learnPipeClass(): PipeClass | false {
  // An abstract name (unix(7)): it is in no file system, and nobody listens on it.
  const socket = connect({ path: `\0tunnelite-${process.pid}` });
  socket.on('error', () => {});
  const handle = (socket as unknown as { _handle?: Partial<PipeHandle> | null })._handle;
  socket.destroy();
  const parts = [handle?.open, handle?.useUserBuffer, handle?.readStart, handle?.close];
  return parts.every((part) => typeof part === 'function') ? ((handle as PipeHandle).constructor as PipeClass) : false;
}

/**
 * Uses an internal of Node: a pipe handle on the descriptor, with a read buffer of zero length. libuv then does not read, but reports on
 * each event that it has no buffer space (ENOBUFS, `uv__read` in its stream.c). This costs neither memory nor a system call. Use it only
 * after a trial (readiness-trial.ts).
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
