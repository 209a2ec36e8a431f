/**
 * The parties that share a stack: the owners of packets, such as sessions, and one party for packets without an owner. A limit is for all
 * together. A party with less than an equal share takes from the party with the most; a party with its full share gets no more.
 */
export class Party {
  /** As passed to `input`; undefined for the stack's own flows, and for packets without an owner. */
  readonly owner: object | undefined;
  /** Bytes in the buffers of its TCP flows. */
  memory = 0;
  /** Of these, out-of-order bytes, overhead included. */
  outOfOrder = 0;
  /** Bytes of incomplete fragmented packets, overhead included. */
  fragments = 0;
  /** ICMP errors that may be sent now, as of `icmpFilledAt`; see `Icmp`. */
  icmpTokens = Infinity;
  icmpFilledAt = 0;

  constructor(owner: object | undefined) {
    this.owner = owner;
  }
}

/** The parties of a stack, by owner. A party is removed when its owner is garbage-collected. */
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
