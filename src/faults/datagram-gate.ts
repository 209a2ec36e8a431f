import type { Person } from '../lib/person.ts';
import type { DatagramGate, DatagramPlace, PassingDatagram } from '../udp/index.ts';
import type { DatagramActions } from './datagram-actions.ts';
import { datagramKind, packetKind } from './datagram-kind.ts';
import type { Lane } from './lane.ts';
import { Overtaken } from './overtaken.ts';
import type { Passing } from './types.ts';

type PersonOf = (session: string) => Person | undefined;

/** A datagram as rules see it; what is asked for seldom is looked up when it is asked for. */
class DatagramPassing implements Passing {
  readonly seam = 'udp';
  readonly kind: string;
  readonly #datagram: PassingDatagram;
  readonly #personOf: PersonOf;

  constructor(datagram: PassingDatagram, kind: string, personOf: PersonOf) {
    this.#datagram = datagram;
    this.kind = kind;
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

/** Holds each datagram against the rules of one lane: as it is on the wire, or as it is after decryption. */
export class RuleGate implements DatagramGate {
  readonly #lane: Lane;
  readonly #actions: DatagramActions;
  readonly #personOf: PersonOf;
  readonly #inner: boolean;
  readonly #overtaken = new Overtaken();

  constructor(lane: Lane, actions: DatagramActions, personOf: PersonOf, inner: boolean) {
    this.#lane = lane;
    this.#actions = actions;
    this.#personOf = personOf;
    this.#inner = inner;
  }

  pass(datagram: PassingDatagram, place: DatagramPlace): boolean {
    const { buffer, offset, length } = datagram;
    if (!this.#inner) this.#actions.translate(datagram);
    const kind = this.#inner ? packetKind(buffer[offset]) : datagramKind(buffer, offset, length);
    const passing = new DatagramPassing(datagram, kind, this.#personOf);
    this.#overtaken.freeDue(datagram.direction);
    const rule = this.#lane.decide(passing);
    rule?.strike(passing);
    const goes = rule === undefined || this.#actions.act(rule, datagram, place, this.#overtaken);
    if (goes) this.#overtaken.wentBy(datagram.direction);
    return goes;
  }
}
