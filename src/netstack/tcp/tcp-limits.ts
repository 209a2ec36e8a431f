import { SharedTable } from '../../lib/shared-table.ts';
import { TIME_WAIT_ENTRIES } from '../core/constants.ts';
import type { Counters } from '../core/counters.ts';
import type { Party } from '../core/shares.ts';
import { type LimitReached, type NetstackLimits, TcpState } from '../core/types.ts';
import { abort, closeTcb } from './lifecycle.ts';
import { discardOutOfOrder, discardReceived } from './receive.ts';
import type { Tcb, TcpAccounts } from './tcb.ts';
import { TcpEvent } from './tcp-state.ts';

/** What the limits need from the stack. */
export interface TcpLimitsHost {
  readonly counters: Counters;
  readonly limits: NetstackLimits;
  limitReached(table: LimitReached['table'], action: LimitReached['action'], party: Party): void;
}

/**
 * Counts connections by state, and the memory of their buffers, for each party. At a limit, a party with less than an equal share takes
 * from the party with the most; a party with its full share gets no more.
 */
export class TcpLimits implements TcpAccounts {
  readonly #host: TcpLimitsHost;
  /** All connections except those in TIME-WAIT. */
  readonly #flows: SharedTable<Party, Tcb>;
  /** Of these, connections whose handshake is not complete. */
  readonly #halfOpen: SharedTable<Party, Tcb>;
  readonly #timeWaits = new SharedTable<Party, Tcb>(TIME_WAIT_ENTRIES);
  /** Connections with out-of-order data. */
  readonly #reassembling = new SharedTable<Party, Tcb>(Infinity);
  #memory = 0;
  #outOfOrder = 0;

  constructor(host: TcpLimitsHost) {
    this.#host = host;
    this.#flows = new SharedTable(host.limits.tcpFlows);
    this.#halfOpen = new SharedTable(host.limits.tcpHalfOpen);
  }

  /** Bytes of all buffers together. */
  get memory(): number {
    return this.#memory;
  }

  /** Bytes of out-of-order data, overhead included. */
  get outOfOrderBytes(): number {
    return this.#outOfOrder;
  }

  /** Whether the number of connections is at its limit. */
  get full(): boolean {
    return this.#flows.full;
  }

  // --- memory of connections

  held({ party }: Tcb, bytes: number): void {
    this.#memory += bytes;
    party.memory += bytes;
  }

  pressed({ party }: Tcb): boolean {
    return this.#short && this.#flows.sated(party, party.memory, this.#host.limits.memory);
  }

  get #short(): boolean {
    return this.#memory > this.#host.limits.memory;
  }

  roomOutOfOrder(tcb: Tcb, cost: number): boolean {
    const { party } = tcb;
    const { outOfOrderBytes } = this.#host.limits;
    if (this.pressed(tcb)) return false;
    while (this.#outOfOrder + cost > outOfOrderBytes) {
      if (this.#reassembling.sated(party, party.outOfOrder + cost, outOfOrderBytes)) {
        return this.#refuse('tcp-out-of-order', party);
      }
      const largest = this.#reassembling.largest((one) => one.outOfOrder);
      if (largest === undefined) return false;
      this.#host.counters.evictedOutOfOrder++;
      // The peer sends it again: selectively acknowledged data may be dropped (RFC 2018 §8).
      discardOutOfOrder(this.#reassembling.oldest(largest)!);
      this.#host.limitReached('tcp-out-of-order', 'evicted', largest);
    }
    return true;
  }

  keptOutOfOrder(tcb: Tcb, bytes: number): void {
    const { party } = tcb;
    this.#outOfOrder += bytes;
    party.outOfOrder += bytes;
    tcb.keptOutOfOrder += bytes;
    if (tcb.keptOutOfOrder === 0) this.#reassembling.delete(party, tcb);
    else if (tcb.keptOutOfOrder === bytes) this.#reassembling.add(party, tcb);
  }

  // --- number of connections

  opened(tcb: Tcb): void {
    this.#flows.add(tcb.party, tcb);
    this.#count();
  }

  stateChanged(tcb: Tcb, from: TcpState, to: TcpState): void {
    if (isHalfOpen(from) !== isHalfOpen(to)) {
      if (isHalfOpen(to)) this.#halfOpen.add(tcb.party, tcb);
      else this.#halfOpen.delete(tcb.party, tcb);
    }
    if (to === TcpState.TimeWait) {
      this.#flows.delete(tcb.party, tcb);
      if (this.#timeWaits.full) this.#shortenTimeWait();
      this.#timeWaits.add(tcb.party, tcb);
    }
    this.#count();
  }

  released(tcb: Tcb): void {
    if (!this.#timeWaits.delete(tcb.party, tcb)) this.#flows.delete(tcb.party, tcb);
    this.#count();
  }

  #count(): void {
    const { counters } = this.#host;
    counters.tcpFlows = this.#flows.size;
    counters.tcpHalfOpen = this.#halfOpen.size;
    counters.tcpTimeWait = this.#timeWaits.size;
  }

  /** Whether the party may have one more connection. Frees one from a party with more than its share if needed. */
  roomToOpen(party: Party): boolean {
    const { counters, limits } = this.#host;
    if (this.#flows.full) {
      if (this.#flows.hasShare(party)) {
        counters.refusedFlows++;
        return this.#refuse('tcp-flows', party);
      }
      this.#evict('tcp-flows', this.#flows.cheapest(this.#flows.largest()!, (tcb) => tcb.lastHeardAt)!);
    }
    if (this.#halfOpen.full) {
      if (this.#halfOpen.hasShare(party)) {
        counters.refusedHalfOpen++;
        return this.#refuse('tcp-half-open', party);
      }
      const tcb = this.#halfOpen.oldest(this.#halfOpen.largest()!)!;
      counters.evictedHalfOpen++;
      closeTcb(tcb, TcpEvent.Abort, 'evicted');
      this.#host.limitReached('tcp-half-open', 'evicted', tcb.party);
    }
    while (this.#short) {
      if (this.#flows.sated(party, party.memory, limits.memory) || !this.#evictBuffered()) {
        counters.refusedMemory++;
        return this.#refuse('tcp-memory', party);
      }
    }
    return true;
  }

  #refuse(table: LimitReached['table'], party: Party): false {
    this.#host.limitReached(table, 'refused', party);
    return false;
  }

  #evict(table: LimitReached['table'], tcb: Tcb): void {
    this.#host.counters.evictedFlows++;
    abort(tcb, 'evicted');
    discardReceived(tcb);
    this.#host.limitReached(table, 'evicted', tcb.party);
  }

  /** Ends a connection with full buffers, of the party whose buffers use the most. False: no party here uses any. */
  #evictBuffered(): boolean {
    const flows = this.#flows;
    const party = flows.largest((one) => one.memory);
    for (let looked = 0; party !== undefined && looked <= flows.size; looked++) {
      const tcb = flows.cheapest(party, (one) => -one.buffered)!;
      if (tcb.buffered === 0) continue;
      this.#evict('tcp-memory', tcb);
      return true;
    }
    return false;
  }

  /** Removes the oldest TIME-WAIT connection of the party with the most. */
  #shortenTimeWait(): void {
    const party = this.#timeWaits.largest()!;
    this.#host.counters.evictedTimeWait++;
    closeTcb(this.#timeWaits.oldest(party)!, TcpEvent.Expire, 'closed');
    this.#host.limitReached('tcp-time-wait', 'evicted', party);
  }
}

function isHalfOpen(state: TcpState): boolean {
  return state === TcpState.Listen || state === TcpState.SynReceived;
}
