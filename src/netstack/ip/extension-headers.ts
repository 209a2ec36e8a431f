import type { Buffer } from 'node:buffer';

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const NO_NEXT_HEADER = 59;

/** Maximum number of chained headers in a packet. Our value: RFC 8200 has no limit, RFC 8883 lets hosts set one. */
const MAX_HEADERS = 8;

/** The result of walking the headers after the IPv6 header. */
export interface HeaderChain {
  /** Protocol after the last header that is supported. */
  protocol: number;
  /** Offset of its first byte. */
  at: number;
  /** Offset of the byte that names `protocol`. */
  nextHeaderAt: number;
  /** Offset of the fragment header; -1 for a whole packet. `protocol` and `at` then describe what follows it. */
  fragmentAt: number;
  /** Offset of the byte that names the fragment header. */
  fragmentNamedAt: number;
}

/**
 * Walks the extension headers of the IPv6 packet `buffer[offset, end)` (RFC 8200 §4). Options are skipped. False for a source route with
 * remaining segments, or a chain that is too long or exceeds the packet.
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
    // Hop-by-hop options are valid only right after the IPv6 header (RFC 8200 §4.3).
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
