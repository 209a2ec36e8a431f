import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from '../lib/clock.ts';
import { isTunneliteError, TunneliteError } from '../lib/errors.ts';
import { type Dial, type ExchangeFailure, exchange } from '../lib/http-exchange.ts';
import { Agent as HttpAgent } from '../lib/node-http.ts';

/** Limits of one fetch. */
export interface FetchLimits {
  /** Longest body read, in bytes. */
  readonly maxBytes: number;
  /** For the whole exchange, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/**
 * Port for reading metadata and key sets.
 *
 * Rejects with a `TunneliteError` `ERR_IDENTITY_FETCH` whose details have a `reason`.
 */
export type FetchJson = (url: string, limits: FetchLimits) => Promise<unknown>;

export type FetchFailure = ExchangeFailure | 'address' | 'redirect' | 'status' | 'not-json';

function failure(reason: FetchFailure, url: string, text: string, cause?: unknown): TunneliteError {
  return new TunneliteError('ERR_IDENTITY_FETCH', text, { details: { reason, url }, cause });
}

/** Plain HTTP is allowed only for issuers on this machine. */
function isAllowed(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
}

/** A {@link FetchJson} with its own connections. */
export interface JsonFetcher extends AsyncDisposable {
  readonly fetchJson: FetchJson;
  close(): Promise<void>;
}

/**
 * Reads JSON over HTTPS: no redirects, at most `maxBytes`, at most `timeout`.
 *
 * @param options.ca PEM of certificate authorities to trust instead of the system's, such as the local one
 * @param options.dial opens the connection to an issuer, one for each fetch; default: sockets of this machine
 * @param options.clock clock for the timeouts; default: this machine's
 */
export function createJsonFetcher(
  options: { readonly ca?: string | readonly string[]; readonly dial?: Dial | undefined; readonly clock?: Clock } = {},
): JsonFetcher {
  const { ca, dial, clock } = options;
  const secure = new HttpsAgent({
    keepAlive: true,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
  });
  const plain = new HttpAgent({ keepAlive: true });
  const close = async (): Promise<void> => {
    secure.destroy();
    plain.destroy();
  };
  const fetchJson: FetchJson = async (address, limits) => {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (!url || !isAllowed(url)) {
      throw failure('address', address, `"${address}" is not an https:// address.`);
    }
    let text: string;
    try {
      const { body } = await exchange(url, {
        ...limits,
        ...(dial
          ? { dial, ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : ca.join('\n') }) }
          : { agent: url.protocol === 'https:' ? secure : plain }),
        ...(clock ? { clock } : {}),
        headers: { accept: 'application/json' },
        refuse: (status) => refuse(address, status),
      });
      text = body.toString('utf8');
    } catch (error) {
      if (!isTunneliteError(error, 'ERR_HTTP_EXCHANGE')) throw error;
      throw failure(error.details.reason as FetchFailure, address, error.message, error);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw failure('not-json', address, `The answer of ${address} is not JSON.`, error);
    }
  };
  return { fetchJson, close, [Symbol.asyncDispose]: close };
}

function refuse(url: string, status: number): TunneliteError | undefined {
  if (status >= 300 && status < 400) {
    return failure('redirect', url, `${url} answered with a redirect (${status}), which is not followed.`);
  }
  return status === 200 ? undefined : failure('status', url, `${url} answered with status ${status}.`);
}
