import { once } from 'node:events';
import type { Clock } from '../../lib/clock.ts';
import { errorText } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';
import { systemNetwork, type TcpStream } from '../../network/index.ts';

/** Longest page to read, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Interval between attempts to reach a SOCKS server that does not listen yet, in milliseconds. */
const AGAIN_MS = 100;

/** A page to fetch through a SOCKS server (RFC 1928), which resolves its name; `socks5h` in curl's terms. */
export interface SocksPage {
  readonly url: string;
  readonly socksPort: number;
  /** PEM of the CA to trust for an https page. */
  readonly ca: string;
  readonly clock: Clock;
  readonly timeout: number;
}

/** Returns why the page failed; undefined if it succeeded. */
export async function fetchBySocks({ url, socksPort, ca, clock, timeout }: SocksPage): Promise<string | undefined> {
  const target = new URL(url);
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
  const begin = clock.monotonic();
  const late = new AbortController();
  const timer = clock.setTimer(timeout, () => late.abort());
  let stream: TcpStream | undefined;
  try {
    stream = await opened(target.hostname, port, socksPort, clock, late.signal);
    const socket = stream;
    const { status } = await exchange(target, {
      ca,
      clock,
      dial: () => socket,
      maxBytes: MAX_BYTES,
      timeout: Math.max(1, timeout - (clock.monotonic() - begin)),
      signal: late.signal,
    });
    return status >= 400 ? `status ${status}` : undefined;
  } catch (error) {
    return late.signal.aborted ? 'timeout' : errorText(error);
  } finally {
    timer.cancel();
    stream?.destroy();
  }
}

/** A connection through the server, as soon as that listens. */
async function opened(
  host: string,
  port: number,
  socksPort: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<TcpStream> {
  for (;;) {
    const stream = systemNetwork.connect({ host: '127.0.0.1', port: socksPort });
    // Data that arrives later is left for the next reader of the stream.
    stream.on('error', () => undefined);
    try {
      await once(stream, 'connect', { signal });
      await greet(stream, host, port, signal);
      return stream;
    } catch (error) {
      stream.destroy();
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      await new Promise<void>((resolve) => clock.setTimer(AGAIN_MS, resolve));
      signal.throwIfAborted();
    }
  }
}

async function greet(stream: TcpStream, host: string, port: number, signal: AbortSignal): Promise<void> {
  stream.write(Buffer.from([5, 1, 0]));
  const method = await bytes(stream, 2, signal);
  if (method[0] !== 5 || method[1] !== 0) throw new Error('the SOCKS server requires a sign-in');
  const name = Buffer.from(host);
  stream.write(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 0xff])]));
  const head = await bytes(stream, 4, signal);
  if (head[1] !== 0) throw new Error(`the SOCKS server refuses ${host} port ${port} (${head[1]})`);
  const length = head[3] === 1 ? 4 : head[3] === 4 ? 16 : (await bytes(stream, 1, signal))[0]!;
  await bytes(stream, length + 2, signal);
}

/** Reads exactly this many bytes: later bytes stay in the stream. */
async function bytes(stream: TcpStream, count: number, signal: AbortSignal): Promise<Buffer> {
  for (;;) {
    const read = stream.read(count) as Buffer | null;
    if (read !== null && read.length === count) return read;
    if (stream.readableEnded || stream.destroyed) throw new Error('the SOCKS server closed the connection');
    await Promise.race([
      once(stream, 'readable', { signal }),
      once(stream, 'end', { signal }),
      once(stream, 'close', { signal }),
    ]);
  }
}
