// Limits and timings of resource requests; own choices unless a source is named.

/** Timeout of a connection attempt to an upstream, in milliseconds. */
export const DIAL_TIMEOUT_MS = 10_000;

/** How long an upstream may accept none of the remaining data after the flow is over, in milliseconds (Linux `tcp_fin_timeout`). */
export const ORPHAN_TIMEOUT_MS = 60_000;

/** Most destinations of one UDP mapping; more are refused. */
export const MAX_UDP_DESTINATIONS = 64;

/** Port of name servers (RFC 1035 §4.2). */
export const DNS_PORT = 53;

/** Largest DNS message accepted over TCP, in bytes (RFC 1035 §4.2.2 allows 65,535; queries are small). */
export const MAX_DNS_QUERY_BYTES = 4_096;

/** Largest UDP answer without EDNS, in bytes (RFC 1035 §4.2.1). */
export const DNS_UDP_BYTES = 512;

/** Largest UDP answer to send, whatever the client's EDNS buffer, in bytes (DNS Flag Day 2020). */
export const DNS_EDNS_BYTES = 1_232;

/** Idle timeout of a DNS connection, in milliseconds (RFC 7766 §6.2.3 asks for seconds). */
export const DNS_IDLE_MS = 10_000;

/** Time to live of answers about mock hosts, in seconds: short, so that configuration changes take effect. */
export const DNS_TTL = 60;

/** Most consecutive aliases in one answer. */
export const MAX_ALIASES = 8;

/** Most upstream names with an address at a time, whatever the size of their network. */
export const MAX_NAMES = 65_536;

/** Number of names from wildcards that a session may hold for each free one … */
export const SHARE_OF_FREE = 1 / 8;

/** … and the number that it may always hold, while there are free ones. */
export const FEW_NAMES = 4;

/** Most names that one session may hold, however many are free. */
export const MAX_NAMES_OF_SESSION = 1_024;

/** How long a client may still cache a name after its last use, in milliseconds: the time to live, plus transit. */
export const NAME_HOLD_MS = (DNS_TTL + 5) * 1_000;

/** Concurrent look-ups with the machine's resolver: half of libuv's four threads. */
export const PARALLEL_LOOK_UPS = 2;

/** Most pending look-ups of one session. */
export const MAX_LOOK_UPS_OF_SESSION = 64;

/** Answers of the machine's resolver to cache. */
export const MAX_CACHED_HOSTS = 1_024;

/** Maximum age of a UDP upstream's addresses, in milliseconds. Each TCP connection resolves again. */
export const UPSTREAM_ADDRESS_MS = 30_000;

/** Delay before UDP retries a name that could not be resolved, in milliseconds. */
export const FAILED_LOOK_UP_MS = 2_000;

/** Datagrams that wait for an upstream's address, or to be resent to the next one; more are dropped, as by a full socket. */
export const MAX_WAITING_DATAGRAMS = 8;

/** Longest wait on the slow line of a fault rule, in milliseconds (same default as `queue` of `rate`), and most datagrams on it. */
export const MAX_LINE_WAIT_MS = 200;
export const MAX_LINE_DATAGRAMS = 256;

/** Sockets to upstreams, for all sessions; also limited to a share of the process's file descriptors. */
export const MAX_UPSTREAM_SOCKETS = 16_384;
export const SOCKET_DESCRIPTOR_SHARE = 4;

/** Time after a client's last ping to an address until their request ends, in milliseconds (Linux `nf_conntrack_icmp_timeout`). */
export const ECHO_IDLE_MS = 30_000;

/** Most pairs of client and address remembered for pings; the least recently used is dropped first. */
export const MAX_ECHO_FLOWS = 4_096;

/** Concurrent queries to other name servers; also limited to a share of the process's file descriptors. */
export const MAX_FORWARDED = 256;
export const FORWARDED_DESCRIPTOR_SHARE = 16;

/** Most pending queries of one session to other name servers. */
export const MAX_FORWARDED_OF_SESSION = 64;

/** Attempts per query, over all servers, while they do not respond; a server that reports an error is not asked again. */
export const MIN_FORWARD_TRIES = 2;

/** How long a server that did not respond is asked last, in milliseconds. */
export const SILENT_SERVER_MS = 30_000;

/** Most messages from a server's address that do not match the query, before it is abandoned (RFC 5452 §9.3). */
export const MAX_STRAY_ANSWERS = 16;

/** Minimum letters of a name so that an identical query, letter for letter, must be our own in a loop. */
export const LETTERS_OF_A_LOOP = 12;
