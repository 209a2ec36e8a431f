/*
 * Timings and limits of the control side. Protocol values are the real server's (reference openconnect-protocol, section
 * in brackets); implementation values are ours.
 */

// Protocol
/** Requests answered on one connection; the next one closes it [§3]. */
export const MAX_REQUESTS_PER_CONNECTION = 16;
/** Longest request target in bytes [§3]. */
export const MAX_URL_BYTES = 255;
/** How much longer a cookie lives than configured, in seconds [§4.10]. */
export const COOKIE_SLACK = 15;
/** Multiples of the DPD period after which a silent CSTP peer is probed, and given up [§8]. */
export const DPD_PROBE_FACTOR = 2;
export const DPD_DEAD_FACTOR = 3;
/** Size of a session cookie and of everything else that names a session, in bytes [§4.10]. */
export const SESSION_ID_BYTES = 32;
/** Below this data MTU no IPv6 is given out [§5.4]. */
export const MIN_IPV6_MTU = 1280;
/** What an old client's plain MTU wish is raised by, beside IP and UDP headers, to guess its link MTU [§5.4]. */
export const OLD_CLIENT_OVERHEAD = 66;
/** Smallest and largest link MTU worked with, in bytes [§14]. */
export const MIN_LINK_MTU = 576;
export const MAX_LINK_MTU = 16_384;

/** Smallest and largest size of a TLS record's content that OpenSSL can be told to cut at, in bytes. */
export const MIN_FRAGMENT = 512;
export const MAX_FRAGMENT = 16_384;

// Implementation
/** Request line and headers together, in bytes: tokens of 16 KB fit several times over. */
export const MAX_HEAD_BYTES = 131_072;
export const MAX_HEADER_COUNT = 256;
export const MAX_BODY_BYTES = 65_536;
/** Milliseconds between two scans of all sessions and connections for timeouts. */
export const SCAN_INTERVAL = 1000;
/** Seconds that a TLS handshake may take. */
export const HANDSHAKE_TIMEOUT = 30;
/** Seconds that a closed connection may linger for its peer to close too. */
export const CLOSE_TIMEOUT = 5;
/** Connections without a tunnel; above it the oldest is dropped. */
export const MAX_PENDING_CONNECTIONS = 4096;
/** Bytes queued towards one client before packets are dropped, as a router would. */
export const MAX_QUEUED_BYTES = 1_048_576;
/** Ciphertext collected before it is handed to the kernel without waiting for the end of the turn, in bytes. */
export const FLUSH_BYTES = 131_072;
/** Packets of one size that are encrypted with one call, in bytes: enough that the call itself does not count. */
export const GROUP_BYTES = 65_536;
/** Packets that wait while the TLS layer cannot take one at once (a renegotiation). */
export const MAX_WAITING_PACKETS = 256;
/** Seconds before the address of an ended session is given to another user. */
export const ADDRESS_COOL_DOWN = 60;
/** How many port numbers are tried until TCP and UDP are free on the same one. */
export const PORT_ATTEMPTS = 20;
