import type { Duplex } from 'node:stream';
import { type FaultPorts, noFaults } from '../faults/ports.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Emit } from '../telemetry/events.ts';
import {
  type DnsQuery,
  DnsRcode,
  type DnsRecord,
  formatError,
  parseDnsQuery,
  serializeDnsAnswer,
} from '../wire/dns.ts';
import { DNS_EDNS_BYTES, DNS_IDLE_MS, DNS_TTL, DNS_UDP_BYTES, MAX_DNS_QUERY_BYTES } from './constants.ts';
import type { ResourceVisitor } from './types.ts';

/** A name and its addresses, as the resolver knows them. */
export interface ZoneHost {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

export interface ResolverOptions {
  readonly hosts: readonly ZoneHost[];
  /** Domains that the resolver is authoritative for: names in them that no host has do not exist. */
  readonly domains: readonly string[];
  readonly emit: Emit;
  readonly clock: Clock;
  readonly faults?: FaultPorts;
}

interface Resolution {
  readonly rcode: DnsRcode;
  readonly records: readonly DnsRecord[];
  readonly outcome: string;
}

/**
 * The DNS server of the mock network: authoritative for its own domains and the reverse names of its hosts,
 * over UDP and TCP. It asks nobody else: names outside its domains are refused.
 */
export class Resolver {
  readonly #byName = new Map<string, ZoneHost>();
  readonly #byAddress = new Map<string, ZoneHost>();
  readonly #options: ResolverOptions;
  readonly #faults: FaultPorts;
  readonly #streams = new Set<Duplex>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
    for (const host of options.hosts) {
      for (const name of host.names) this.#byName.set(name.toLowerCase(), host);
      for (const address of host.addresses) this.#byAddress.set(reverseName(address), host);
    }
  }

  /** The datagram service on port 53. */
  readonly answer = (payload: Buffer, visitor: ResourceVisitor): Buffer | undefined => {
    const maxBytes = (query: DnsQuery): number =>
      query.edns ? Math.min(query.udpPayload, DNS_EDNS_BYTES) : DNS_UDP_BYTES;
    return this.#respond(payload, visitor, maxBytes);
  };

  /** The stream service on port 53: messages with a two-byte length (RFC 1035 §4.2.2, RFC 7766). */
  readonly open = (stream: Duplex, visitor: ResourceVisitor): void => {
    let pending: Buffer = Buffer.alloc(0);
    let idle: Timer | undefined;
    const rearm = (): void => {
      idle?.cancel();
      idle = this.#options.clock.setTimer(DNS_IDLE_MS, () => stream.destroy());
    };
    this.#streams.add(stream);
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      idle?.cancel();
      this.#streams.delete(stream);
    });
    stream.once('end', () => stream.end());
    stream.on('data', (chunk: Buffer) => {
      rearm();
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 2) {
        const length = pending.readUInt16BE(0);
        if (length > MAX_DNS_QUERY_BYTES) stream.destroy();
        if (length > MAX_DNS_QUERY_BYTES || pending.length < 2 + length) return;
        const answer = this.#respond(pending.subarray(2, 2 + length), visitor, () => 0xffff);
        pending = pending.subarray(2 + length);
        if (!answer) continue;
        const head = Buffer.alloc(2);
        head.writeUInt16BE(answer.length);
        stream.write(Buffer.concat([head, answer]));
      }
    });
    rearm();
  };

  close(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  #respond(payload: Buffer, visitor: ResourceVisitor, maxBytes: (query: DnsQuery) => number): Buffer | undefined {
    let query: DnsQuery;
    try {
      query = parseDnsQuery(payload);
    } catch {
      return formatError(payload);
    }
    const fault = this.#faults.decision?.('dns', { name: query.name, type: query.type, user: visitor.user });
    const { rcode, records, outcome }: Resolution = fault
      ? { rcode: DnsRcode.ServFail, records: [], outcome: fault.explanation }
      : this.#resolve(query);
    this.#options.emit('dns.query', {
      session: visitor.session,
      name: query.name,
      type: query.type,
      outcome,
      answers: records.length,
    });
    return serializeDnsAnswer(query, { rcode, records, authoritative: rcode !== DnsRcode.Refused }, maxBytes(query));
  }

  #resolve({ name, type }: DnsQuery): Resolution {
    const reverse = this.#byAddress.get(name);
    if (reverse) {
      const records = type === 'PTR' ? [record(name, 'PTR', reverse.names[0]!)] : [];
      return { rcode: DnsRcode.NoError, records, outcome: 'answered' };
    }
    const host = this.#byName.get(name);
    if (host) {
      const wanted = type === 'A' ? 4 : type === 'AAAA' ? 6 : 0;
      const records = host.addresses
        .filter((address) => (address.includes(':') ? 6 : 4) === wanted)
        .map((address) => record(name, type, address));
      return { rcode: DnsRcode.NoError, records, outcome: records.length > 0 ? 'answered' : 'no record of this type' };
    }
    const ours = this.#options.domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
    if (ours) {
      // A name that only has names below it exists, without records of its own (RFC 8020).
      const inner = [...this.#byName.keys()].some((known) => known.endsWith(`.${name}`));
      return inner || this.#options.domains.includes(name)
        ? { rcode: DnsRcode.NoError, records: [], outcome: 'no record of this type' }
        : { rcode: DnsRcode.NxDomain, records: [], outcome: 'no such name' };
    }
    return { rcode: DnsRcode.Refused, records: [], outcome: 'refused: not a name of the mock network' };
  }
}

const record = (name: string, type: string, data: string): DnsRecord => ({ name, type, ttl: DNS_TTL, data });

/** The name under in-addr.arpa or ip6.arpa that stands for an address (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const middle = address.includes('::') ? Array<string>(8 - left.length - right.length).fill('0') : [];
  const groups = [...left, ...middle, ...right].map((group) => group.padStart(4, '0'));
  return `${groups.join('').split('').reverse().join('.')}.ip6.arpa`;
}
