import type { Duplex } from 'node:stream';

/** A connection that can close with RST: a socket of Node, or an object like it. */
type Resettable = Duplex & { resetAndDestroy(): unknown };

/**
 * Closes a connection with RST. libuv refuses this while the end of this side is being sent
 * (https://github.com/libuv/libuv/blob/v1.x/src/unix/tcp.c, `uv_tcp_close_reset`: EINVAL), and by then Node.js has discarded the socket
 * without closing it (https://github.com/nodejs/node/blob/main/lib/net.js, `_destroy`): it never emits `close`, and the process does not
 * exit. This function therefore waits until the end is sent, which takes a turn of the event loop.
 */
export function resetStream(stream: Resettable): void {
  const isEnding = stream.writableEnded && !stream.writableFinished && stream.writableLength === 0;
  if (isEnding && !stream.destroyed) stream.once('finish', () => stream.resetAndDestroy());
  else stream.resetAndDestroy();
}
