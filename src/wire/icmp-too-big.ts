/** Bytes of the packet to quote: as many as fit into the smallest MTU (RFC 1812 §4.3.2.3, RFC 4443 §2.4 c). */
const QUOTE = { 4: 576 - 20 - 8, 6: 1280 - 40 - 8 } as const;
const ICMP = 1;
const ICMPV6 = 58;
const HOP_LIMIT = 64;
/** ICMP types that are errors: no error is sent about them (RFC 1122 §3.2.2). */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/**
 * The message to the sender of an IP packet that exceeds the MTU of the path: "fragmentation needed" with the MTU of the next hop
 * (RFC 1191 §4), or Packet Too Big (RFC 4443 §3.2), as a whole IP packet. Undefined: no error may be sent about such a packet.
 *
 * @param router the address that sends it, by IP version; the destination of the packet if there is none
 */
export function tooBigMessage(
  packet: Buffer,
  mtu: number,
  router: (version: 4 | 6) => Buffer | undefined,
): Buffer | undefined {
  const version = packet.length >= 20 ? packet[0]! >>> 4 : 0;
  if (version === 4) return mayBeTold4(packet) ? build4(packet, mtu, router(4)) : undefined;
  if (version !== 6 || packet.length < 40) return undefined;
  // Errors of ICMPv6 have types below 128. Packet Too Big is also sent for packets to multicast addresses (RFC 4443 §2.4 e.3).
  if (packet[6] === ICMPV6 && (packet.length < 41 || packet[40]! < 128)) return undefined;
  return build6(packet, mtu, router(6));
}

function mayBeTold4(packet: Buffer): boolean {
  const header = (packet[0]! & 0x0f) * 4;
  if (header < 20 || header > packet.length) return false;
  if ((packet.readUInt16BE(6) & 0x1fff) !== 0) return false;
  return packet[9] !== ICMP || (packet.length > header && !ERRORS.has(packet[header]!));
}

function build4(packet: Buffer, mtu: number, router: Buffer = packet.subarray(16, 20)): Buffer {
  const quoted = packet.subarray(0, QUOTE[4]);
  const message = Buffer.alloc(28 + quoted.length);
  message[0] = 0x45;
  message.writeUInt16BE(message.length, 2);
  message[8] = HOP_LIMIT;
  message[9] = ICMP;
  router.copy(message, 12, 0, 4);
  packet.copy(message, 16, 12, 16);
  message.writeUInt16BE(checksum(message.subarray(0, 20)), 10);
  message.set([3, 4], 20);
  message.writeUInt16BE(mtu, 26);
  quoted.copy(message, 28);
  message.writeUInt16BE(checksum(message.subarray(20)), 22);
  return message;
}

function build6(packet: Buffer, mtu: number, router: Buffer = packet.subarray(24, 40)): Buffer {
  const quoted = packet.subarray(0, QUOTE[6]);
  const message = Buffer.alloc(48 + quoted.length);
  message[0] = 0x60;
  message.writeUInt16BE(8 + quoted.length, 4);
  message[6] = ICMPV6;
  message[7] = HOP_LIMIT;
  router.copy(message, 8, 0, 16);
  packet.copy(message, 24, 8, 24);
  message[40] = 2;
  message.writeUInt32BE(mtu, 44);
  quoted.copy(message, 48);
  // The pseudo-header (RFC 8200 §8.1): both addresses, the length, and the number of ICMPv6.
  const pseudo = sumOf(message.subarray(8, 40)) + 8 + quoted.length + ICMPV6;
  message.writeUInt16BE(checksum(message.subarray(40), pseudo), 42);
  return message;
}

/** The Internet checksum (RFC 1071) of bytes, with an initial sum. */
function checksum(bytes: Buffer, before = 0): number {
  let sum = before + sumOf(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  return bytes.length % 2 === 0 ? sum : sum + (bytes.at(-1)! << 8);
}
