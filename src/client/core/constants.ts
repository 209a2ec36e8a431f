// Limits and timings of the light client. "Spec": what openconnect does (observed: 9.01 and 9.21), or the source in brackets; "ours": choices.

import { CSTP_MAX_PAYLOAD } from '../../wire/cstp.ts';

/** Limits for a gateway's answers, in bytes and lines; the complete header set of ocserv 1.3.0 with 500 routes is about 30 KB. */
export const RESPONSE_LIMITS = { target: 1024, head: 128 * 1024, headerCount: 4096, body: 1024 * 1024 } as const;

/** The smallest packets that IPv4 (RFC 791 §3.2) and IPv6 (RFC 8200 §5) must carry, in bytes: no tunnel has a smaller MTU. */
export const MIN_MTU_IPV4 = 68;
export const MIN_MTU_IPV6 = 1280;
/** Largest MTU of a tunnel, in bytes: a packet with its header must fit one TLS record. */
export const MAX_MTU = CSTP_MAX_PAYLOAD;

/** Time limit for connecting, authenticating and opening the tunnel together, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 30_000;
/** Ours: time limits are counted in steps of this length, so that a step in which the process was stopped can be left out. */
export const PATIENCE_STEP_MS = 1000;

/** Time limit for the disconnect packet before the connection is cut, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Spec: how often a DPD request to a silent peer is repeated, and when the peer counts as dead; both in DPD periods. */
export const DPD_REPEAT_SHARE = 0.5;
export const DPD_DEAD_FACTOR = 2;
/** Ours: time limit for the gateway's first answer after a sleep; then its tunnel counts as lost. */
export const WAKE_TIMEOUT_MS = 5_000;

/** Spec: how long reconnecting is attempted (openconnect's --reconnect-timeout). */
export const RECONNECT_TIMEOUT_MS = 300_000;
/** Ours: pause after the first failed attempt, doubled after each further one up to the largest. Randomness subtracts up to a half. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MOST_MS = 30_000;

/** Ours: a tunnel lost sooner than this counts as a failed attempt, so that a gateway that ends every tunnel is not flooded. */
export const STABLE_MS = 10_000;

/** Spec: a DTLS handshake is abandoned after 12 s, and the next one begins at most 60 s later. */
export const DTLS_HANDSHAKE_MS = 12_000;
const DTLS_RETRY_MOST_MS = 60_000;
/** Ours: pause after the first failed handshake, doubled after each further one. Randomness subtracts up to a half. */
const DTLS_RETRY_FIRST_MS = 10_000;
export const DTLS_RETRY = { first: DTLS_RETRY_FIRST_MS, most: DTLS_RETRY_MOST_MS } as const;

/** Ours, as in our gateway: if data over DTLS is unanswered for this long, a DPD request is sent, once per such interval. */
export const UNANSWERED_PROBE_MS = 1_000;
/** Ours, as in our gateway: if data over DTLS is unanswered for this long, data moves to CSTP. openconnect waits for two DPD periods. */
export const UNANSWERED_SWITCH_MS = 3_500;

/** Spec: smallest size probed for the path MTU, over IPv4 and with an IPv6 address in the tunnel, in bytes. */
export const MIN_PROBE_IPV4 = 576;
export const MIN_PROBE_IPV6 = 1280;
/** Ours: probes of one size, and time limit for each; openconnect sends six, 50 ms apart, and no data meanwhile. */
export const PROBE_TRIES = 3;
export const PROBE_TIMEOUT_MS = 500;
/** Ours: the search for the path MTU ends at this precision, in bytes. */
export const PROBE_GRAIN = 8;

/** Spec: bytes of the App-ID or session id that go into the ClientHello, at most (RFC 5246 §7.4.1.2). */
export const MAX_ID_BYTES = 32;
/** Spec: bytes of the master secret of legacy DTLS (draft-mavrogiannopoulos-openconnect). */
export const MASTER_SECRET_BYTES = 48;

/** Spec: link MTU that a client announces in `X-CSTP-Base-MTU`. */
export const BASE_MTU = 1500;

/** Headroom required before a packet to send, for its header. In bytes. */
export const SEND_HEADROOM = 8;

/** Ours: granularity of all timers of a client, in milliseconds, so that timers of thousands of clients fire together. */
export const TIMER_GRAIN_MS = 10;
