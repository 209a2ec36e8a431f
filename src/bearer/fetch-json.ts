import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { errorText, TunneliteError } from '../lib/errors.ts';

/** Limits of one fetch. */
export interface FetchLimits {
  /** Longest body read, in bytes. */
  readonly maxBytes: number;
  /** For the whole exchange, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/**
 * The port through which metadata and key sets are read.
 *
 * Rejects with a `TunneliteError` `ERR_IDENTITY_FETCH` whose details have a `reason`.
 */
export type FetchJson = (url: string, limits: FetchLimits) => Promise<unknown>;

export type FetchFailure = 'address' | 'network' | 'redirect' | 'status' | 'too-large' | 'timeout' | 'not-json';

function failure(reason: FetchFailure, url: string, text: string, cause?: unknown): TunneliteError {
  return new TunneliteError('ERR_IDENTITY_FETCH', text, { details: { reason, url }, cause });
}

/** Plain HTTP is for issuers on this machine only. */
function isAllowed(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
}

/** A {@link FetchJson} with connections of its own. */
export interface JsonFetcher extends AsyncDisposable {
  readonly fetchJson: FetchJson;
  close(): Promise<void>;
}

/**
 * Reads JSON over HTTPS: no redirects, no more than `maxBytes`, no longer than `timeout`.
 *
 * @param options.ca PEM of certificate authorities to trust instead of the system's, such as the local one
 */
export function createJsonFetcher(options: { readonly ca?: string | readonly string[] } = {}): JsonFetcher {
  const { ca } = options;
  const secure = new HttpsAgent({
    keepAlive: true,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
  });
  const plain = new HttpAgent({ keepAlive: true });
  const close = async (): Promise<void> => {
    secure.destroy();
    plain.destroy();
  };
  const get = (url: URL, signal: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { accept: 'application/json' };
      const outgoing =
        url.protocol === 'https:'
          ? httpsRequest(url, { agent: secure, signal, headers })
          : httpRequest(url, { agent: plain, signal, headers });
      outgoing
        .on('response', resolve)
        .on('error', (error: NodeJS.ErrnoException) => {
          // The server closed an idle connection just as it was used again: no fault of either, so a new one is tried.
          const stale = outgoing.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted;
          if (stale) get(url, signal).then(resolve, reject);
          else reject(error);
        })
        .end();
    });

  const fetchJson: FetchJson = async (address, limits) => {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (!url || !isAllowed(url)) {
      throw failure('address', address, `"${address}" is not an https:// address.`);
    }
    const expiry = AbortSignal.timeout(limits.timeout);
    const signal = limits.signal ? AbortSignal.any([expiry, limits.signal]) : expiry;
    let text: string;
    try {
      const answer = await get(url, signal);
      const length = Number(answer.headers['content-length'] ?? 0);
      const refusal = refuse(address, answer.statusCode ?? 0, length, limits.maxBytes);
      if (refusal) {
        answer.on('error', () => undefined).destroy();
        throw refusal;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      // Leaving the loop by a throw destroys the body, and with it the connection.
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limits.maxBytes) throw tooLarge(address, limits.maxBytes);
        chunks.push(chunk);
      }
      text = Buffer.concat(chunks).toString('utf8');
    } catch (error) {
      if (error instanceof TunneliteError) throw error;
      if (expiry.aborted) {
        throw failure('timeout', address, `${address} did not answer wholly within ${limits.timeout} ms.`, error);
      }
      throw failure('network', address, `${address} could not be read: ${errorText(error)}.`, error);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw failure('not-json', address, `${address} answered something that is not JSON.`, error);
    }
  };
  return { fetchJson, close, [Symbol.asyncDispose]: close };
}

function tooLarge(url: string, maxBytes: number): TunneliteError {
  return failure('too-large', url, `${url} answered more than ${maxBytes} bytes.`);
}

function refuse(url: string, status: number, length: number, maxBytes: number): TunneliteError | undefined {
  if (status >= 300 && status < 400) {
    return failure('redirect', url, `${url} answered with a redirect (${status}), and redirects are not followed.`);
  }
  if (status !== 200) return failure('status', url, `${url} answered with status ${status}.`);
  return length > maxBytes ? tooLarge(url, maxBytes) : undefined;
}
