// Limits and timings of resource requests; ours unless a source is named.

/** How long an upstream may take to accept a connection, in milliseconds. */
export const DIAL_TIMEOUT_MS = 10_000;

/** How long an upstream may take nothing of what is left for it once the flow is over, in milliseconds (Linux `tcp_fin_timeout`). */
export const ORPHAN_TIMEOUT_MS = 60_000;

/** Destinations that one UDP mapping may have decisions for; more are refused. */
export const MAX_UDP_DESTINATIONS = 64;

/** Where name servers listen (RFC 1035 §4.2). */
export const DNS_PORT = 53;

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

/** Aliases that may lead from one to the next in one answer. */
export const MAX_ALIASES = 8;

/** Names of upstreams that have an address at a time, however large the network for them. */
export const MAX_NAMES = 65_536;

/** A session may hold so many names, of those that wildcards bring in, for each one that is still free … */
export const SHARE_OF_FREE = 1 / 8;

/** … and these in any case, while there are free ones. */
export const FEW_NAMES = 4;

/** Names that one session may hold, however many are free. */
export const MAX_NAMES_OF_SESSION = 1_024;

/** How long after its last use of a name a client may still believe the answer, in milliseconds: the time to live, and some for the way. */
export const NAME_HOLD_MS = (DNS_TTL + 5) * 1_000;

/** Look-ups with the machine's resolver at a time: as many as Node.js has threads for (half of libuv's four). */
export const PARALLEL_LOOK_UPS = 2;

/** Look-ups of one session that may wait for their turn. */
export const MAX_LOOK_UPS_OF_SESSION = 64;

/** Answers of the machine's resolver that are kept. */
export const MAX_CACHED_HOSTS = 1_024;

/** How old the addresses of a UDP upstream may be, in milliseconds. TCP asks anew for each connection. */
export const UPSTREAM_ADDRESS_MS = 30_000;

/** How long a name that cannot be resolved is not asked for again by UDP, in milliseconds. */
export const FAILED_LOOK_UP_MS = 2_000;

/** How long one address of an upstream has before the next one is tried beside it, in milliseconds (RFC 8305 §5). */
export const ATTEMPT_DELAY_MS = 250;

/** Addresses of one upstream that are tried. */
export const MAX_ATTEMPTS = 8;

/** Datagrams that wait for an upstream's address, and those that are sent again to the next one; more are dropped, as by a full socket. */
export const MAX_WAITING_DATAGRAMS = 8;

/** How long a datagram waits for its turn on the slow line of a fault rule, in milliseconds (`queue` of `rate` has the same default); and how many are on it at most. */
export const MAX_LINE_WAIT_MS = 200;
export const MAX_LINE_DATAGRAMS = 256;

/** Sockets to upstreams, of all sessions together; they have one in so many of the process's file descriptors at most. */
export const MAX_UPSTREAM_SOCKETS = 16_384;
export const SOCKET_DESCRIPTOR_SHARE = 4;

/** How long after the last ping of one client to one address their request is over, in milliseconds (Linux `nf_conntrack_icmp_timeout`). */
export const ECHO_IDLE_MS = 30_000;

/** Pairs of client and address that are remembered for pings; the one used least recently goes first. */
export const MAX_ECHO_FLOWS = 4_096;

/** Questions to other name servers under way at a time; they have one in so many of the process's file descriptors at most. */
export const MAX_FORWARDED = 256;
export const FORWARDED_DESCRIPTOR_SHARE = 16;

/** Questions of one session that wait for other name servers at a time. */
export const MAX_FORWARDED_OF_SESSION = 64;

/** Times that a question is put to servers, all together, if they stay silent; one that fails is not asked again. */
export const MIN_FORWARD_TRIES = 2;

/** How long a server that stayed silent is asked after the others, in milliseconds. */
export const SILENT_SERVER_MS = 30_000;

/** Messages with the address of a server that are no answer to the question, until it is given up (RFC 5452 §9.3). */
export const MAX_STRAY_ANSWERS = 16;

/** Letters that a name has to have, so that a question that is the same letter by letter is one of ours that came around. */
export const LETTERS_OF_A_LOOP = 12;
