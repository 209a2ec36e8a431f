// Limits and timings of the light client. "Spec": what the real clients do (reference openconnect-protocol, section in brackets); "ours": choices.

import { CSTP_MAX_PAYLOAD } from '../../wire/cstp.ts';

/** What is taken of a gateway's answers, in bytes and lines; the complete header set of the reference with 500 routes is about 30 KB. */
export const RESPONSE_LIMITS = { target: 1024, head: 128 * 1024, headerCount: 4096, body: 1024 * 1024 } as const;

/** The smallest packets that IPv4 (RFC 791 §3.2) and IPv6 (RFC 8200 §5) have to carry, in bytes: no tunnel has a smaller MTU. */
export const MIN_MTU_IPV4 = 68;
export const MIN_MTU_IPV6 = 1280;
/** Largest MTU of a tunnel, in bytes: a packet with its header has to fit one TLS record. */
export const MAX_MTU = CSTP_MAX_PAYLOAD;

/** How long connecting, authenticating and opening the tunnel may take together, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 30_000;
/** Ours: patience is counted in steps of this length, so that one in which the process was stopped can be left out. */
export const PATIENCE_STEP_MS = 1000;

/** How long a goodbye may take before the connection is cut, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 1_000;

/** Spec: a silent peer is asked each so many DPD periods, and given up after so many [§8]. */
export const DPD_REPEAT_SHARE = 0.5;
export const DPD_DEAD_FACTOR = 2;
/** Ours: how long a gateway may take for the first answer after a sleep; then its tunnel counts as lost. */
export const WAKE_TIMEOUT_MS = 5_000;

/** Spec: tries to reconnect go on for this long (openconnect's --reconnect-timeout) [§11]. */
export const RECONNECT_TIMEOUT_MS = 300_000;
/** Ours: pause after the first failed try, doubled by each other one up to the largest. Chance takes off up to a half. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MOST_MS = 30_000;

/** Ours: a tunnel that was lost sooner counts as a try that failed, so that a gateway that ends each one is not run against. */
export const STABLE_MS = 10_000;

/** Spec: a DTLS handshake is given up after 12 s, and the next one begins at most 60 s later [§8]. */
export const DTLS_HANDSHAKE_MS = 12_000;
const DTLS_RETRY_MOST_MS = 60_000;
/** Ours: pause after the first failed handshake, doubled by each other one. Chance takes off up to a half. */
const DTLS_RETRY_FIRST_MS = 10_000;
export const DTLS_RETRY = { first: DTLS_RETRY_FIRST_MS, most: DTLS_RETRY_MOST_MS } as const;

/** Ours, as our gateway: data over DTLS unanswered for this long is followed by a DPD request, once per such interval. */
export const UNANSWERED_PROBE_MS = 1_000;
/** Ours, as our gateway: data over DTLS unanswered for this long moves to CSTP. openconnect waits for two DPD periods. */
export const UNANSWERED_SWITCH_MS = 3_500;

/** Spec: smallest size that the path MTU is looked for at, over IPv4 and with an IPv6 address in the tunnel, in bytes [§7.6]. */
export const MIN_PROBE_IPV4 = 576;
export const MIN_PROBE_IPV6 = 1280;
/** Ours: probes of one size, and how long each may take; openconnect sends six, 50 ms apart, and nothing else meanwhile. */
export const PROBE_TRIES = 3;
export const PROBE_TIMEOUT_MS = 500;
/** Ours: the search for the path MTU ends when it knows so many bytes about it. */
export const PROBE_GRAIN = 8;

/** Spec: bytes of the App-ID or session id that go into the ClientHello, at most [§5.2]. */
export const MAX_ID_BYTES = 32;
/** Spec: bytes of the master secret of legacy DTLS [§7.3]. */
export const MASTER_SECRET_BYTES = 48;

/** Spec: link MTU that a client tells of [§5.1]. */
export const BASE_MTU = 1500;

/** Room that has to be before a packet that is sent: its header is written there. In bytes. */
export const SEND_HEADROOM = 8;

/** Ours: grain of all timers of a client, in milliseconds, so that those of thousands come up together. */
export const TIMER_GRAIN_MS = 10;
