/** Traffic of tunnels. Sizes in bytes. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Packets to the client for which its queue was full, or no channel open. */
  readonly dropped: number;
  /** Packets from the client that did not carry its own address as the source. */
  readonly spoofed: number;
  /** Packets from the client that are not IP packets. */
  readonly malformed: number;
}

export const NO_TRAFFIC: Traffic = {
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  dropped: 0,
  spoofed: 0,
  malformed: 0,
};

export function addTraffic(a: Traffic, b: Traffic): Traffic {
  return {
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    packetsIn: a.packetsIn + b.packetsIn,
    packetsOut: a.packetsOut + b.packetsOut,
    dropped: a.dropped + b.dropped,
    spoofed: a.spoofed + b.spoofed,
    malformed: a.malformed + b.malformed,
  };
}
