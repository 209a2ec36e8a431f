// Limits of the proxies for other programs of the machine. All are ours.

/** Connections at once; more are closed as they come. */
export const MAX_CONNECTIONS = 1024;
/** How often it is told at most that some were closed for want of room, in milliseconds. */
export const FULL_REPORT_MS = 1_000;
/** How long a program may take to say where it wants to go, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** Peers of one association for datagrams; with another one the oldest is let go. */
export const MAX_UDP_PEERS = 64;
/** Datagrams of one association that wait for a name to be resolved. */
export const MAX_UDP_WAITING = 32;
/** Largest datagram of a program, in bytes. */
export const MAX_UDP_BYTES = 65_535;
