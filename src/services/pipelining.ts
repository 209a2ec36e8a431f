import { MAX_PIPELINED } from './constants.ts';

/** A client of HTTP/1.1 that may send requests ahead. */
export interface PipeliningClient {
  /** Requests that wait for their answers. */
  waiting: number;
}

/** The stream of a client, as far as it is read or not; undefined: it has a limit of its own, as HTTP/2 has. */
type Source = { pause(): unknown; resume(): unknown } | undefined;

/** Counts a request. A client that sends ahead without end is read no further. */
export function requestCame(client: PipeliningClient, source: Source): void {
  client.waiting += 1;
  // Node reads on at the end of each request, so this has to come after those that have arrived.
  if (client.waiting === MAX_PIPELINED) queueMicrotask(() => source?.pause());
}

/** Counts the answer to a request, and reads on. */
export function requestAnswered(client: PipeliningClient, source: Source): void {
  client.waiting -= 1;
  if (client.waiting === MAX_PIPELINED - 1) source?.resume();
}
