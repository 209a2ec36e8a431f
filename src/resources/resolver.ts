import type { Duplex } from 'node:stream';
import { type DnsFault, type FaultPorts, noFaults } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { isBelow } from '../lib/domain-name.ts';
import { addressBytes } from '../lib/ip-address.ts';
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
import { DNS_EDNS_BYTES, DNS_TTL, DNS_UDP_BYTES, MAX_ALIASES } from './constants.ts';
import { serveDnsConnection } from './dns-connection.ts';
import type { DnsForwarder } from './dns-forwarder.ts';
import { LateAnswers } from './late-answers.ts';
import type { NameAnswer } from './name-table.ts';
import {
  answer,
  COUNTED,
  failure,
  faulty,
  foreign,
  isAuthoritative,
  isMeta,
  NO_RECORD,
  named,
  none,
  outcomeOf,
  type Resolution,
  record,
  records,
} from './resolution.ts';
import { addressOfReverseName, reverseName } from './reverse-name.ts';

/** A name and its addresses in the resolver. */
interface ZoneHost {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** A record of the configuration. The name of a PTR can be the address that it describes. */
interface ZoneRecord {
  readonly name: string;
  readonly type: string;
  readonly data: string;
  /** In seconds. */
  readonly ttl: number;
}

/** Names of upstreams; they get addresses when looked up. Names are in lower case. */
interface UpstreamNames {
  has(name: string): boolean;
  lookUp(name: string, session: string | undefined): NameAnswer;
  nameAt(address: string): string | undefined;
  owns(address: string): boolean;
}

interface ResolverOptions {
  readonly hosts: readonly ZoneHost[];
  /** Additional records; a name can have both these and a host's addresses. */
  readonly records?: readonly ZoneRecord[];
  /** Authoritative domains of the resolver: names in them without a host do not exist. */
  readonly domains: readonly string[];
  readonly upstreams?: UpstreamNames;
  /** Names that come and go, with the addresses of a host. */
  readonly stubs?: { addressesOf(name: string): readonly string[] | undefined };
  /** Forwarder for names outside the mock network. Default: none. */
  readonly forwarder?: DnsForwarder;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly faults?: FaultPorts;
}

/** Queries since the start or the last reset. */
export interface DnsCounts {
  /** All queries received; equals the sum of the others except `forwarded`. */
  readonly questions: number;
  /** Answered with the requested records, or that they do not exist. */
  readonly answered: number;
  /** REFUSED or NOTIMP. */
  readonly refused: number;
  /** SERVFAIL. */
  readonly failed: number;
  /** Malformed: FORMERR, or no answer. */
  readonly malformed: number;
  /** Deliberately unanswered. */
  readonly dropped: number;
  /** Of all these, queries forwarded to other name servers. */
  readonly forwarded: number;
}

interface Response {
  /** Undefined: no answer. */
  readonly bytes: Buffer | undefined;
  /** Delay in milliseconds. */
  readonly delay: number;
}

const NO_QUESTIONS: DnsCounts = {
  questions: 0,
  answered: 0,
  refused: 0,
  failed: 0,
  malformed: 0,
  dropped: 0,
  forwarded: 0,
};

/**
 * The DNS server of the mock network: authoritative for its own domains, the names of upstreams and the reverse names of both,
 * over UDP and TCP. It refuses other names, unless there is a forwarder.
 */
export class Resolver {
  readonly #byName = new Map<string, ZoneHost>();
  readonly #byAddress = new Map<string, ZoneHost>();
  readonly #records = new Map<string, ZoneRecord[]>();
  #domains: ReadonlySet<string>;
  /** Names with only names below them exist, without records of their own (RFC 8020). */
  readonly #parents = new Set<string>();
  readonly #options: ResolverOptions;
  readonly #faults: FaultPorts;
  readonly #streams = new Set<Duplex>();
  /** Deliberately delayed answers. */
  readonly #late = new LateAnswers();
  #counts: { -readonly [K in keyof DnsCounts]: number } = { ...NO_QUESTIONS };

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

  /** Replaces the authoritative domains. */
  useDomains(domains: readonly string[]): void {
    this.#domains = new Set(domains);
  }

  /** Queries by outcome. */
  get counts(): DnsCounts {
    return { ...this.#counts };
  }

  /** Resets the counters. */
  resetCounts(): void {
    this.#counts = { ...NO_QUESTIONS };
  }

  /** The addresses of a name, IPv4 first, as in an answer to a client; or why there are none. */
  async addressesOf(
    name: string,
    session: string | undefined,
  ): Promise<{ readonly addresses: readonly string[] } | { readonly failure: string }> {
    const found = await Promise.all(
      ['A', 'AAAA'].map(async (type) => {
        const { records, outcome } = await this.#complete(this.#find(name, type, session), type, session);
        return { addresses: records.filter((one) => one.type === type).map(({ data }) => data), outcome };
      }),
    );
    const addresses = found.flatMap((one) => one.addresses);
    return addresses.length > 0 ? { addresses } : { failure: `${name} has no address: ${found[0]!.outcome}.` };
  }

  /** The datagram service on port 53. */
  readonly answer = (payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined> => {
    const maxBytes = (query: DnsQuery): number =>
      query.edns ? Math.min(query.udpPayload, DNS_EDNS_BYTES) : DNS_UDP_BYTES;
    return this.#inTime(this.#respond(payload, visitor, 'udp', maxBytes));
  };

  /** The stream service on port 53. */
  readonly open = (stream: Duplex, visitor: Visitor): void => {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    serveDnsConnection(stream, this.#options.clock, (message) =>
      this.#inTime(this.#respond(message, visitor, 'tcp', () => 0xffff)),
    );
  };

  /** Delays the answer if required. */
  #inTime(response: Response | Promise<Response>): Buffer | undefined | Promise<Buffer | undefined> {
    if (response instanceof Promise) return response.then((late) => this.#inTime(late));
    const { bytes, delay } = response;
    return delay > 0 ? this.#late.wait(this.#options.clock, delay, bytes) : bytes;
  }

  close(): void {
    this.#late.close();
    for (const stream of this.#streams) stream.destroy();
  }

  #respond(
    payload: Buffer,
    visitor: Visitor,
    transport: 'udp' | 'tcp',
    maxBytes: (query: DnsQuery) => number,
  ): Response | Promise<Response> {
    this.#counts.questions++;
    let query: DnsQuery;
    try {
      query = parseDnsQuery(payload);
    } catch {
      this.#counts.malformed++;
      return { bytes: formatError(payload), delay: 0 };
    }
    const fault = this.#faults.dns?.({
      session: visitor.session,
      person: visitor.person,
      name: query.name,
      type: query.type,
    });
    const right = (): Resolution | Promise<Resolution> => this.#resolve(query, visitor.session);
    const room = (): number => maxBytes(query);
    const found = fault ? faulty(fault, query.type, right) : right();
    if (!(found instanceof Promise)) return this.#response(query, visitor, found, fault, transport, room);
    return found.then((late) => this.#response(query, visitor, late, fault, transport, room));
  }

  #response(
    query: DnsQuery,
    visitor: Visitor,
    { rcode, records, outcome, authority }: Resolution,
    fault: DnsFault | undefined,
    transport: 'udp' | 'tcp',
    maxBytes: () => number,
  ): Response {
    this.#counts[fault?.kind === 'drop' ? 'dropped' : COUNTED[rcode]]++;
    this.#options.emit('dns.query', {
      session: visitor.session,
      question: query.name,
      type: query.type,
      outcome,
      answers: records.length,
    });
    const authoritative = authority === undefined && isAuthoritative(rcode);
    const saysNo = authoritative && query.type !== 'CNAME' && !records.some(({ type }) => type !== 'CNAME');
    const start = saysNo ? this.#startOf(records.at(-1)?.data.toLowerCase() ?? query.name) : [];
    if (fault?.kind === 'drop') return { bytes: undefined, delay: 0 };
    // If only the question fits, the answer has no records and is marked as truncated.
    const room = fault?.kind === 'truncate' && transport === 'udp' ? 0 : maxBytes();
    const answer = { rcode, records, authoritative, authority: authority ?? start };
    return { bytes: serializeDnsAnswer(query, answer, room), delay: fault?.delay ?? 0 };
  }

  /** The start of authority of a name's zone: how long a client may cache a negative answer (RFC 2308 §5). */
  #startOf(name: string): readonly AnswerRecord[] {
    const zone =
      [name, ...parentsOf(name)].find((one) => this.#domains.has(one)) ?? /(?:in-addr|ip6)\.arpa$/.exec(name)?.[0];
    if (zone === undefined) return [];
    return [
      { name: zone, type: 'SOA', ttl: DNS_TTL, data: `${NAME_SERVER} hostmaster.${zone} 1 3600 600 86400 ${DNS_TTL}` },
    ];
  }

  /** The wildcard for a missing name (RFC 4592 §3.3.1): only the one below the closest existing name. */
  #wildcardFor(name: string): readonly ZoneRecord[] | undefined {
    if (this.#parents.has(name)) return undefined;
    for (const parent of parentsOf(name)) {
      const found = this.#records.get(`*.${parent}`);
      if (found) return found;
      if (this.#parents.has(parent) || this.#records.has(parent) || this.#byName.has(parent)) return undefined;
    }
    return undefined;
  }

  #resolve(query: DnsQuery, session: string | undefined): Resolution | Promise<Resolution> {
    const { name, type, class: dnsClass, opcode } = query;
    if (opcode !== 0) return none(DnsRcode.NotImp, `refused: operation ${opcode} is not implemented`);
    // `version.bind` and similar names have class CH and are not ours.
    if (dnsClass !== 'IN' && dnsClass !== 'ANY') return none(DnsRcode.Refused, `refused: class ${dnsClass}`);
    const found = this.#find(name, type, session);
    if (found.foreign === undefined || !this.#options.forwarder?.forwards(found.foreign)) return found;
    // Zone transfers and similar queries are for servers (RFC 6895 §3.1); none may pass.
    if (isMeta(type)) return none(DnsRcode.NotImp, `refused: questions of type ${type} are not forwarded`);
    return this.#complete(found, type, session, query.question);
  }

  /** Forwards a name that is not ours. */
  async #complete(
    found: Resolution,
    type: string,
    session: string | undefined,
    question?: Buffer,
    hops = 0,
  ): Promise<Resolution> {
    const { forwarder } = this.#options;
    const { foreign } = found;
    if (foreign === undefined || !forwarder?.forwards(foreign)) return found;
    if (hops > MAX_ALIASES) return failure(`failed: more than ${MAX_ALIASES} aliases are chained`);
    this.#counts.forwarded += hops === 0 ? 1 : 0;
    const isFirst = found.records.length === 0;
    const asked = { name: foreign, type, question: isFirst ? question : undefined };
    const forwarded = await forwarder.resolve(asked, session, (name) => this.#isOwn(name));
    if ('failure' in forwarded) {
      const { failure: why } = forwarded;
      return forwarded.refused ? none(DnsRcode.Refused, `refused: ${why}`) : failure(`failed: ${why}`);
    }
    const { rcode, records, authority, own, leftOut } = forwarded.answer;
    const all = [...found.records, ...(isFirst ? records : records.map((one) => named(one, foreign)))];
    if (own === undefined) {
      const outcome = `${outcomeOf(rcode, records, type)} ${forwarded.server}${leftOut && `, without a part of it: ${leftOut}`}`;
      return { rcode, records: all, outcome, authority };
    }
    const further = await this.#complete(this.#find(own, type, session), type, session, undefined, hops + 1);
    const rest = further.records.map((one) => named(one, own));
    return { ...further, records: [...all, ...rest], authority: further.authority ?? [] };
  }

  #isOwn(name: string): boolean {
    return this.#find(name, 'SOA', undefined).foreign !== name;
  }

  /** @param hops number of aliases that led to this name */
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
      // Only an address query takes an address from the pool.
      if (type !== 'A' && type !== 'AAAA') return none(DnsRcode.NoError, NO_RECORD);
      const found = upstreams.lookUp(name, session);
      return 'refusal' in found ? failure(found.refusal) : answer(type, found.addresses);
    }
    const wild = own ? undefined : this.#wildcardFor(name);
    if (wild) return this.#fromRecords(wild, type, session, hops) ?? none(DnsRcode.NoError, NO_RECORD);
    if (this.#options.forwarder?.isDelegated(name)) return foreign(name);
    if (type === 'SOA' && this.#domains.has(name)) return records([...this.#startOf(name)]);
    if (own || this.#domains.has(name)) return none(DnsRcode.NoError, NO_RECORD);
    if (isBelow(name, this.#domains)) {
      return this.#parents.has(name) ? none(DnsRcode.NoError, NO_RECORD) : none(DnsRcode.NxDomain, 'no such name');
    }
    return foreign(name);
  }

  /** The records of the requested type, or the target of the alias among them. */
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

  /** The alias, and the records of its target (RFC 1034 §3.6.2). */
  #follow({ data, ttl }: ZoneRecord, type: string, session: string | undefined, hops: number): Resolution {
    if (hops >= MAX_ALIASES) return failure(`failed: more than ${MAX_ALIASES} aliases are chained`);
    const target = data.toLowerCase();
    const found = this.#find(target, type, session, hops + 1);
    const alias = { type: 'CNAME', ttl, data };
    // Names that are not ours are for the forwarder, or for the client, to resolve.
    if (found.foreign !== undefined && found.records.length === 0)
      return { ...records([alias]), foreign: found.foreign };
    if (found.rcode === DnsRcode.ServFail) return found;
    // The code refers to the last name (RFC 6604 §3).
    return { ...found, records: [alias, ...found.records.map((one) => ({ ...one, name: one.name ?? target }))] };
  }
}

/** The mock network's name server. */
const NAME_SERVER = 'dns.contoso.internal';

/** The parent names of a name. */
function parentsOf(name: string): string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, i) => labels.slice(i + 1).join('.'));
}
