import type { Clock } from '../../lib/clock.ts';
import { errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { patience } from '../../lib/late-tick.ts';
import { MAX_PAC_BYTES, PacScript } from './pac-script.ts';
import { type ProxyHop, parseProxyList } from './proxy-list.ts';

/** Proxies for web requests: one for all, or a file that selects one (PAC). */
export type ProxySetting = { readonly host: string; readonly port: number } | { readonly pac: string | URL };

/** Time limit for fetching a proxy configuration file, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;

export interface ProxyRulesOptions {
  readonly setting: ProxySetting;
  readonly address: string;
  readonly clock: Clock;
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Fetches the file, by the client's rules except those about proxies. */
  readonly fetch: (
    url: URL,
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ) => Promise<{ readonly status: number; readonly body: Buffer }>;
}

/** Which proxies web requests use. */
export class ProxyRules {
  readonly #options: ProxyRulesOptions;
  #script: Promise<PacScript> | undefined;
  #closed = false;

  constructor(options: ProxyRulesOptions) {
    this.#options = options;
  }

  /** The routes for a request, in order of preference. @throws TunneliteError `ERR_CLIENT_PROXY` */
  async hopsFor(url: URL): Promise<ProxyHop[]> {
    const { setting } = this.#options;
    if ('host' in setting) return [{ kind: 'http', host: setting.host, port: setting.port }];
    const script = await this.#load(setting.pac);
    // As in browsers: the script sees neither credentials nor, for https, the path.
    const shown = new URL(url.protocol === 'https:' ? `${url.origin}/` : url.href);
    shown.username = '';
    shown.password = '';
    shown.hash = '';
    return parseProxyList(await script.find(shown));
  }

  close(): void {
    this.#closed = true;
    this.#script?.then(
      (script) => script.close(),
      () => {},
    );
  }

  /** Fetches the file once; after a failure, again with the next request. */
  #load(pac: string | URL): Promise<PacScript> {
    this.#script ??= this.#fetch(pac).catch((error: unknown) => {
      this.#script = undefined;
      throw error;
    });
    return this.#script;
  }

  async #fetch(pac: string | URL): Promise<PacScript> {
    const { fetch, clock, address, resolve } = this.#options;
    const control = new AbortController();
    const timer = patience(clock, FETCH_TIMEOUT_MS, () =>
      control.abort(new Error(`it was not received within ${FETCH_TIMEOUT_MS / 1000} s`)),
    );
    try {
      const { status, body } = await fetch(new URL(pac), { maxBytes: MAX_PAC_BYTES, signal: control.signal });
      if (status !== 200) throw new Error(`the server answered ${status}`);
      if (this.#closed) throw new TunneliteError('ERR_CLOSED');
      return new PacScript({ script: body.toString('utf8'), address, resolve, clock });
    } catch (cause) {
      if (isTunneliteError(cause, 'ERR_CLOSED')) throw cause;
      const message = `The proxy configuration file ${String(pac).slice(0, 200)} could not be fetched: ${errorText(cause).replace(/\.$/, '')}.`;
      throw new TunneliteError('ERR_CLIENT_PROXY', message, { cause });
    } finally {
      timer.cancel();
    }
  }
}
