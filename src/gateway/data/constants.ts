// Timings of the TLS channel. The values are those of ocserv 1.3.0.

/** Multiples of the DPD period after which a silent CSTP peer is probed, and declared dead. */
export const DPD_PROBE_FACTOR = 2;
export const DPD_DEAD_FACTOR = 3;
