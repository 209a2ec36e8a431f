import { isIP } from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import { unlessAborted } from '../lib/abort.ts';
import type { Clock } from '../lib/clock.ts';
import { bareHost } from '../lib/endpoint.ts';
import { errorText, isTunneliteError, TunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import { OPEN_TIMEOUT_MS } from './constants.ts';
import type { BypassList } from './routing/bypass-list.ts';
import { connectThrough } from './routing/proxy-connect.ts';
import type { ProxyHop } from './routing/proxy-list.ts';
import type { ProxyRules } from './routing/proxy-rules.ts';
import { isOwnName, type SplitTunnel } from './routing/split-tunnel.ts';
import { secureStream } from './traffic/secure.ts';
import type { OpenRequest, ResourceTrust } from './traffic/types.ts';

/** What happens to connections that the gateway's rules leave outside the tunnel. */
export type OutsideRule = 'refuse' | 'direct';

/** The device outside the tunnel. */
export interface Device {
  connect(target: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Duplex>;
  lookup(name: string): Promise<readonly string[]>;
}

export interface RouterOptions {
  readonly split: SplitTunnel;
  readonly bypass: BypassList;
  readonly proxies: ProxyRules | undefined;
  readonly outside: OutsideRule;
  readonly device: Device;
  readonly clock: Clock;
  readonly trust: ResourceTrust;
  /** The tunnel's resolver. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Opens a connection in the tunnel. */
  readonly openInside: (request: OpenRequest, address: string) => Promise<Duplex>;
  readonly onConnection: ((connection: ConnectionInfo) => void) | undefined;
}

/** An open connection, and the route that it took. */
export interface ConnectionInfo {
  readonly host: string;
  readonly port: number;
  readonly way: 'tunnel' | 'direct' | 'proxy';
  /** The rule that decided, in words. */
  readonly why: string;
}

/**
 * Chooses the route of each connection, as a device does: bypassed hosts and addresses excluded by the gateway's routes outside the tunnel,
 * web requests through a proxy if one is set, everything else in the tunnel.
 */
export class Router {
  readonly #options: RouterOptions;
  readonly #direct = new Set<Duplex>();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`, `ERR_CLIENT_OUTSIDE`, `ERR_CLIENT_PROXY`; the reason of the signal */
  async open(request: OpenRequest): Promise<Duplex> {
    const { bypass, proxies } = this.#options;
    const host = bareHost(request.host);
    const asked = { ...request, host };
    if (bypass.has(host)) return this.#outside(asked, host, bypassed(host));
    if (request.url === undefined || proxies === undefined) return this.#byRoute(asked);
    const hops = await unlessAborted(proxies.hopsFor(request.url), request.signal);
    let last: unknown;
    for (const hop of hops) {
      try {
        return await this.#byHop(asked, hop);
      } catch (error) {
        request.signal?.throwIfAborted();
        last = error;
      }
    }
    throw last;
  }

  /** The address in the tunnel for a datagram to a host. @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OUTSIDE` */
  async inside(host: string): Promise<string> {
    const { bypass, resolve, split } = this.#options;
    if (bypass.has(host)) throw new TunneliteError('ERR_CLIENT_OUTSIDE', `${bypassed(host)}.`);
    if (isOwnName(host)) throw new TunneliteError('ERR_CLIENT_OUTSIDE', `${host} is this machine.`);
    const addresses = isIP(host) ? [host] : await resolve(host);
    const address = addresses.find((each) => split.carries(each));
    if (address !== undefined) return address;
    throw new TunneliteError('ERR_CLIENT_OUTSIDE', `${notInside(host, addresses[0]!, split)}.`);
  }

  /** Closes connections outside the tunnel. */
  close(): void {
    this.#options.proxies?.close();
    for (const stream of this.#direct) stream.destroy();
  }

  async #byHop(request: OpenRequest, hop: ProxyHop): Promise<Duplex> {
    const { clock, trust } = this.#options;
    if (hop.kind === 'direct') return this.#byRoute(request);
    if (hop.kind === 'other') {
      const message = `The proxy rules name “${hop.text}”, but this client supports only HTTP proxies.`;
      throw new TunneliteError('ERR_CLIENT_PROXY', message);
    }
    const { signal } = request;
    const through = `${hop.host} port ${hop.port}`;
    let stream: Duplex;
    try {
      stream = await this.#byRoute({ host: hop.host, port: hop.port, signal }, false);
      if (hop.kind === 'https') stream = await secureStream(stream, { host: hop.host, trust, signal });
    } catch (cause) {
      signal?.throwIfAborted();
      const message = `The proxy ${through} cannot be reached: ${errorText(cause)}`;
      throw new TunneliteError('ERR_CLIENT_PROXY', message, { cause });
    }
    const { host, port } = request;
    const opened = await connectThrough(stream, { proxy: hop, host, port, clock, signal });
    this.#tell(request, 'proxy', `through the proxy ${through}`);
    return opened;
  }

  /** @param told false: the connection is part of another route and is not reported */
  async #byRoute(request: OpenRequest, told = true): Promise<Duplex> {
    const { split, outside, device, resolve, openInside } = this.#options;
    const { host, signal } = request;
    let addresses: readonly string[] = [host];
    if (isOwnName(host) && outside !== 'direct')
      throw new TunneliteError('ERR_CLIENT_OUTSIDE', `${host} is this machine.`);
    if (!isIP(host)) {
      const elsewhere = outside === 'direct' && !split.resolves(host);
      addresses = await unlessAborted(elsewhere ? this.#lookup(device, host) : resolve(host), signal);
    }
    const inside = addresses.find((address) => split.carries(address));
    if (inside !== undefined) {
      const stream = await openInside(request, inside);
      if (told) this.#tell(request, 'tunnel', `${inside} is in the tunnel’s networks`);
      return stream;
    }
    const address = addresses[0]!;
    return this.#outside(request, address, notInside(host, address, split), told);
  }

  async #lookup(device: Device, host: string): Promise<readonly string[]> {
    try {
      return await device.lookup(host);
    } catch (cause) {
      const message = `${host}, which the gateway’s split DNS leaves to the device: ${errorText(cause)}.`;
      throw new TunneliteError('ERR_CLIENT_DNS', message, { cause });
    }
  }

  async #outside(request: OpenRequest, to: string, why: string, told = true): Promise<Duplex> {
    const { outside, device, clock } = this.#options;
    const { port, signal } = request;
    if (outside !== 'direct') throw new TunneliteError('ERR_CLIENT_OUTSIDE', `${why}.`);
    const control = new AbortController();
    const timer = patience(clock, OPEN_TIMEOUT_MS, () =>
      control.abort(new Error(`no answer within ${OPEN_TIMEOUT_MS / 1000} s`)),
    );
    try {
      const stream = await device.connect(
        { host: to, port },
        signal ? AbortSignal.any([signal, control.signal]) : control.signal,
      );
      this.#direct.add(stream);
      stream.once('close', () => this.#direct.delete(stream));
      // It may end before the caller gets it.
      stream.on('error', () => {});
      if (signal) addAbortSignal(signal, stream);
      if (told) this.#tell(request, 'direct', why);
      return stream;
    } catch (cause) {
      signal?.throwIfAborted();
      if (isTunneliteError(cause)) throw cause;
      const message = `${request.host} port ${port}, outside the tunnel: ${errorText(cause)}.`;
      throw new TunneliteError('ERR_CLIENT_OPEN', message, { cause });
    } finally {
      timer.cancel();
    }
  }

  #tell({ host, port }: OpenRequest, way: ConnectionInfo['way'], why: string): void {
    this.#options.onConnection?.({ host, port, way, why });
  }
}

const bypassed = (host: string): string => `${host} is one of the hosts that bypass the tunnel`;

function notInside(host: string, address: string, split: SplitTunnel): string {
  const named = address === host ? host : `${host} (${address})`;
  return `${named} is in none of the tunnel’s networks: ${split.words}`;
}
