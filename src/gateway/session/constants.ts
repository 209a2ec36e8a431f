/*
 * Timings and limits of sessions. Protocol values are the real server's (reference openconnect-protocol, section in
 * brackets); implementation values are ours.
 */

// Protocol
/** How much longer a cookie lives than configured, in seconds [§4.10]. */
export const COOKIE_SLACK = 15;
/** Size of a session cookie and of everything else that names a session, in bytes [§4.10]. */
export const SESSION_ID_BYTES = 32;
/** Below this data MTU no IPv6 is given out [§5.4]. */
export const MIN_IPV6_MTU = 1280;
/** What an old client's plain MTU wish is raised by, beside IP and UDP headers, to guess its link MTU [§5.4]. */
export const OLD_CLIENT_OVERHEAD = 66;
/** Smallest and largest link MTU worked with, in bytes [§14]. */
export const MIN_LINK_MTU = 576;
export const MAX_LINK_MTU = 16_384;

// Implementation
/** Seconds before the address of an ended session is given to another user. */
export const ADDRESS_COOL_DOWN = 60;
/** Clients count whole seconds to their rekey, and begin a little later than the gateway: so many milliseconds too soon is in time. */
export const REKEY_SLACK_MS = 1000;
