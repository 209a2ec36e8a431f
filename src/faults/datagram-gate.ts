import type { Person } from '../lib/person.ts';
import type { DatagramGate, DatagramPlace, PassingDatagram } from '../udp/index.ts';
import type { DatagramActions } from './datagram-actions.ts';
import { datagramKind, packetKind } from './datagram-kind.ts';
import { PacketPassing } from './ip-packet.ts';
import type { Lane } from './lane.ts';
import { Overtaken } from './overtaken.ts';
import type { Passing } from './types.ts';

/** Looks up the user of a session. */
export type PersonOf = (session: string) => Person | undefined;

/** A datagram as rules see it; rarely used properties are computed on access. */
class DatagramPassing implements Passing {
  readonly seam = 'udp';
  readonly kind: string;
  readonly #datagram: PassingDatagram;
  readonly #personOf: PersonOf;

  constructor(datagram: PassingDatagram, inner: boolean, personOf: PersonOf) {
    const { buffer, offset, length } = datagram;
    this.#datagram = datagram;
    this.kind = inner ? packetKind(buffer[offset]) : datagramKind(buffer, offset, length);
    this.#personOf = personOf;
  }

  get direction(): 'in' | 'out' {
    return this.#datagram.direction;
  }

  get session(): string | undefined {
    return this.#datagram.session;
  }

  get person(): Person | undefined {
    const { session } = this.#datagram;
    return session === undefined ? undefined : this.#personOf(session);
  }

  get remote(): { readonly address: string; readonly key: string } {
    return this.#datagram.remote;
  }

  get length(): number {
    return this.#datagram.length;
  }

  get bytes(): Buffer {
    const { buffer, offset, length } = this.#datagram;
    return buffer.subarray(offset, offset + length);
  }
}

/** Position of a gate. */
type Station =
  /** Between socket and DTLS. */
  | 'wire'
  /** Between DTLS and the data channel. */
  | 'channel'
  /** Between the channels and the network behind the gateway: IP packets. */
  | 'network';

/** Applies the rules of one lane to each datagram: on the wire, after decryption, or to the IP packet in it. */
export class RuleGate implements DatagramGate {
  readonly #lane: Lane;
  readonly #actions: DatagramActions;
  readonly #personOf: PersonOf;
  readonly #station: Station;
  readonly #overtaken = new Overtaken();

  constructor(station: Station, lane: Lane, actions: DatagramActions, personOf: PersonOf) {
    this.#station = station;
    this.#lane = lane;
    this.#actions = actions;
    this.#personOf = personOf;
  }

  pass(datagram: PassingDatagram, place: DatagramPlace): boolean {
    if (this.#station === 'wire') this.#actions.translate(datagram);
    const passing =
      this.#station === 'network'
        ? new PacketPassing(datagram, this.#personOf)
        : new DatagramPassing(datagram, this.#station === 'channel', this.#personOf);
    this.#overtaken.freeDue(datagram.direction);
    const rule = this.#lane.decide(passing);
    rule?.strike(passing);
    const goes = rule === undefined || this.#actions.act(rule, datagram, place, this.#overtaken);
    if (goes) this.#overtaken.wentBy(datagram.direction);
    return goes;
  }
}
