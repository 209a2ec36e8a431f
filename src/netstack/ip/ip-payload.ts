import { Buffer } from 'node:buffer';
import type { IpFamily } from '../core/types.ts';

/**
 * The payload of a whole IP packet, after headers and reassembly. One object is reused for all packets: the receiver reads it before the
 * next packet, and keeps no reference.
 */
export class IpPayload {
  /** IANA number of the protocol. */
  protocol = 0;
  /** The payload is `buffer[at, at + length)`, in the packet `buffer[packet, packet + packetLength)`. */
  buffer: Buffer = NOTHING;
  packet = 0;
  packetLength = 0;
  at = 0;
  length = 0;
  family: IpFamily = 4;
  /** Remote, then local address; the first two or eight words are used. */
  readonly addresses = new Int32Array(8);
}

const NOTHING = Buffer.alloc(0);
