import { lookup } from 'node:dns/promises';
import { type Carrier, systemCarrier, systemCarrierFrom } from '../../client/core/index.ts';
import { AddressBlock } from '../../lib/address-block.ts';
import { bareHost } from '../../lib/endpoint.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';

/**
 * The machine's network for the clients of a run: resolves the gateway's name once, because a resolver's time is not the gateway's; and
 * with a source, gives each client its own address, and another one after each move.
 * @throws TunneliteError `ERR_CLIENT_CONNECT`
 */
export async function machineNetwork(
  url: URL,
  source: string | undefined,
  clients: number,
): Promise<(client: number, moves: number) => Carrier> {
  const address = await addressOf(bareHost(url.hostname), source !== undefined);
  const to = (below: Carrier): Carrier => ({
    connect: ({ port }, signal) => below.connect({ host: address, port }, signal),
    datagrams: (target, sink) => below.datagrams(target, sink),
  });
  if (source === undefined) {
    const carrier = to(systemCarrier);
    return () => carrier;
  }
  const block = new AddressBlock(source);
  return (client, moves) => to(systemCarrierFrom(block.at(1 + ((client + moves * clients) % Math.max(1, block.size)))));
}

async function addressOf(host: string, four: boolean): Promise<string> {
  try {
    const all = await lookup(host, { all: true, ...(four && { family: 4 }) });
    // If both families are available, as for localhost: every gateway has the older one.
    return (all.find(({ family }) => family === 4) ?? all[0]!).address;
  } catch (cause) {
    throw new TunneliteError('ERR_CLIENT_CONNECT', `${host} has no address to connect to: ${errorText(cause)}.`, {
      cause,
    });
  }
}
