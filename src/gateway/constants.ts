/* Timings and limits of the gateway as a whole: implementation values, our own choice. */

/** Milliseconds between two scans of all sessions and connections for timeouts. */
export const SCAN_INTERVAL = 1000;
/** Delay of a scan, in milliseconds, from which it is reported: the process did not run, or was too busy to serve clients. */
export const STALL_MS = 2000;
/** Milliseconds to wait for packets of a client before time jumps past the point at which its silence would end the session. */
export const LEAP_GRACE_MS = 2000;
/** Milliseconds between two checks whether all clients have answered. */
export const LEAP_POLL_MS = 20;
/** Most connections without a tunnel; beyond it, an unauthenticated one is closed for each new one. */
export const MAX_PENDING_CONNECTIONS = 4096;
/** Connections without a tunnel may use at most one in this many of the process's file descriptors. */
export const PENDING_DESCRIPTOR_SHARE = 2;
/** File descriptors to keep free: at least this number, and one in this many. Beyond it, a connection is closed for each new one. */
export const DESCRIPTOR_RESERVE = 8;
export const DESCRIPTOR_RESERVE_SHARE = 16;
/** Milliseconds for clients to receive their disconnect packet before their connections are closed. */
export const DISCONNECT_FLUSH_MS = 1000;
/** Most port numbers tried until TCP and UDP are free on the same one. */
export const PORT_ATTEMPTS = 20;

/** Failures of one kind reported per ten seconds for unauthenticated connections: more than tests cause. */
export const STRANGERS_TOLD = 100;
