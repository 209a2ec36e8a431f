import type { Buffer } from 'node:buffer';
import type { Sleeper } from '../lib/deadline-heap.ts';
import type { Party } from './core/shares.ts';
import type { IpFamily, OpenedUdpFlow, RefuseWith, UdpDatagramHandler, UdpFlow, UdpFlowRequest } from './core/types.ts';
import { formatAddress, parseAddress } from './ip/address.ts';
import { wordsOf } from './ip/ip-output.ts';

/** A mapping, or a request for one. */
export interface Entry extends Sleeper {
  readonly party: Party;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  /** Time of the last use, in the stack's time. */
  readonly usedAt: number;
  /** Called when the entry times out. */
  end(): void;
}

/** What mappings and requests need from their table. */
interface MappingTable {
  /** The stack's time. */
  readonly now: number;
  add(flow: Mapping): Mapping;
  remove(flow: Mapping): void;
  /** Called when the application has decided. */
  decided(request: Request): void;
  refuse(how: RefuseWith, quote: Buffer, party: Party): void;
  /** Refuses the datagram that a handler is called with. */
  refuseCurrent(how: RefuseWith, party: Party): void;
  send(family: IpFamily, addresses: Int32Array, remotePort: number, localPort: number, payload: Uint8Array): boolean;
}

/** The remote endpoint of a mapping, and its key in the table. */
interface Remote {
  readonly party: Party;
  readonly key: string;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  readonly remotePort: number;
}

/** Datagrams between one remote endpoint and any local endpoints. */
export class Mapping implements UdpFlow, Entry {
  readonly party: Party;
  readonly key: string;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  readonly remotePort: number;
  handler: UdpDatagramHandler;
  onClose: (() => void) | undefined = undefined;
  onError: UdpFlow['onError'] = undefined;
  usedAt = 0;
  heapIndex = -1;
  readonly #table: MappingTable;
  #closed = false;

  constructor(table: MappingTable, { party, key, family, remote, remotePort }: Remote, handler: UdpDatagramHandler) {
    this.#table = table;
    this.party = party;
    this.key = key;
    this.family = family;
    this.remote = remote;
    this.remotePort = remotePort;
    this.handler = handler;
  }

  get remoteAddress(): string {
    return formatAddress(this.family, this.remote, 0);
  }

  send(payload: Uint8Array, localAddress: string, localPort: number): boolean {
    const local = parseAddress(localAddress);
    if (this.#closed || local?.family !== this.family) return false;
    const words = wordsOf(this.family);
    const addresses = new Int32Array(2 * words);
    addresses.set(this.remote);
    addresses.set(local.words, words);
    this.use(this.#table.now);
    return this.#table.send(this.family, addresses, this.remotePort, localPort, payload);
  }

  refuse(how: RefuseWith = 'reset'): void {
    if (!this.#closed) this.#table.refuseCurrent(how, this.party);
  }

  /** Records that a datagram passed. */
  use(now: number): void {
    this.usedAt = now;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#table.remove(this);
    this.onClose?.();
  }

  end(): void {
    this.close();
  }
}

/** A mapping opened by the application, which has one local endpoint. */
export class OpenedMapping extends Mapping implements OpenedUdpFlow {
  readonly localAddress: string;
  readonly localPort: number;

  constructor(
    table: MappingTable,
    remote: Remote,
    local: { readonly address: string; readonly port: number },
    handler: UdpDatagramHandler,
  ) {
    super(table, remote, handler);
    this.localAddress = local.address;
    this.localPort = local.port;
  }

  override send(payload: Uint8Array, localAddress = this.localAddress, localPort = this.localPort): boolean {
    return super.send(payload, localAddress, localPort);
  }
}

/** Most datagrams of one remote endpoint that await a decision; more are dropped, as by a socket with a full buffer. */
const MAX_WAITING = 8;

/** Datagrams received before the decision, in order, and the start of the first packet for an ICMP error. */
interface Held {
  readonly quote: Buffer;
  readonly datagrams: { readonly payload: Buffer; readonly address: string; readonly port: number }[];
}

/** A datagram of a remote endpoint without a mapping, and those that followed it. */
export class Request implements UdpFlowRequest, Entry {
  readonly party: Party;
  readonly key: string;
  readonly usedAt: number;
  heapIndex = -1;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly #table: MappingTable;
  /** Set until the decision. The application may keep the request as long as the flow exists, but its first packets are released. */
  #held: Held | undefined;

  /**
   * @param local destination of the datagram
   * @param quote start of its packet, for an ICMP error
   */
  constructor(
    table: MappingTable,
    { party, key, family, remote, remotePort }: Remote,
    local: { readonly address: string; readonly port: number },
    first: { readonly payload: Buffer; readonly quote: Buffer; readonly at: number },
  ) {
    this.#table = table;
    this.party = party;
    this.key = key;
    this.usedAt = first.at;
    this.family = family;
    this.remote = remote;
    this.remotePort = remotePort;
    this.localAddress = local.address;
    this.localPort = local.port;
    this.#held = { quote: first.quote, datagrams: [{ payload: first.payload, ...local }] };
  }

  get owner(): object | undefined {
    return this.party.owner;
  }

  get remoteAddress(): string {
    return formatAddress(this.family, this.remote, 0);
  }

  /** Keeps a datagram until the decision; false when there are too many. */
  hold(payload: Buffer, address: string, port: number): boolean {
    const { datagrams } = this.#held!;
    return datagrams.length < MAX_WAITING && datagrams.push({ payload, address, port }) > 0;
  }

  accept(handler: UdpDatagramHandler): UdpFlow {
    const flow = new Mapping(this.#table, this, handler);
    const held = this.#decide();
    if (held) {
      this.#table.add(flow);
      for (const { payload, address, port } of held.datagrams) flow.handler(payload, address, port);
    } else flow.close();
    return flow;
  }

  refuse(how: RefuseWith = 'reset'): void {
    const held = this.#decide();
    if (held) this.#table.refuse(how, held.quote, this.party);
  }

  drop(): void {
    this.#decide();
  }

  end(): void {
    this.#decide();
  }

  /** Returns what was held, on the first call. */
  #decide(): Held | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#table.decided(this);
    return held;
  }
}
