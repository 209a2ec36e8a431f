import { tryDirectWrites } from '../tls/direct-trial.ts';
import { createDataChannels } from './data/data-channel.ts';
import { TunnelGateway } from './gateway.ts';
import type { Gateway, GatewayOptions } from './types.ts';

export type {
  DrainOptions,
  DrainResult,
  ForwardPort,
  Gateway,
  GatewayOptions,
  GatewayState,
  PacketPort,
  SessionInfo,
  SessionStore,
  StopOptions,
  StoredSession,
  TunnelSettings,
} from './types.ts';

/**
 * Starts a gateway: it listens when the promise resolves.
 *
 * @throws TunneliteError `ERR_GATEWAY_PORT_IN_USE`, `ERR_GATEWAY_LISTEN`, `ERR_GATEWAY_CERTIFICATE`, `ERR_GATEWAY_POOL_INVALID`
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  await tryDirectWrites();
  const gateway = new TunnelGateway(options, createDataChannels);
  try {
    await gateway.start();
  } catch (error) {
    await gateway.close();
    throw error;
  }
  return gateway;
}
