import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemLookUp } from '../network/index.ts';
import type { Carrier, TunnelConfiguration } from './core/index.ts';
import { type Device, Router } from './router.ts';
import { BypassList } from './routing/bypass-list.ts';
import { ProxyRules, type ProxySetting } from './routing/proxy-rules.ts';
import { SplitTunnel } from './routing/split-tunnel.ts';
import { tunnelFetch, type WebTraffic } from './traffic/fetch.ts';
import type { OpenRequest } from './traffic/types.ts';
import type { TunnelClientOptions } from './types.ts';

/** The parts of a client that its router needs. */
export interface RouterParts {
  readonly options: Pick<TunnelClientOptions, 'bypass' | 'proxy' | 'outside' | 'onConnection'>;
  readonly configuration: TunnelConfiguration;
  readonly carrier: Carrier;
  readonly web: WebTraffic;
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly openInside: (request: OpenRequest, address: string) => Promise<Duplex>;
}

/** Combines the routing rules of a tunnel: the gateway's, and those of the client's owner. */
export function makeRouter({ options, configuration, carrier, web, resolve, openInside }: RouterParts): Router {
  const split = new SplitTunnel(configuration);
  const device: Device = {
    connect: (target, signal) => carrier.connect(target, signal),
    lookup: systemLookUp,
  };
  const { proxy, outside = 'refuse', onConnection } = options;
  // A PAC URL from the gateway is fetched through the tunnel: it must not reach the device's own network.
  const pushed = proxy === undefined && configuration.proxyPac !== undefined;
  const setting: ProxySetting | 'none' | undefined = pushed ? { pac: configuration.proxyPac! } : proxy;
  const insideOf = async (host: string): Promise<string> => (isIP(host) ? host : (await resolve(host))[0]!);
  const router: Router = new Router({
    split,
    bypass: new BypassList(options.bypass ?? []),
    proxies:
      setting === undefined || setting === 'none'
        ? undefined
        : new ProxyRules({
            setting,
            address: configuration.address4 ?? configuration.address6 ?? '',
            clock: web.clock,
            resolve,
            fetch: (url, limits) => {
              const open = async ({ url: _url, ...request }: OpenRequest): Promise<Duplex> =>
                pushed ? openInside(request, await insideOf(request.host)) : router.open(request);
              return tunnelFetch({ ...web, open }, url, limits);
            },
          }),
    outside,
    device,
    clock: web.clock,
    trust: web.trust,
    resolve,
    openInside,
    onConnection,
  });
  return router;
}
