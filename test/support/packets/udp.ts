import { Buffer } from 'node:buffer';
import { internetChecksum } from './checksum.ts';
import { IpProtocol, pseudoHeaderSum } from './ip.ts';
import { MalformedPacket } from './malformed.ts';

/** A UDP datagram (RFC 768). */
export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Buffer;
}

/** The addresses of the packet that carries a segment or datagram; its checksum covers them. */
export interface IpEnds {
  readonly source: string;
  readonly destination: string;
}

const HEADER = 8;

/**
 * Reads a datagram, the payload of an IP packet; bytes after its length are ignored. `payload` is a view of the input.
 *
 * @param ends given: the checksum is verified; left out: it is not looked at
 * @throws MalformedPacket
 */
export function parseUdp(bytes: Buffer, ends?: IpEnds): UdpDatagram {
  const length = bytes.length < HEADER ? 0 : bytes.readUInt16BE(4);
  if (length < HEADER || length > bytes.length) {
    throw new MalformedPacket(`A UDP header claims ${length} bytes of ${bytes.length}.`);
  }
  const datagram = bytes.subarray(0, length);
  if (ends) {
    // No checksum is allowed over IPv4 only (RFC 768, RFC 8200 §8.1).
    const without = datagram.readUInt16BE(6) === 0;
    const right =
      without ||
      internetChecksum(datagram, pseudoHeaderSum(ends.source, ends.destination, IpProtocol.Udp, length)) === 0;
    if (!right || (without && ends.source.includes(':'))) {
      throw new MalformedPacket('A UDP checksum is wrong.');
    }
  }
  return {
    sourcePort: datagram.readUInt16BE(0),
    destinationPort: datagram.readUInt16BE(2),
    payload: datagram.subarray(HEADER),
  };
}

/** The datagram as new bytes with its checksum. @throws MalformedPacket when it is too long */
export function serializeUdp(datagram: UdpDatagram, ends: IpEnds): Buffer {
  const length = HEADER + datagram.payload.length;
  if (length > 65_535) throw new MalformedPacket('The payload does not fit a UDP datagram.');
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(datagram.sourcePort, 0);
  bytes.writeUInt16BE(datagram.destinationPort, 2);
  bytes.writeUInt16BE(length, 4);
  datagram.payload.copy(bytes, HEADER);
  const checksum = internetChecksum(bytes, pseudoHeaderSum(ends.source, ends.destination, IpProtocol.Udp, length));
  bytes.writeUInt16BE(checksum || 0xffff, 6);
  return bytes;
}

/** One line about a datagram, for logs. */
export function describeUdp(datagram: UdpDatagram): string {
  return `UDP ${datagram.sourcePort} > ${datagram.destinationPort}, ${datagram.payload.length} bytes`;
}
