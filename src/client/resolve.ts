import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import { printable } from '../lib/printable.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Netstack } from '../netstack/index.ts';
import { type DnsAnswer, DnsRcode, parseDnsAnswer, serializeDnsQuery } from '../wire/dns.ts';
import { DNS_RETRY_MS, DNS_TRIES } from './constants.ts';
import { localAddressFor, type TunnelConfiguration } from './core/tunnel-configuration.ts';

export interface ResolveOptions {
  readonly stack: Netstack;
  readonly configuration: TunnelConfiguration;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly name: string;
  /** Attempts per query, one second apart. Default 4. */
  readonly tries?: number;
}

/**
 * Queries the gateway's DNS server for the addresses of a name, IPv4 first. Repeats each query until it is answered or all attempts are used.
 * @throws TunneliteError `ERR_CLIENT_DNS`
 */
export async function resolveThrough(options: ResolveOptions): Promise<string[]> {
  const { configuration, name } = options;
  assertName(name);
  const server = configuration.dnsServers.find((address) => localAddressFor(configuration, address) !== undefined);
  if (server === undefined) {
    throw new TunneliteError('ERR_CLIENT_DNS', `${name} cannot be resolved: the gateway sent no DNS server.`);
  }
  const types = [...(configuration.address4 ? ['A'] : []), ...(configuration.address6 ? ['AAAA'] : [])];
  const answers = await Promise.all(types.map((type) => ask(options, server, type)));
  const addresses = answers.flatMap((answer) =>
    answer.records.filter((record) => record.type === 'A' || record.type === 'AAAA').map((record) => record.data),
  );
  if (addresses.length > 0) return addresses;
  if (answers.some((answer) => answer.truncated)) {
    throw new TunneliteError(
      'ERR_CLIENT_DNS',
      `${name}: the answer is too long for a datagram, and this client does not use DNS over TCP.`,
    );
  }
  const rcode = answers.find((answer) => answer.rcode !== DnsRcode.NoError)?.rcode;
  const words: Partial<Record<number, string>> = {
    [DnsRcode.NxDomain]: 'the name does not exist',
    [DnsRcode.Refused]: 'the server answers only for the on-premises network',
    [DnsRcode.ServFail]: 'the server failed',
  };
  throw new TunneliteError(
    'ERR_CLIENT_DNS',
    `${name}: ${rcode === undefined ? 'it has no address' : (words[rcode] ?? `DNS error ${rcode}`)}.`,
    { details: { rcode: rcode ?? DnsRcode.NoError } },
  );
}

/** Checks that DNS transmits a name unchanged. @throws TunneliteError `ERR_CLIENT_DNS` */
function assertName(name: string): void {
  try {
    if (!/^[\x21-\x7e]+$/.test(name)) throw new Error('it must consist of visible ASCII characters');
    serializeDnsQuery({ id: 0, name, type: 'A' });
  } catch (cause) {
    const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
    throw new TunneliteError('ERR_CLIENT_DNS', printable(`“${shown}” is not a valid DNS name.`), { cause });
  }
}

function ask(
  { stack, configuration, clock, random, name, tries: most = DNS_TRIES }: ResolveOptions,
  server: string,
  type: string,
): Promise<DnsAnswer> {
  return new Promise((resolve, reject) => {
    let tries = 0;
    let timer = { cancel: (): void => {} };
    const id = random.uint32() & 0xffff;
    const localAddress = localAddressFor(configuration, server)!;
    const query = serializeDnsQuery({ id, name, type });
    const finish = (outcome: () => void): void => {
      timer.cancel();
      flow.onClose = undefined;
      flow.close();
      outcome();
    };
    const attempt = (): void => {
      if (tries++ === most) {
        finish(() => reject(new TunneliteError('ERR_CLIENT_DNS', `${server} did not answer a query for ${name}.`)));
        return;
      }
      timer = patience(clock, DNS_RETRY_MS, attempt);
      flow.send(query);
      stack.flush();
    };
    const ends = { localAddress, remoteAddress: server, remotePort: 53 };
    const flow = stack.openUdp(ends, (payload) => {
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
