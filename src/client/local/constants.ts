// Limits of the proxies for other programs of the machine. All are ours.

/** Connections at once; further ones are closed on arrival. */
export const MAX_CONNECTIONS = 1024;
/** Shortest interval between reports of connections closed because of that limit, in milliseconds. */
export const FULL_REPORT_MS = 1_000;
/** Time limit for a program to send its destination, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** Peers of one association for datagrams; a further one replaces the oldest. */
export const MAX_UDP_PEERS = 64;
/** Datagrams of one association that may wait for a name to be resolved. */
export const MAX_UDP_WAITING = 32;
/** Largest datagram of a program, in bytes. */
export const MAX_UDP_BYTES = 65_535;
