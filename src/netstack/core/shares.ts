/**
 * Those who share a stack: the owners that packets come in with, such as sessions, and one party for what has none. A limit is for all
 * together; whoever holds less than an equal share takes from the one who holds most, and whoever holds that much gets no more.
 */
export class Party {
  /** As given to `input`; undefined for the stack's own flows, and for packets without owner. */
  readonly owner: object | undefined;
  /** Bytes in the buffers of its TCP flows. */
  memory = 0;
  /** Of these, bytes that came ahead of their turn, overhead included. */
  outOfOrder = 0;
  /** Bytes of fragments that wait for the rest of their packet, overhead included. */
  fragments = 0;
  /** ICMP errors that may be sent now, as of `icmpFilledAt`; see `Icmp`. */
  icmpTokens = Infinity;
  icmpFilledAt = 0;

  constructor(owner: object | undefined) {
    this.owner = owner;
  }
}

/** The parties of a stack, by owner. A party is forgotten with its owner. */
export class Parties {
  readonly #byOwner = new WeakMap<object, Party>();
  readonly nobody = new Party(undefined);

  of(owner: object | undefined): Party {
    if (owner === undefined) return this.nobody;
    let party = this.#byOwner.get(owner);
    if (party === undefined) {
      party = new Party(owner);
      this.#byOwner.set(owner, party);
    }
    return party;
  }
}
