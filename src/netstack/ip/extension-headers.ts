import type { Buffer } from 'node:buffer';

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const NO_NEXT_HEADER = 59;

/** Headers that one packet may chain. Ours: RFC 8200 has no limit, RFC 8883 lets hosts set one. */
const MAX_HEADERS = 8;

/** What follows the IPv6 header. */
export interface HeaderChain {
  /** Protocol of what comes after the last header that is understood. */
  protocol: number;
  /** Where that begins. */
  at: number;
  /** Where the byte that names `protocol` stands. */
  nextHeaderAt: number;
  /** Where the fragment header begins; -1 when the packet is whole. `protocol` and `at` are then what follows it. */
  fragmentAt: number;
  /** Where the byte that names the fragment header stands. */
  fragmentNamedAt: number;
}

/**
 * Walks the extension headers of the IPv6 packet `buffer[offset, end)` (RFC 8200 §4). Options are skipped; a source route that
 * still has stops, a chain that runs out of the packet or has no end is refused: false.
 */
export function walkHeaders(buffer: Buffer, offset: number, end: number, chain: HeaderChain): boolean {
  let at = offset + 40;
  let namedAt = offset + 6;
  chain.fragmentAt = -1;
  chain.fragmentNamedAt = -1;
  for (let count = 0; count <= MAX_HEADERS; count++) {
    const type = buffer[namedAt]!;
    if (
      type !== HOP_BY_HOP &&
      type !== ROUTING &&
      type !== DESTINATION_OPTIONS &&
      type !== FRAGMENT &&
      type !== MOBILITY
    ) {
      chain.protocol = type;
      chain.at = at;
      chain.nextHeaderAt = namedAt;
      return type !== NO_NEXT_HEADER;
    }
    if (at + 8 > end) return false;
    // Hop-by-hop options only right after the IPv6 header (RFC 8200 §4.3).
    if (type === HOP_BY_HOP && count > 0) return false;
    if (type === ROUTING && buffer[at + 3] !== 0) return false;
    if (type === FRAGMENT) {
      chain.fragmentAt = at;
      chain.fragmentNamedAt = namedAt;
      chain.protocol = buffer[at]!;
      chain.at = at + 8;
      chain.nextHeaderAt = at;
      return true;
    }
    const length = (buffer[at + 1]! + 1) << 3;
    namedAt = at;
    at += length;
    if (at > end) return false;
  }
  return false;
}
