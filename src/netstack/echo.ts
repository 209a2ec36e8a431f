import { Buffer } from 'node:buffer';
import { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import { ECHO_IDLE } from './core/constants.ts';
import { ECHO_IDENTIFIERS, freeNumber } from './core/free-number.ts';
import type { EchoFlow, EchoHandler, EchoOptions, IpFamily, NetstackLimits } from './core/types.ts';
import { formatAddress, type IpAddress, parseAddress } from './ip/address.ts';
import type { Icmp } from './ip/icmp.ts';
import { wordsOf } from './ip/ip-output.ts';

/** What echo flows need from the stack. */
export interface EchoHost {
  readonly now: number;
  readonly limits: Pick<NetstackLimits, 'udpFlows'>;
  readonly icmp: Icmp;
}

/**
 * ICMP flows opened by the application: outgoing echo requests and their replies, identified by peer and identifier (RFC 792,
 * RFC 4443 §4.1). Ordered by last use, so the first one is the next to expire. They share the limit of UDP mappings.
 */
export class Echoes {
  readonly #host: EchoHost;
  readonly #random: RandomSource;
  readonly #flows = new Map<string, Flow>();

  constructor(host: EchoHost, random: RandomSource) {
    this.#host = host;
    this.#random = random;
  }

  /** When `expire` is needed next; Infinity without flows. */
  get nextDeadline(): number {
    const first = this.#flows.values().next().value;
    return first === undefined ? Infinity : first.usedAt + ECHO_IDLE;
  }

  /** @throws TunneliteError `ERR_NETSTACK_ADDRESS`, `ERR_NETSTACK_PORT_IN_USE` for an identifier in use, `ERR_NETSTACK_LIMIT` */
  open(options: EchoOptions, handler: EchoHandler): EchoFlow {
    const local = parseAddress(options.localAddress);
    const remote = parseAddress(options.remoteAddress);
    if (!local || !remote || local.family !== remote.family) throw new TunneliteError('ERR_NETSTACK_ADDRESS');
    if (this.#flows.size >= this.#host.limits.udpFlows) throw new TunneliteError('ERR_NETSTACK_LIMIT');
    const words = wordsOf(local.family);
    const addresses = new Int32Array(2 * words);
    addresses.set(remote.words);
    addresses.set(local.words, words);
    const taken = (id: number): boolean => this.#flows.has(keyOf(local.family, addresses, id));
    const wanted = options.id === undefined ? undefined : options.id & 0xffff;
    const id = freeNumber(this.#random, ECHO_IDENTIFIERS, taken, wanted);
    const key = keyOf(local.family, addresses, id);
    const flow = new Flow(this, key, local.family, addresses, id, handler);
    flow.usedAt = this.#host.now;
    this.#flows.set(key, flow);
    return flow;
  }

  /** Processes a reply; false when there was no request. */
  reply(family: IpFamily, addresses: Int32Array, id: number, sequence: number, payload: Buffer): boolean {
    const flow = this.#flows.get(keyOf(family, addresses, id));
    if (flow === undefined) return false;
    this.touch(flow);
    flow.handler(sequence, payload);
    return true;
  }

  /** Processes an error for a request; false when the request is not ours. */
  error(family: IpFamily, addresses: Int32Array, id: number, kind: 'unreachable' | 'time-exceeded'): boolean {
    const flow = this.#flows.get(keyOf(family, addresses, id));
    flow?.onError?.(kind);
    return flow !== undefined;
  }

  /** @internal */
  send(flow: Flow, sequence: number, payload: Uint8Array): boolean {
    this.touch(flow);
    const message = Buffer.alloc(8 + payload.length);
    message.writeUInt16BE(flow.id, 4);
    message.writeUInt16BE(sequence & 0xffff, 6);
    message.set(payload, 8);
    return this.#host.icmp.sendEcho(flow.family, flow.addresses, message);
  }

  /** @internal */
  touch(flow: Flow): void {
    flow.usedAt = this.#host.now;
    if (this.#flows.delete(flow.key)) this.#flows.set(flow.key, flow);
  }

  /** @internal */
  remove(flow: Flow): void {
    if (this.#flows.get(flow.key) === flow) this.#flows.delete(flow.key);
  }

  /** Ends flows that were idle too long. */
  expire(): void {
    for (const flow of this.#flows.values()) {
      if (flow.usedAt + ECHO_IDLE > this.#host.now) return;
      flow.close();
    }
  }

  /** Ends the flows to a peer, or all. */
  forget(remote?: IpAddress): void {
    for (const flow of [...this.#flows.values()]) {
      if (!remote || (flow.family === remote.family && remote.words.every((word, i) => flow.addresses[i] === word)))
        flow.close();
    }
  }
}

/** Peer and own end as in `addresses` (remote, then local), and the identifier. */
function keyOf(family: IpFamily, addresses: Int32Array, id: number): string {
  let key = `${id}`;
  for (let i = 0; i < 2 * wordsOf(family); i++) key += ` ${addresses[i]}`;
  return key;
}

class Flow implements EchoFlow {
  readonly key: string;
  readonly family: IpFamily;
  readonly addresses: Int32Array;
  readonly id: number;
  handler: EchoHandler;
  onError: EchoFlow['onError'] = undefined;
  onClose: (() => void) | undefined = undefined;
  usedAt = 0;
  readonly #echoes: Echoes;
  #closed = false;

  constructor(echoes: Echoes, key: string, family: IpFamily, addresses: Int32Array, id: number, handler: EchoHandler) {
    this.#echoes = echoes;
    this.key = key;
    this.family = family;
    this.addresses = addresses;
    this.id = id;
    this.handler = handler;
  }

  get remoteAddress(): string {
    return formatAddress(this.family, this.addresses, 0);
  }

  get localAddress(): string {
    return formatAddress(this.family, this.addresses, wordsOf(this.family));
  }

  send(sequence: number, payload: Uint8Array): boolean {
    return !this.#closed && this.#echoes.send(this, sequence, payload);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#echoes.remove(this);
    this.onClose?.();
  }
}
