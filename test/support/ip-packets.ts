import { isIPv6 } from 'node:net';
import { parseAddress } from '../../src/netstack/ip/address.ts';

/** IP packets written out by hand, for tests: slow, plain, and independent of the code under test. */

function checksum(...parts: Buffer[]): number {
  let bytes: Buffer = Buffer.concat(parts);
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.alloc(1)]);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function addressBytes(address: string): Buffer {
  const { words } = parseAddress(address)!;
  const bytes = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) bytes.writeInt32BE(word, i * 4);
  return bytes;
}

export interface IpFields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Buffer;
  readonly id?: number;
  /** Offset of a fragment in bytes, and whether more follow. */
  readonly fragment?: { readonly at: number; readonly more: boolean };
  readonly options?: Buffer;
  /** IPv6: extension headers in front of the payload; the first one's type. */
  readonly extensions?: { readonly first: number; readonly bytes: Buffer };
}

export function ipPacket(fields: IpFields): Buffer {
  return isIPv6(fields.source) ? ipv6Packet(fields) : ipv4Packet(fields);
}

function ipv4Packet({
  source,
  destination,
  protocol,
  payload,
  id = 1,
  fragment,
  options = Buffer.alloc(0),
}: IpFields): Buffer {
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length >> 2);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(id, 4);
  if (fragment) header.writeUInt16BE((fragment.more ? 0x2000 : 0) | (fragment.at >> 3), 6);
  header[8] = 64;
  header[9] = protocol;
  addressBytes(source).copy(header, 12);
  addressBytes(destination).copy(header, 16);
  options.copy(header, 20);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

function ipv6Packet({ source, destination, protocol, payload, id = 1, fragment, extensions }: IpFields): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  const parts: Buffer[] = [];
  if (extensions) parts.push(extensions.bytes);
  if (fragment) {
    const bytes = Buffer.alloc(8);
    bytes[0] = protocol;
    bytes.writeUInt16BE(fragment.at | (fragment.more ? 1 : 0), 2);
    bytes.writeUInt32BE(id, 4);
    parts.push(bytes);
  }
  const body = Buffer.concat([...parts, payload]);
  header.writeUInt16BE(body.length, 4);
  header[6] = extensions?.first ?? (fragment ? 44 : protocol);
  header[7] = 64;
  addressBytes(source).copy(header, 8);
  addressBytes(destination).copy(header, 24);
  return Buffer.concat([header, body]);
}

function pseudoHeader(source: string, destination: string, protocol: number, length: number): Buffer {
  const tail = Buffer.alloc(isIPv6(source) ? 8 : 4);
  if (isIPv6(source)) {
    tail.writeUInt32BE(length, 0);
    tail[7] = protocol;
  } else {
    tail[1] = protocol;
    tail.writeUInt16BE(length, 2);
  }
  return Buffer.concat([addressBytes(source), addressBytes(destination), tail]);
}

export function udpDatagram(fields: {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly payload: Buffer;
  readonly checksum?: number;
}): Buffer {
  const datagram = Buffer.alloc(8 + fields.payload.length);
  datagram.writeUInt16BE(fields.sourcePort, 0);
  datagram.writeUInt16BE(fields.destinationPort, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  fields.payload.copy(datagram, 8);
  const sum = checksum(pseudoHeader(fields.source, fields.destination, 17, datagram.length), datagram) || 0xffff;
  datagram.writeUInt16BE(fields.checksum ?? sum, 6);
  return datagram;
}

export function icmpMessage(fields: {
  readonly source: string;
  readonly destination: string;
  readonly type: number;
  readonly code?: number;
  /** The four bytes after the checksum. */
  readonly rest?: Buffer;
  readonly body: Buffer;
}): Buffer {
  const message = Buffer.concat([
    Buffer.from([fields.type, fields.code ?? 0, 0, 0]),
    fields.rest ?? Buffer.alloc(4),
    fields.body,
  ]);
  const sum = isIPv6(fields.source)
    ? checksum(pseudoHeader(fields.source, fields.destination, 58, message.length), message)
    : checksum(message);
  message.writeUInt16BE(sum, 2);
  return message;
}

/** What a test wants to know of a packet that a stack sent. Throws when a checksum is wrong. */
export interface SeenPacket {
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Buffer;
  readonly fragment: { readonly at: number; readonly more: boolean } | undefined;
}

export function readPacket(packet: Buffer): SeenPacket {
  if (packet[0]! >> 4 === 4) {
    const header = (packet[0]! & 15) << 2;
    if (checksum(packet.subarray(0, header)) !== 0) throw new Error('bad IPv4 header checksum');
    if (packet.readUInt16BE(2) !== packet.length) throw new Error('bad IPv4 length');
    const place = packet.readUInt16BE(6) & 0x3fff;
    return check({
      family: 4,
      source: [...packet.subarray(12, 16)].join('.'),
      destination: [...packet.subarray(16, 20)].join('.'),
      protocol: packet[9]!,
      payload: packet.subarray(header),
      fragment: place === 0 ? undefined : { at: (place & 0x1fff) << 3, more: (place & 0x2000) !== 0 },
    });
  }
  if (packet.readUInt16BE(4) + 40 !== packet.length) throw new Error('bad IPv6 length');
  const text = (at: number): string => packet.toString('hex', at, at + 16);
  const isFragment = packet[6] === 44;
  const place = isFragment ? packet.readUInt16BE(42) : 0;
  return check({
    family: 6,
    source: text(8),
    destination: text(24),
    protocol: isFragment ? packet[40]! : packet[6]!,
    payload: packet.subarray(isFragment ? 48 : 40),
    fragment: isFragment ? { at: place & 0xfff8, more: (place & 1) !== 0 } : undefined,
  });
}

function check(seen: SeenPacket): SeenPacket {
  if (seen.fragment) return seen;
  const source = seen.family === 4 ? seen.source : (seen.source.match(/..../g) ?? []).join(':');
  const destination = seen.family === 4 ? seen.destination : (seen.destination.match(/..../g) ?? []).join(':');
  const pseudo = pseudoHeader(source, destination, seen.protocol, seen.payload.length);
  const parts = seen.protocol === 1 ? [seen.payload] : [pseudo, seen.payload];
  if (checksum(...parts) !== 0) throw new Error(`bad checksum of protocol ${seen.protocol}`);
  return seen;
}
