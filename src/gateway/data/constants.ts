// Timings of the TLS channel. The values are the real server's (reference openconnect-protocol, section in brackets).

/** Multiples of the DPD period after which a silent CSTP peer is probed, and given up [§8]. */
export const DPD_PROBE_FACTOR = 2;
export const DPD_DEAD_FACTOR = 3;
