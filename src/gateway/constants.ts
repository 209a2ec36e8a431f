/* Timings and limits of the gateway as a whole: implementation values, ours. */

/** Milliseconds between two scans of all sessions and connections for timeouts. */
export const SCAN_INTERVAL = 1000;
/** A scan that is late by so many milliseconds is told: the process did not run, or had no time for its clients. */
export const STALL_MS = 2000;
/** Milliseconds that a client is listened for before time leaps past the point where its silence would end it. */
export const LEAP_GRACE_MS = 2000;
/** Milliseconds between two looks at whether all have answered. */
export const LEAP_POLL_MS = 20;
/** Connections without a tunnel; beyond it, one that has not authenticated is closed for each new one. */
export const MAX_PENDING_CONNECTIONS = 4096;
/** Connections without a tunnel may have one in so many of the process's file descriptors at most. */
export const PENDING_DESCRIPTOR_SHARE = 2;
/** File descriptors that connections leave free: at least so many, and one in so many. From then on somebody has to go for each new one. */
export const DESCRIPTOR_RESERVE = 8;
export const DESCRIPTOR_RESERVE_SHARE = 16;
/** Milliseconds that clients have to take their disconnect packet before their connections are closed. */
export const DISCONNECT_FLUSH_MS = 1000;
/** How many port numbers are tried until TCP and UDP are free on the same one. */
export const PORT_ATTEMPTS = 20;

/** Failures of one kind that are told within ten seconds, of connections that have not authenticated: more than tests bring about. Ours. */
export const STRANGERS_TOLD = 100;
