import type { Duplex } from 'node:stream';
import { type DnsFault, type FaultPorts, noFaults } from '../faults/ports.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { isBelow } from '../lib/domain-name.ts';
import { addressBytes, addressText } from '../lib/ip-address.ts';
import { patience } from '../lib/late-tick.ts';
import type { Visitor } from '../lib/person.ts';
import type { Emit } from '../telemetry/events.ts';
import {
  type AnswerRecord,
  type DnsQuery,
  DnsRcode,
  formatError,
  parseDnsQuery,
  serializeDnsAnswer,
} from '../wire/dns.ts';
import { DnsFramer, lengthOf } from '../wire/dns-stream.ts';
import { DNS_EDNS_BYTES, DNS_IDLE_MS, DNS_TTL, DNS_UDP_BYTES, MAX_ALIASES, MAX_DNS_QUERY_BYTES } from './constants.ts';
import { LateAnswers } from './late-answers.ts';
import type { NameAnswer } from './name-table.ts';

/** A name and its addresses, as the resolver knows them. */
interface ZoneHost {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** A record of the configuration. The name of a PTR may be the address that it is about. */
interface ZoneRecord {
  readonly name: string;
  readonly type: string;
  readonly data: string;
  /** In seconds. */
  readonly ttl: number;
}

/** Names of upstreams, which get their addresses as they are looked up. Names are in lower case. */
interface UpstreamNames {
  has(name: string): boolean;
  lookUp(name: string, session: string | undefined): NameAnswer;
  nameAt(address: string): string | undefined;
  owns(address: string): boolean;
}

interface ResolverOptions {
  readonly hosts: readonly ZoneHost[];
  /** More records; a name may have both these and a host's addresses. */
  readonly records?: readonly ZoneRecord[];
  /** Domains that the resolver is authoritative for: names in them that no host has do not exist. */
  readonly domains: readonly string[];
  readonly upstreams?: UpstreamNames;
  /** Names that come and go, with the addresses of a host. */
  readonly stubs?: { addressesOf(name: string): readonly string[] | undefined };
  readonly emit: Emit;
  readonly clock: Clock;
  readonly faults?: FaultPorts;
}

interface Resolution {
  readonly rcode: DnsRcode;
  readonly records: readonly AnswerRecord[];
  readonly outcome: string;
}

interface Response {
  /** Undefined: there is no answer. */
  readonly bytes: Buffer | undefined;
  /** Milliseconds until it goes. */
  readonly delay: number;
}

/**
 * The DNS server of the mock network: authoritative for its own domains, the names of upstreams and the reverse names of both,
 * over UDP and TCP. It asks nobody else: other names are refused.
 */
export class Resolver {
  readonly #byName = new Map<string, ZoneHost>();
  readonly #byAddress = new Map<string, ZoneHost>();
  readonly #records = new Map<string, ZoneRecord[]>();
  #domains: ReadonlySet<string>;
  /** Names that only have names below them exist, without records of their own (RFC 8020). */
  readonly #parents = new Set<string>();
  readonly #options: ResolverOptions;
  readonly #faults: FaultPorts;
  readonly #streams = new Set<Duplex>();
  /** Answers that come late on purpose. */
  readonly #late = new LateAnswers();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
    this.#domains = new Set(options.domains);
    for (const record of options.records ?? []) {
      const name = addressBytes(record.name) ? reverseName(record.name) : record.name.toLowerCase();
      const same = this.#records.get(name);
      if (same) same.push(record);
      else this.#records.set(name, [record]);
      for (const parent of parentsOf(name)) this.#parents.add(parent);
    }
    for (const host of options.hosts) {
      for (const name of host.names) {
        this.#byName.set(name.toLowerCase(), host);
        for (const parent of parentsOf(name.toLowerCase())) this.#parents.add(parent);
      }
      for (const address of host.addresses) this.#byAddress.set(reverseName(address), host);
    }
  }

  /** Is authoritative for other domains from now on. */
  useDomains(domains: readonly string[]): void {
    this.#domains = new Set(domains);
  }

  /** The addresses of a name, IPv4 first, as a client would be told them; or why there are none. */
  async addressesOf(
    name: string,
    session: string | undefined,
  ): Promise<{ readonly addresses: readonly string[] } | { readonly failure: string }> {
    const addresses: string[] = [];
    let failed = '';
    for (const type of ['A', 'AAAA']) {
      const { records, outcome } = this.#find(name, type, session);
      addresses.push(...records.filter((one) => one.type === type).map(({ data }) => data));
      failed ||= outcome;
    }
    return addresses.length > 0 ? { addresses } : { failure: `${name} has no address: ${failed}.` };
  }

  /** The datagram service on port 53. */
  readonly answer = (payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined> => {
    const maxBytes = (query: DnsQuery): number =>
      query.edns ? Math.min(query.udpPayload, DNS_EDNS_BYTES) : DNS_UDP_BYTES;
    const { bytes, delay } = this.#respond(payload, visitor, 'udp', maxBytes);
    return delay > 0 ? this.#late.wait(this.#options.clock, delay, bytes) : bytes;
  };

  /** The stream service on port 53: messages with a two-byte length (RFC 1035 §4.2.2, RFC 7766). */
  readonly open = (stream: Duplex, visitor: Visitor): void => {
    const framer = new DnsFramer(MAX_DNS_QUERY_BYTES);
    let idle: Timer | undefined;
    const rearm = (): void => {
      idle?.cancel();
      idle = patience(this.#options.clock, DNS_IDLE_MS, () => stream.destroy());
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
      const fits = framer.push(chunk, (message) => {
        const { bytes, delay } = this.#respond(message, visitor, 'tcp', () => 0xffff);
        if (bytes === undefined) return;
        const send = (): void => void (stream.destroyed || stream.write(Buffer.concat([lengthOf(bytes), bytes])));
        if (delay > 0) void this.#late.wait(this.#options.clock, delay, bytes).then((late) => late && send());
        else send();
      });
      if (!fits) stream.destroy();
    });
    rearm();
  };

  close(): void {
    this.#late.close();
    for (const stream of this.#streams) stream.destroy();
  }

  #respond(
    payload: Buffer,
    visitor: Visitor,
    transport: 'udp' | 'tcp',
    maxBytes: (query: DnsQuery) => number,
  ): Response {
    let query: DnsQuery;
    try {
      query = parseDnsQuery(payload);
    } catch {
      return { bytes: formatError(payload), delay: 0 };
    }
    const fault = this.#faults.dns?.({
      session: visitor.session,
      person: visitor.person,
      name: query.name,
      type: query.type,
    });
    const right = (): Resolution => this.#resolve(query, visitor.session);
    const { rcode, records, outcome } = fault ? faulty(fault, query.type, right) : right();
    this.#options.emit('dns.query', {
      session: visitor.session,
      question: query.name,
      type: query.type,
      outcome,
      answers: records.length,
    });
    const authoritative = isAuthoritative(rcode);
    const saysNo = authoritative && query.type !== 'CNAME' && !records.some(({ type }) => type !== 'CNAME');
    const authority = saysNo ? this.#startOf(records.at(-1)?.data.toLowerCase() ?? query.name) : [];
    if (fault?.kind === 'drop') return { bytes: undefined, delay: 0 };
    // With room for nothing but the question an answer goes without records, and says that it is cut off.
    const room = fault?.kind === 'truncate' && transport === 'udp' ? 0 : maxBytes(query);
    const answer = { rcode, records, authoritative, authority };
    return { bytes: serializeDnsAnswer(query, answer, room), delay: fault?.delay ?? 0 };
  }

  /** The start of authority of the zone that a name is in: how long a client may remember that there is nothing (RFC 2308 §5). */
  #startOf(name: string): readonly AnswerRecord[] {
    const zone =
      [name, ...parentsOf(name)].find((one) => this.#domains.has(one)) ?? /(?:in-addr|ip6)\.arpa$/.exec(name)?.[0];
    if (zone === undefined) return [];
    return [
      { name: zone, type: 'SOA', ttl: DNS_TTL, data: `${NAME_SERVER} hostmaster.${zone} 1 3600 600 86400 ${DNS_TTL}` },
    ];
  }

  /** What a wildcard says of a name that there is not (RFC 4592 §3.3.1): that below the closest name that there is, and no other. */
  #wildcardFor(name: string): readonly ZoneRecord[] | undefined {
    if (this.#parents.has(name)) return undefined;
    for (const parent of parentsOf(name)) {
      const found = this.#records.get(`*.${parent}`);
      if (found) return found;
      if (this.#parents.has(parent) || this.#records.has(parent) || this.#byName.has(parent)) return undefined;
    }
    return undefined;
  }

  #resolve({ name, type, class: dnsClass, opcode }: DnsQuery, session: string | undefined): Resolution {
    if (opcode !== 0) return none(DnsRcode.NotImp, `refused: operation ${opcode} is not implemented`);
    // `version.bind` and the like are of class CH, and no names of ours.
    if (dnsClass !== 'IN' && dnsClass !== 'ANY') return none(DnsRcode.Refused, `refused: class ${dnsClass}`);
    return this.#find(name, type, session);
  }

  /** @param hops aliases that led to this name */
  #find(name: string, type: string, session: string | undefined, hops = 0): Resolution {
    const own = this.#records.get(name);
    const found = own && this.#fromRecords(own, type, session, hops);
    if (found) return found;
    const reverse = this.#byAddress.get(name);
    if (reverse) {
      return type === 'PTR' ? records([record(type, reverse.names[0]!)]) : none(DnsRcode.NoError, NO_RECORD);
    }
    const host = this.#byName.get(name);
    if (host) return answer(type, host.addresses);
    const stub = this.#options.stubs?.addressesOf(name);
    if (stub) return answer(type, stub);
    const { upstreams } = this.#options;
    const address = upstreams && addressOfReverseName(name);
    if (upstreams && address !== undefined && upstreams.owns(address)) {
      const known = upstreams.nameAt(address);
      if (known === undefined) return none(DnsRcode.NxDomain, 'no such name');
      return type === 'PTR' ? records([record(type, known)]) : none(DnsRcode.NoError, NO_RECORD);
    }
    if (upstreams?.has(name)) {
      // Only who wants an address gets one taken out of the pool.
      if (type !== 'A' && type !== 'AAAA') return none(DnsRcode.NoError, NO_RECORD);
      const found = upstreams.lookUp(name, session);
      return 'refusal' in found ? failure(found.refusal) : answer(type, found.addresses);
    }
    const wild = own ? undefined : this.#wildcardFor(name);
    if (wild) return this.#fromRecords(wild, type, session, hops) ?? none(DnsRcode.NoError, NO_RECORD);
    if (type === 'SOA' && this.#domains.has(name)) return records([...this.#startOf(name)]);
    if (own || this.#domains.has(name)) return none(DnsRcode.NoError, NO_RECORD);
    if (isBelow(name, this.#domains)) {
      return this.#parents.has(name) ? none(DnsRcode.NoError, NO_RECORD) : none(DnsRcode.NxDomain, 'no such name');
    }
    return none(DnsRcode.Refused, 'refused: not a name of the mock network');
  }

  /** Those of the records that are of the type asked for, or where the alias among them leads. */
  #fromRecords(
    all: readonly ZoneRecord[],
    type: string,
    session: string | undefined,
    hops: number,
  ): Resolution | undefined {
    const fitting = all.filter((one) => one.type === type);
    if (fitting.length > 0) return records(fitting.map(({ data, ttl }) => ({ type, ttl, data })));
    const alias = all.find((one) => one.type === 'CNAME');
    return alias && this.#follow(alias, type, session, hops);
  }

  /** The alias, and what is known of the name that it stands for (RFC 1034 §3.6.2). */
  #follow({ data, ttl }: ZoneRecord, type: string, session: string | undefined, hops: number): Resolution {
    if (hops >= MAX_ALIASES) return failure(`failed: more than ${MAX_ALIASES} aliases lead from one to the next`);
    const target = data.toLowerCase();
    const found = this.#find(target, type, session, hops + 1);
    const alias = { type: 'CNAME', ttl, data };
    // What is no name of ours is for the client to look up.
    if (found.rcode === DnsRcode.Refused) return records([alias]);
    if (found.rcode === DnsRcode.ServFail) return found;
    // The code is about the last name (RFC 6604 §3).
    return { ...found, records: [alias, ...found.records.map((one) => ({ ...one, name: one.name ?? target }))] };
  }
}

/** Who answers for the mock network. */
const NAME_SERVER = 'dns.contoso.internal';

const NO_RECORD = 'no record of this type';

/** What is answered on purpose, with the right answer where that is part of it. */
function faulty({ kind, addresses = [], explanation }: DnsFault, type: string, right: () => Resolution): Resolution {
  switch (kind) {
    case 'nxdomain':
      return none(DnsRcode.NxDomain, explanation);
    case 'servfail':
      return failure(explanation);
    case 'refused':
      return none(DnsRcode.Refused, explanation);
    case 'drop':
      return none(DnsRcode.NoError, `no answer: ${explanation}`);
    case 'wrong_address':
      return { ...answer(type, addresses), outcome: `answered wrongly: ${explanation}` };
    case 'delay':
    case 'truncate':
      return right();
  }
}

/** Those of the addresses that are of the type asked for. */
function answer(type: string, addresses: readonly string[]): Resolution {
  const wanted = type === 'A' ? 4 : type === 'AAAA' ? 6 : 0;
  const fitting = addresses.filter((address) => (address.includes(':') ? 6 : 4) === wanted);
  return fitting.length > 0
    ? records(fitting.map((address) => record(type, address)))
    : none(DnsRcode.NoError, NO_RECORD);
}

const records = (found: Resolution['records']): Resolution => ({
  rcode: DnsRcode.NoError,
  records: found,
  outcome: 'answered',
});
const record = (type: string, data: string): AnswerRecord => ({ type, ttl: DNS_TTL, data });
const none = (rcode: DnsRcode, outcome: string): Resolution => ({ rcode, records: [], outcome });
const failure = (outcome: string): Resolution => none(DnsRcode.ServFail, outcome);

/** A server that refuses, or does not understand, speaks for no zone. */
function isAuthoritative(rcode: DnsRcode): boolean {
  return rcode === DnsRcode.NoError || rcode === DnsRcode.NxDomain;
}

/** The name under in-addr.arpa or ip6.arpa that stands for an address (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(address: string): string {
  const bytes = addressBytes(address);
  if (bytes === undefined) throw new TypeError(`${address} is no IP address`);
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  return `${[...bytes.toString('hex')].reverse().join('.')}.ip6.arpa`;
}

/** The other way round; undefined for a name that stands for no whole address. */
function addressOfReverseName(name: string): string | undefined {
  const ipv4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name)?.[1];
  if (ipv4 !== undefined) return ipv4.split('.').slice(0, 4).reverse().join('.');
  const ipv6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  return ipv6 && addressText(Buffer.from(ipv6.replaceAll('.', '').split('').reverse().join(''), 'hex'));
}

/** The names that a name is below of. */
function parentsOf(name: string): string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, i) => labels.slice(i + 1).join('.'));
}
