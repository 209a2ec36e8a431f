/*
 * Timings and limits of sessions. Protocol values are those of ocserv 1.3.0, the server that Microsoft Tunnel Gateway is based on;
 * implementation values are our own choice.
 */

// Protocol
/** How much longer than configured a cookie remains valid, in seconds. */
export const COOKIE_SLACK = 15;
/** Size of a session cookie and of every other session identifier, in bytes. */
export const SESSION_ID_BYTES = 32;
/** Below this data MTU, in bytes, clients get no IPv6 address (observed: ocserv 1.3.0; RFC 8200 §5). */
export const MIN_IPV6_MTU = 1280;
/** Bytes added to the X-CSTP-MTU of an old client, besides IP and UDP headers, to estimate its link MTU. */
export const OLD_CLIENT_OVERHEAD = 66;
/** Smallest and largest link MTU, in bytes. */
export const MIN_LINK_MTU = 576;
export const MAX_LINK_MTU = 16_384;

// Implementation
/** Seconds before the address of an ended session is given to another user. */
export const ADDRESS_COOL_DOWN = 60;
/**
 * Clients count whole seconds to their rekey, and start slightly later than the gateway: a rekey this many milliseconds early is on time.
 */
export const REKEY_SLACK_MS = 1000;
