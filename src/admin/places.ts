import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { LinkedSet } from '../lib/linked-set.ts';

/**
 * Limits the connections of an HTTP server. When all places are taken, the connection that has waited longest without
 * an active request is closed, so that idle or slow clients lock no one out.
 * When all connections have active requests, the new one is closed.
 *
 * @param limit most concurrent connections
 */
export function boundPlaces(server: Server, limit: number): void {
  const all = new Set<Duplex>();
  /** Connections without an active request, longest wait first. */
  const waiting = new LinkedSet<Duplex>();
  /** Number of active requests by connection: clients can pipeline several. */
  const answers = new Map<Duplex, number>();

  server.on('connection', (socket: Duplex) => {
    if (all.size >= limit && !evict()) {
      socket.destroy();
      return;
    }
    all.add(socket);
    waiting.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      waiting.delete(socket);
      answers.delete(socket);
    });
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    answers.set(socket, (answers.get(socket) ?? 0) + 1);
    waiting.delete(socket);
    response.once('close', () => {
      const left = (answers.get(socket) ?? 1) - 1;
      if (left > 0) answers.set(socket, left);
      else answers.delete(socket);
      if (left <= 0 && all.has(socket)) waiting.add(socket);
    });
  });

  function evict(): boolean {
    const socket = waiting.first;
    if (socket === undefined) return false;
    // It closes within this turn or the next, and no longer occupies a place.
    all.delete(socket);
    waiting.delete(socket);
    socket.destroy();
    return true;
  }
}
