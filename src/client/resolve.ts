import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Netstack, UdpFlow } from '../netstack/types.ts';
import { type DnsAnswer, DnsRcode, parseDnsAnswer, serializeDnsQuery } from '../wire/dns.ts';
import { DNS_RETRY_MS, DNS_TRIES } from './constants.ts';
import type { TunnelConfiguration } from './tunnel-configuration.ts';

export interface ResolveOptions {
  readonly stack: Netstack;
  readonly configuration: TunnelConfiguration;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly name: string;
}

/**
 * Asks the gateway's DNS server for the addresses of a name, IPv4 first. Each question is repeated until it is answered or the tries are used up.
 * @throws TunneliteError `ERR_CLIENT_DNS`
 */
export async function resolveThrough(options: ResolveOptions): Promise<string[]> {
  const { configuration, name } = options;
  const server = configuration.dnsServers.find((address) => localFor(configuration, address) !== undefined);
  if (server === undefined) {
    throw new TunneliteError('ERR_CLIENT_DNS', `${name} cannot be resolved: the gateway gave no DNS server.`);
  }
  const types = [...(configuration.address4 ? ['A'] : []), ...(configuration.address6 ? ['AAAA'] : [])];
  const answers = await Promise.all(types.map((type) => ask(options, server, type)));
  const addresses = answers.flatMap((answer) =>
    answer.records.filter((record) => record.type === 'A' || record.type === 'AAAA').map((record) => record.data),
  );
  if (addresses.length > 0) return addresses;
  const rcode = answers.find((answer) => answer.rcode !== DnsRcode.NoError)?.rcode;
  const words: Partial<Record<number, string>> = {
    [DnsRcode.NxDomain]: 'there is no such name',
    [DnsRcode.Refused]: 'the server answers only for the on-premises network',
    [DnsRcode.ServFail]: 'the server failed',
  };
  throw new TunneliteError(
    'ERR_CLIENT_DNS',
    `${name}: ${rcode === undefined ? 'it has no address' : (words[rcode] ?? `DNS error ${rcode}`)}.`,
  );
}

function localFor(configuration: TunnelConfiguration, remote: string): string | undefined {
  return remote.includes(':') ? configuration.address6 : configuration.address4;
}

function ask(
  { stack, configuration, clock, random, name }: ResolveOptions,
  server: string,
  type: string,
): Promise<DnsAnswer> {
  return new Promise((resolve, reject) => {
    let flow: UdpFlow | undefined;
    let tries = 0;
    let timer = { cancel: (): void => {} };
    const id = random.uint32() & 0xffff;
    const localAddress = localFor(configuration, server)!;
    // An ephemeral port (RFC 6335 §6), unpredictable like the id (RFC 5452).
    const localPort = 49_152 + (random.uint32() & 0x3fff);
    const query = serializeDnsQuery({ id, name, type });
    const finish = (outcome: () => void): void => {
      timer.cancel();
      if (flow) flow.onClose = undefined;
      flow?.close();
      outcome();
    };
    const attempt = (): void => {
      if (tries++ === DNS_TRIES) {
        finish(() => reject(new TunneliteError('ERR_CLIENT_DNS', `${server} did not answer a question for ${name}.`)));
        return;
      }
      timer = clock.setTimer(DNS_RETRY_MS, attempt);
      flow?.send(query, localAddress, localPort);
      stack.flush();
    };
    flow = stack.openUdp({ localAddress, localPort, remoteAddress: server, remotePort: 53 }, (payload) => {
      try {
        const answer = parseDnsAnswer(payload);
        if (answer.id === id) finish(() => resolve(answer));
      } catch {
        // Not an answer: wait for the real one.
      }
    });
    flow.onClose = () =>
      finish(() => reject(new TunneliteError('ERR_CLIENT_DNS', `The tunnel ended while ${name} was looked up.`)));
    attempt();
  });
}
