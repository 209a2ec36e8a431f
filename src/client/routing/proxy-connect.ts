import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { patience } from '../../lib/late-tick.ts';
import { printable } from '../../lib/printable.ts';
import { ResponseReader, serializeRequest } from '../../wire/http1/index.ts';

/** Time limit for a proxy's answer to CONNECT, in milliseconds: the proxy opens a connection of its own. */
const ANSWER_TIMEOUT_MS = 20_000;
const LIMITS = { target: 1024, head: 32 * 1024, headerCount: 128, body: 64 * 1024 } as const;

/** A connection to request from a proxy. */
export interface ProxyRequest {
  readonly proxy: { readonly host: string; readonly port: number };
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a connection through a proxy (RFC 9110 §9.3.6). Afterwards the stream is that connection.
 * @throws TunneliteError `ERR_CLIENT_PROXY`; the reason of `signal`
 */
export function connectThrough(stream: Duplex, { proxy, host, port, clock, signal }: ProxyRequest): Promise<Duplex> {
  const target = endpointText(host, port);
  const name = `The proxy ${endpointText(proxy.host, proxy.port)}`;
  const reader = new ResponseReader('CONNECT', LIMITS);
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      timer.cancel();
      stream.off('data', onData);
      stream.off('error', onError);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (reason: unknown): void => {
      finish();
      stream.on('error', () => {});
      stream.destroy();
      reject(reason);
    };
    const refuse = (words: string, cause?: unknown): void =>
      fail(new TunneliteError('ERR_CLIENT_PROXY', `${name} ${words}.`, { cause }));
    const onData = (chunk: Buffer): void => {
      reader.feed(chunk);
      const result = reader.next();
      if (!result) return;
      if ('fault' in result) {
        refuse(`did not answer as a proxy. ${result.fault.explanation.replace(/\.$/, '')}`);
        return;
      }
      const { status, text } = result.message;
      if (status < 200 || status > 299) {
        refuse(`answered ${status} ${printable(text.slice(0, 80))} to CONNECT ${target}`);
        return;
      }
      finish();
      stream.pause();
      const rest = reader.rest();
      if (rest.length > 0) stream.unshift(rest);
      resolve(stream);
    };
    const onError = (error: Error): void => refuse(`aborted the connection: ${errorText(error)}`, error);
    const onEnd = (): void => refuse('closed the connection without an answer');
    const onAbort = (): void => fail(signal!.reason);
    const timer = patience(clock, ANSWER_TIMEOUT_MS, () =>
      refuse(`did not answer CONNECT ${target} within ${ANSWER_TIMEOUT_MS / 1000} s`),
    );
    stream.on('data', onData);
    stream.on('error', onError);
    stream.on('end', onEnd);
    stream.on('close', onEnd);
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    stream.write(serializeRequest({ method: 'CONNECT', target, headers: [['Host', target]], body: Buffer.alloc(0) }));
  });
}
