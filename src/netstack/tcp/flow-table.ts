import type { RandomSource } from '../../lib/random.ts';
import type { Tcb } from './tcb.ts';

/**
 * Connections by their four-tuple: a map from a keyed hash to a chain. The key is secret, so that nobody can choose ports that all hash to
 * the same chain.
 */
export class FlowTable {
  readonly #chains = new Map<number, Tcb>();
  readonly #secret: number;
  readonly #multiplier: number;

  constructor(random: RandomSource) {
    this.#secret = random.uint32() | 0;
    this.#multiplier = random.uint32() | 1;
  }

  /** @param ports remote port << 16 | local port */
  key(addresses: Int32Array, words: number, ports: number): number {
    let hash = ports ^ this.#secret;
    for (let i = 0; i < words; i++) {
      hash = Math.imul(hash ^ addresses[i]!, this.#multiplier);
      hash ^= hash >>> 15;
    }
    return Math.imul(hash, 0x9e3779b1) >> 1;
  }

  find(addresses: Int32Array, words: number, ports: number): Tcb | undefined {
    let tcb = this.#chains.get(this.key(addresses, words, ports));
    while (tcb !== undefined && !same(tcb, addresses, words, ports)) tcb = tcb.next;
    return tcb;
  }

  insert(tcb: Tcb): void {
    tcb.next = this.#chains.get(tcb.key);
    this.#chains.set(tcb.key, tcb);
  }

  remove(tcb: Tcb): void {
    const first = this.#chains.get(tcb.key);
    if (first === tcb) {
      if (tcb.next === undefined) this.#chains.delete(tcb.key);
      else this.#chains.set(tcb.key, tcb.next);
    } else {
      let before = first;
      while (before !== undefined && before.next !== tcb) before = before.next;
      if (before === undefined) return;
      before.next = tcb.next;
    }
    tcb.next = undefined;
  }

  /** Do not add during iteration; removing is safe. */
  *[Symbol.iterator](): IterableIterator<Tcb> {
    for (const first of this.#chains.values()) {
      for (let tcb: Tcb | undefined = first; tcb !== undefined; ) {
        const next: Tcb | undefined = tcb.next;
        yield tcb;
        tcb = next;
      }
    }
  }
}

/** Whether `tcb` is the connection of this four-tuple. */
export function same(tcb: Tcb, addresses: Int32Array, words: number, ports: number): boolean {
  if (tcb.ports !== ports || tcb.addresses.length !== words) return false;
  for (let i = 0; i < words; i++) if (tcb.addresses[i] !== addresses[i]) return false;
  return true;
}
