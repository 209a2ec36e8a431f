// Limits and timings of resource requests; ours unless a source is named.

/** How long an upstream may take to accept a connection, in milliseconds. */
export const DIAL_TIMEOUT_MS = 10_000;

/** Destinations that one UDP mapping may have decisions for; more are refused. */
export const MAX_UDP_DESTINATIONS = 64;

/** Largest DNS message taken over TCP, in bytes (RFC 1035 §4.2.2 allows 65,535; queries are small). */
export const MAX_DNS_QUERY_BYTES = 4_096;

/** Largest UDP answer without EDNS, in bytes (RFC 1035 §4.2.1). */
export const DNS_UDP_BYTES = 512;

/** Largest UDP answer that we send whatever the client's EDNS buffer, in bytes (DNS Flag Day 2020). */
export const DNS_EDNS_BYTES = 1_232;

/** How long a DNS connection may be idle, in milliseconds (RFC 7766 §6.2.3 asks for seconds). */
export const DNS_IDLE_MS = 10_000;

/** Time to live of answers about mock hosts, in seconds: short, so that a changed configuration shows. */
export const DNS_TTL = 60;
