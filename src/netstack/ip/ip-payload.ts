import { Buffer } from 'node:buffer';
import type { IpFamily } from '../core/types.ts';

/**
 * What a whole IP packet carries, headers and fragments dealt with. One object is reused for all packets: whoever takes a payload in
 * reads it before the next one comes, and keeps nothing of it.
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
  /** Remote, then local address; two or eight words of it count. */
  readonly addresses = new Int32Array(8);
}

const NOTHING = Buffer.alloc(0);
