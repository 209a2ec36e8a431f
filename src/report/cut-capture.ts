import { BlockKind, blockAt, pcapngHeader, pcapngInterface, pcapngPacket } from '../wire/pcapng.ts';

/** Bytes of TLS and DTLS to keep: types and lengths of records. */
const RECORD_HEAD = 16;

const INTERFACE = 1;
const PROTO_TCP = 6;
const PROTO_UDP = 17;
const DNS = 53;

/**
 * Reduces a capture to what is safe to share: headers of all packets, queried names, record headers; no keys, no payload, and no
 * events, which the journal has.
 */
export function cutCapture(file: Buffer): Buffer {
  const out: Buffer[] = [pcapngHeader('Tunnelite', [])];
  /** By interface number in the file: its new number and its type. */
  const interfaces: ({ readonly id: number; readonly inner: boolean } | undefined)[] = [];
  let count = 0;
  for (let at = 0; at + 12 <= file.length; ) {
    const { kind, length } = blockAt(file, at);
    if (file.readUInt32LE(at) === INTERFACE) {
      const name = file.toString('utf8', at + 20, at + 20 + file.readUInt16LE(at + 18));
      if (name === 'journal') interfaces.push(undefined);
      else {
        interfaces.push({ id: count++, inner: name.endsWith(' inner') });
        out.push(pcapngInterface(name));
      }
    } else if (kind === BlockKind.Packet) {
      const of = interfaces[file.readUInt32LE(at + 8)];
      if (of !== undefined) out.push(cutPacket(file, at, of));
    }
    at += length;
  }
  return Buffer.concat(out);
}

function cutPacket(file: Buffer, at: number, { id, inner }: { readonly id: number; readonly inner: boolean }): Buffer {
  const micros = file.readUInt32LE(at + 12) * 4_294_967_296 + file.readUInt32LE(at + 16);
  const captured = file.readUInt32LE(at + 20);
  const bytes = file.subarray(at + 28, at + 28 + captured);
  const flags = at + 28 + ((captured + 3) & ~3) + 4;
  return pcapngPacket({
    time: micros / 1000,
    bytes: bytes.subarray(0, Math.min(captured, shownBytes(bytes, inner))),
    wireLength: file.readUInt32LE(at + 24),
    direction: (file.readUInt32LE(flags) & 3) === 1 ? 'in' : 'out',
    interfaceId: id,
  });
}

/** Length of the part of a packet that reveals no content. */
function shownBytes(packet: Buffer, inner: boolean): number {
  const version = (packet[0] ?? 0) >> 4;
  const ip = version === 6 ? 40 : ((packet[0] ?? 0) & 15) * 4;
  const protocol = version === 6 ? packet[6] : packet[9];
  const payload = inner ? 0 : RECORD_HEAD;
  if (protocol === PROTO_TCP && packet.length >= ip + 20) return ip + (packet[ip + 12]! >> 4) * 4 + payload;
  if (protocol === PROTO_UDP && packet.length >= ip + 8) {
    const dns = inner && (packet.readUInt16BE(ip) === DNS || packet.readUInt16BE(ip + 2) === DNS);
    return dns ? packet.length : ip + 8 + payload;
  }
  return ip + 8;
}
