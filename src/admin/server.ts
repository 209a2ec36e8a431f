import type { AddressInfo } from 'node:net';
import { type FastifyPluginAsync, fastify } from 'fastify';
import type { Closable } from '../lib/dispose.ts';
import { endpointText } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import { healthPlugin } from './health.ts';
import { requireSecret } from './secret.ts';
import { tokensPlugin } from './tokens.ts';
import type { HealthCheck, TokenMinter } from './types.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly random: RandomSource;
  readonly check: HealthCheck;
  /** Undefined: tokens come from a real tenant, so none can be made here. */
  readonly mintToken: TokenMinter | undefined;
  /** Further routes, each under a prefix of its own; like all but health they need the instance's secret. */
  readonly routes?: readonly AdminRoutes[];
}

/** A part of the administration interface. */
export interface AdminRoutes {
  /** Such as `/api/identity`. */
  readonly prefix: string;
  readonly plugin: FastifyPluginAsync;
}

/** The listener for health probes and for the command line's own requests. */
export interface AdminServer extends Closable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Lets its holder make tokens and change the directory. New at each start; the command line finds it in the state directory. */
  readonly secret: string;
}

/**
 * Starts the administration listener: plain HTTP, meant for loopback.
 * @throws TunneliteError `ERR_ADMIN_LISTEN`
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const secret = options.random.bytes(32).toString('base64url');
  const server = fastify({ bodyLimit: 64 * 1024, requestTimeout: 15_000, forceCloseConnections: true });
  await server.register(healthPlugin(options.check));
  await server.register(async (guarded) => {
    guarded.addHook('onRequest', requireSecret(secret));
    if (options.mintToken) await guarded.register(tokensPlugin(options.mintToken));
    for (const { prefix, plugin } of options.routes ?? []) await guarded.register(plugin, { prefix });
  });
  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await server.close();
    throw new TunneliteError(
      'ERR_ADMIN_LISTEN',
      `The administration listener cannot use port ${options.port} of ${options.host}: ${errorText(cause)}`,
      { cause, details: { host: options.host, port: options.port } },
    );
  }
  const { port } = server.server.address() as AddressInfo;
  // Who listens everywhere is reached on loopback.
  const reached = options.host === '0.0.0.0' ? '127.0.0.1' : options.host === '::' ? '::1' : options.host;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= Promise.resolve(server.close()));
  return {
    url: `http://${endpointText(reached, port)}`,
    host: options.host,
    port,
    secret,
    close,
    [Symbol.asyncDispose]: close,
  };
}
