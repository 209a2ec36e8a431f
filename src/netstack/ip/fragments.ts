import { Buffer } from 'node:buffer';
import { SharedTable } from '../../lib/shared-table.ts';
import { FRAGMENT_HOLES, FRAGMENT_OVERHEAD, FRAGMENT_TIMEOUT } from '../core/constants.ts';
import type { Counters } from '../core/counters.ts';
import type { Party } from '../core/shares.ts';
import type { LimitReached } from '../core/types.ts';

/** What reassembly needs from the stack. */
export interface FragmentHost {
  readonly counters: Counters;
  readonly now: number;
  /** The owner of the packet being processed. */
  readonly party: Party;
  limitReached(table: 'fragments', action: LimitReached['action'], party: Party): void;
  readonly limits: { readonly fragmentBytes: number; readonly fragmentPackets: number };
  /** Called with the first fragment of a packet that was never completed, to send ICMP time exceeded (RFC 792, RFC 4443 §3.3). */
  fragmentsTimedOut(first: Buffer, party: Party): void;
}

interface Piece {
  readonly from: number;
  readonly bytes: Buffer;
}

interface Partial {
  readonly party: Party;
  readonly key: string;
  readonly expiresAt: number;
  /** In order of offset, without overlap. */
  readonly pieces: Piece[];
  /** Headers in front of the fragmented part, from the first fragment. */
  head: Buffer | undefined;
  /** Start of the first fragment as received, for an ICMP error. */
  first: Buffer | undefined;
  /** Length of the fragmented part, known once the last fragment has arrived. */
  total: number;
  /** Bytes of its pieces, and their cost, overhead included. */
  held: number;
  cost: number;
}

/** One fragment, as described by its IP header. */
export interface Fragment {
  /** Identifies the fragments that belong together. */
  readonly key: string;
  /** The IP packet that carries the fragment, `buffer[packet, packet + packetLength)`. */
  readonly buffer: Buffer;
  readonly packet: number;
  readonly packetLength: number;
  /** Bytes of headers before the fragmented part in the reassembled packet. */
  readonly headLength: number;
  /** Offset and length of the fragment's own bytes, and their position in the whole. */
  readonly at: number;
  readonly length: number;
  readonly from: number;
  readonly more: boolean;
}

const MAX_PACKET = 65_535;

/**
 * Reassembly of fragmented packets (RFC 791 §3.2, RFC 815, RFC 8200 §4.5), limited in bytes, packets and time. A packet with overlapping
 * fragments is dropped (RFC 5722; RFC 1858 describes the attack on IPv4); an exact repetition is a harmless duplicate.
 */
export class Fragments {
  readonly #host: FragmentHost;
  readonly #partials = new Map<string, Partial>();
  /** Packets by owner. */
  readonly #table: SharedTable<Party, Partial>;
  #bytes = 0;

  constructor(host: FragmentHost) {
    this.#host = host;
    this.#table = new SharedTable(host.limits.fragmentPackets);
  }

  /** When `expire` is needed next; Infinity if no packet is incomplete. The oldest comes first in the map. */
  get nextDeadline(): number {
    return this.#partials.values().next().value?.expiresAt ?? Infinity;
  }

  /** Bytes of incomplete packets. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Processes a fragment. Returns the head and the whole fragmented part if it was the last one missing. */
  add(fragment: Fragment): { readonly head: Buffer; readonly body: Buffer } | undefined {
    const { counters } = this.#host;
    counters.fragmentsIn++;
    const end = fragment.from + fragment.length;
    if (
      fragment.length === 0 ||
      (fragment.more && (fragment.length & 7) !== 0) ||
      end + fragment.headLength > MAX_PACKET
    ) {
      counters.dropFragmentBad++;
      return undefined;
    }
    let partial = this.#partials.get(fragment.key);
    if (!partial) {
      this.#roomForPacket();
      partial = {
        party: this.#host.party,
        key: fragment.key,
        expiresAt: this.#host.now + FRAGMENT_TIMEOUT,
        pieces: [],
        head: undefined,
        first: undefined,
        total: -1,
        held: 0,
        cost: 0,
      };
      this.#partials.set(fragment.key, partial);
      this.#table.add(partial.party, partial);
    }
    const at = this.#place(partial, fragment.from, end);
    if (at === -1) {
      counters.dropFragmentDuplicate++;
      return undefined;
    }
    const endsElsewhere = partial.total >= 0 && (end > partial.total || (!fragment.more && end !== partial.total));
    const cutsOff = !fragment.more && partial.pieces.length > 0 && lastEnd(partial) > end;
    if (at === -2 || endsElsewhere || cutsOff) {
      this.#drop(partial, 'dropFragmentOverlap');
      return undefined;
    }
    const cost = fragment.length + FRAGMENT_OVERHEAD;
    if (partial.pieces.length >= FRAGMENT_HOLES || !this.#roomForBytes(partial.party, cost)) {
      this.#drop(partial, 'dropFragmentLimit');
      return undefined;
    }
    if (!fragment.more) partial.total = end;
    if (fragment.from === 0) {
      partial.head = copyOf(fragment.buffer, fragment.packet, fragment.headLength);
      partial.first = copyOf(fragment.buffer, fragment.packet, Math.min(fragment.packetLength, 1232));
    }
    partial.pieces.splice(at, 0, {
      from: fragment.from,
      bytes: copyOf(fragment.buffer, fragment.at, fragment.length),
    });
    partial.held += fragment.length;
    partial.cost += cost;
    partial.party.fragments += cost;
    this.#bytes += cost;
    if (partial.held !== partial.total || !partial.head) return undefined;
    this.#forget(partial);
    counters.reassembled++;
    return {
      head: partial.head,
      body: Buffer.concat(
        partial.pieces.map((piece) => piece.bytes),
        partial.total,
      ),
    };
  }

  /** Drops packets that have timed out. */
  expire(): void {
    for (const partial of this.#partials.values()) {
      if (partial.expiresAt > this.#host.now) return;
      this.#drop(partial, 'dropFragmentTimeout');
      if (partial.first) this.#host.fragmentsTimedOut(partial.first, partial.party);
    }
  }

  clear(): void {
    this.#partials.clear();
    this.#table.clear();
    this.#bytes = 0;
  }

  /** Makes space for one more packet: drops the oldest one of the owner with the most, or of the sender if it has its full share. */
  #roomForPacket(): void {
    const host = this.#host;
    const table = this.#table;
    if (!table.full) return;
    const own = table.hasShare(host.party);
    const party = own ? host.party : table.largest()!;
    const oldest = table.oldest(party);
    if (oldest) this.#drop(oldest, 'dropFragmentLimit');
    host.limitReached('fragments', own ? 'refused' : 'evicted', party);
  }

  /** Whether this many bytes more may be stored. Frees space from owners with more than their share. */
  #roomForBytes(party: Party, cost: number): boolean {
    const host = this.#host;
    const { fragmentBytes } = host.limits;
    while (this.#bytes + cost > fragmentBytes) {
      const largest = this.#table.largest((one) => one.fragments);
      if (largest === undefined || this.#table.sated(party, party.fragments + cost, fragmentBytes)) {
        host.limitReached('fragments', 'refused', party);
        return false;
      }
      this.#drop(this.#table.oldest(largest)!, 'dropFragmentLimit');
      host.limitReached('fragments', 'evicted', largest);
    }
    return true;
  }

  /** Index for the range; -1 for an exact duplicate, -2 for an overlap. */
  #place({ pieces }: Partial, from: number, end: number): number {
    let at = pieces.length;
    while (at > 0 && pieces[at - 1]!.from >= from) at--;
    const next = pieces[at];
    if (next && next.from === from && next.bytes.length === end - from) return -1;
    if (next && next.from < end) return -2;
    const previous = pieces[at - 1];
    if (previous && previous.from + previous.bytes.length > from) return -2;
    return at;
  }

  #drop(partial: Partial, reason: 'dropFragmentOverlap' | 'dropFragmentLimit' | 'dropFragmentTimeout'): void {
    this.#host.counters[reason]++;
    this.#forget(partial);
  }

  #forget(partial: Partial): void {
    if (!this.#partials.delete(partial.key)) return;
    this.#table.delete(partial.party, partial);
    partial.party.fragments -= partial.cost;
    this.#bytes -= partial.cost;
  }
}

/** Memory of its own: a slice of a shared pool would retain the whole pool. */
function copyOf(buffer: Buffer, at: number, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  buffer.copy(copy, 0, at, at + length);
  return copy;
}

function lastEnd({ pieces }: Partial): number {
  const last = pieces.at(-1)!;
  return last.from + last.bytes.length;
}
