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
  /** When it was used last, in the stack's time. */
  readonly usedAt: number;
  /** Its time is over. */
  end(): void;
}

/** What mappings and requests ask of the table that they are in. */
interface MappingTable {
  /** The stack's time. */
  readonly now: number;
  add(flow: Mapping): Mapping;
  remove(flow: Mapping): void;
  /** The owner has decided. */
  decided(request: Request): void;
  refuse(how: RefuseWith, quote: Buffer, party: Party): void;
  send(family: IpFamily, addresses: Int32Array, remotePort: number, localPort: number, payload: Uint8Array): boolean;
}

/** Whom a mapping is with, and under which key it is kept. */
interface Remote {
  readonly party: Party;
  readonly key: string;
  readonly family: IpFamily;
  readonly remote: Int32Array;
  readonly remotePort: number;
}

/** Datagrams between one remote end and whatever local ends it talks to. */
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

  /** A datagram passes. */
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

/** A mapping of this side's making, which has one local end. */
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

/** Datagrams of one remote end that wait for its owner's word; more are dropped, as by a socket whose buffer is full. */
const MAX_WAITING = 8;

/** What came before the owner's word, in order, and the first packet's begin for an ICMP error. */
interface Held {
  readonly quote: Buffer;
  readonly datagrams: { readonly payload: Buffer; readonly address: string; readonly port: number }[];
}

/** A datagram of a remote end that has no mapping yet, and what came after it. */
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
  /** Until the owner has decided. The request may be kept for as long as the flow lives, its first packets may not. */
  #held: Held | undefined;

  /**
   * @param local where the datagram was sent to
   * @param quote of the packet that it came in, for an ICMP error
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

  /** Keeps a datagram that came before the owner's word; false when there are too many. */
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

  /** What was held, the first time. */
  #decide(): Held | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#table.decided(this);
    return held;
  }
}
