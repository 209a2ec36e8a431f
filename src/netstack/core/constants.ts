/** Timings (milliseconds) and limits (bytes, counts) of the engine, each with its source. */

// --- From the specifications -----------------------------------------------------------------------------------

/** RFC 6298 §2.1: the timeout before any round trip was measured. */
export const RTO_INITIAL = 1000;
/** RFC 6298 §5.7: the timeout after a handshake whose SYN had to be repeated. */
export const RTO_AFTER_SYN_LOSS = 3000;
/** RFC 6298 §2.5: a maximum of at least 60 s. */
export const RTO_MAX = 60_000;
/** RFC 9293 §3.8.3 (R2, at least 100 s): time without acknowledgement of data after which the connection is given up. */
export const GIVE_UP = 120_000;
/** RFC 9293 §3.8.3: R2 of a SYN is at least three minutes. */
export const GIVE_UP_SYN = 180_000;
/** RFC 5681 §3.1, RFC 6928: initial window of ten segments. */
export const INITIAL_WINDOW_SEGMENTS = 10;
/** RFC 5681 §3.2: number of duplicate acknowledgements that indicates a loss, for peers without SACK. */
export const DUP_THRESHOLD = 3;
/** RFC 8985 §7.2: worst-case delayed acknowledgement, added to a probe timeout with one segment in flight. */
export const WORST_DELAYED_ACK = 200;
/** RFC 8985 §6.2 step 4: recoveries for which a widened reordering window persists. */
export const REO_WND_PERSIST = 16;
/** RFC 9293 §3.7.1: the MSS of a peer that announces none, per IP family. */
export const DEFAULT_MSS_V4 = 536;
export const DEFAULT_MSS_V6 = 1220;
/** RFC 7323 §2.3. */
export const MAX_WINDOW_SCALE = 14;
/** RFC 7323 §5.5: idle time after which a stale TS.Recent no longer rejects segments: 24 days. */
export const PAWS_STALE = 24 * 86_400_000;
/** RFC 8200 §5, RFC 791: link MTUs that every path supports. */
export const MIN_MTU_V6 = 1280;
/** RFC 1191 §3 sets 68 for IPv4; Linux (`ip_rt_min_pmtu`) uses 552, so that a forged message cannot cripple a flow. */
export const MIN_MTU_V4 = 552;
/** RFC 4821 §7.7: the eff_pmtu to fall back to in a black hole has this MSS. */
export const BLACK_HOLE_MSS = 1024;
/** RFC 1191 §6.3: a learned path MTU expires after ten minutes. */
export const PATH_MTU_TTL = 600_000;
/** RFC 1122 §4.2.3.6: keep-alive probes; Linux `tcp_keepalive_probes`, `tcp_keepalive_intvl`. */
export const KEEP_ALIVE_PROBES = 9;
export const KEEP_ALIVE_INTERVAL = 75_000;
/** Linux `tcp_fin_timeout`: how long to wait for the peer's FIN when the application no longer needs it. */
export const FIN_TIMEOUT = 60_000;
/** RFC 793 sets an MSL of two minutes; Linux keeps TIME-WAIT for 60 s in total, and so does this stack. */
export const TIME_WAIT = 60_000;

// --- Of this implementation ------------------------------------------------------------------------------------

/** Linux `TCP_RTO_MIN`: RFC 6298 requires one second, which deployed stacks found too long. */
export const RTO_MIN = 200;
/** Linux `TCP_DELACK_MIN`; RFC 9293 §3.8.6.3 allows up to 500 ms. */
export const DELAYED_ACK = 40;
/** How long a half-open passive connection is kept: Linux `tcp_synack_retries` = 5 doublings of one second. */
export const HALF_OPEN_TIMEOUT = 63_000;
/**
 * RFC 5961 §7 requires a limit; per flow, as in Linux (`tcp_invalid_ratelimit`), because a global one leaks information (CVE-2016-5696).
 */
export const CHALLENGE_ACK_INTERVAL = 500;
/**
 * Smallest segment that the stack agrees to send, against peers that announce a tiny MSS (CVE-2019-11479; Linux `tcp_min_snd_mss` is 48).
 */
export const MIN_SEND_MSS = 88;
/** Payload of a segment with timestamps that fills the smallest IPv4 packet, 68 bytes (RFC 791 §3.2). */
export const MIN_SEGMENT = 16;
/** Receive buffer of a new flow; autotuning increases it. */
export const RECEIVE_BUFFER_INITIAL = 256 * 1024;
export const RECEIVE_BUFFER_MAX = 4 * 1024 * 1024;
/** Largest window that is advertised while the stack is short of memory. */
export const RECEIVE_BUFFER_PRESSURE = 16 * 1024;
export const SEND_BUFFER_MAX = 4 * 1024 * 1024;
/** `write` returns false above this; follows the congestion window up to the maximum. */
export const SEND_BUFFER_INITIAL = 256 * 1024;
/** Overhead counted for one out-of-order piece, so that many tiny pieces cannot hide their cost. */
export const PIECE_OVERHEAD = 192;
/**
 * Out-of-order pieces of one flow: a window of 4 MiB in segments of 536 bytes, the smallest common size. Inserting one among them moves 64
 * KiB at most.
 */
export const MAX_PIECES = 8192;
/**
 * Segments in flight of one flow: the largest congestion window in segments of common size. A peer that asks for tiny segments gets fewer
 * bytes at once, and its acknowledgements have no longer lists to search.
 */
export const MAX_SEGMENTS = 16_384;
/**
 * Data segments that one flush sends in total, and for one connection: a single batch of acknowledgements can open many large windows at
 * once. The rest follows a moment later, after the other connections.
 */
export const FLUSH_SEGMENTS = 1024;
export const FLOW_SEGMENTS = 256;
export const FLUSH_PAUSE = 1;
/** Maximum congestion window. */
export const CWND_MAX = 16 * 1024 * 1024;
export const DEFAULT_MTU = 1400;
export const DEFAULT_HEADROOM = 16;
/** Maximum number of TIME-WAIT entries; the oldest is removed first. */
export const TIME_WAIT_ENTRIES = 4096;
/** Consecutive timeouts of a full-sized segment that indicate an MTU black hole (Linux `tcp_retries1`). */
export const BLACK_HOLE_TIMEOUTS = 3;
/** Number of paths whose MTU is remembered. */
export const PATH_MTU_ENTRIES = 4096;

/** Interval between checks whether flows still need the large chunks that they keep, in milliseconds. Our value. */
export const CHUNK_IDLE = 1_000;

/** Default limits of a stack. */
export const DEFAULT_LIMITS = {
  tcpFlows: 65_536,
  tcpHalfOpen: 4096,
  outOfOrderBytes: 64 * 1024 * 1024,
  udpFlows: 32_768,
  /** RFC 4787 REQ-5: at least two minutes. */
  udpIdle: 120_000,
  fragmentBytes: 4 * 1024 * 1024,
  fragmentPackets: 256,
  memory: 512 * 1024 * 1024,
} as const;

/** RFC 8200 §4.5 and RFC 1122 §3.3.2 require 60 s; Linux keeps IPv4 fragments for 30 s (`ipfrag_time`), which uses less memory. */
export const FRAGMENT_TIMEOUT = 30_000;
/** Fragments of one packet: 64 KiB in the 576-byte packets of the smallest IPv4 path (RFC 791). */
export const FRAGMENT_HOLES = 128;
/** Overhead counted for one fragment, so that many tiny ones cannot hide their cost. */
export const FRAGMENT_OVERHEAD = 128;
/** Idle time after which an echo flow ends (RFC 5508 REQ-1: at least 60 s). */
export const ECHO_IDLE = 60_000;
/** ICMP errors per second, and at once: Linux `icmp_msgs_per_sec`, `icmp_msgs_burst` (RFC 1812 §4.3.2.8, RFC 4443 §2.4 f). */
export const ICMP_RATE = 1000;
export const ICMP_BURST = 50;
/**
 * Of these, the share of one owner of packets: small enough to leave room for four others, large enough for a refused start page. Our
 * value.
 */
export const ICMP_PARTY_RATE = 200;
export const ICMP_PARTY_BURST = 25;
