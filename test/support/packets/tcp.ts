import { Buffer } from 'node:buffer';
import { internetChecksum } from './checksum.ts';
import { IpProtocol, pseudoHeaderSum } from './ip.ts';
import { MalformedPacket } from './malformed.ts';
import type { IpEnds } from './udp.ts';

/** Control bits (RFC 9293 §3.1), least first. */
export const TcpFlag = { Fin: 1, Syn: 2, Rst: 4, Psh: 8, Ack: 16, Urg: 32, Ece: 64, Cwr: 128 } as const;

/** Options by name (RFC 9293 §3.2, RFC 7323, RFC 2018); any other with its kind and bytes. */
export type TcpOption =
  | { readonly name: 'nop' }
  | { readonly name: 'mss'; readonly value: number }
  | { readonly name: 'windowScale'; readonly shift: number }
  | { readonly name: 'sackPermitted' }
  /** Left edge, right edge of each block. */
  | { readonly name: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly name: 'timestamps'; readonly value: number; readonly echo: number }
  | { readonly name: 'unknown'; readonly kind: number; readonly data: Buffer };

/** A TCP segment (RFC 9293 §3.1). */
export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Bits of {@link TcpFlag}. */
  readonly flags: number;
  /** As on the wire, not scaled. */
  readonly window: number;
  readonly urgent?: number;
  readonly options?: readonly TcpOption[];
  readonly payload: Buffer;
}

const HEADER = 20;
const malformed = (what: string): MalformedPacket => new MalformedPacket(what);

/**
 * Reads a segment, the payload of an IP packet. `payload` and the bytes of unknown options are views of the input.
 *
 * @param ends given: the checksum is verified; left out: it is not looked at
 * @throws MalformedPacket
 */
export function parseTcp(bytes: Buffer, ends?: IpEnds): TcpSegment {
  const header = bytes.length < HEADER ? 0 : (bytes[12]! >> 4) << 2;
  if (header < HEADER || header > bytes.length) throw malformed('A TCP header does not fit its packet.');
  if (
    ends &&
    internetChecksum(bytes, pseudoHeaderSum(ends.source, ends.destination, IpProtocol.Tcp, bytes.length)) !== 0
  ) {
    throw malformed('A TCP checksum is wrong.');
  }
  const options = parseOptions(bytes.subarray(HEADER, header));
  const urgent = bytes.readUInt16BE(18);
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4),
    acknowledgment: bytes.readUInt32BE(8),
    flags: bytes[13]!,
    window: bytes.readUInt16BE(14),
    ...(urgent > 0 ? { urgent } : {}),
    ...(options.length > 0 ? { options } : {}),
    payload: bytes.subarray(header),
  };
}

function parseOptions(bytes: Buffer): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!;
    if (kind === 0) break;
    if (kind === 1) {
      options.push({ name: 'nop' });
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) throw malformed('A TCP option does not fit the header.');
    options.push(parseOption(kind, bytes.subarray(at + 2, at + length)));
    at += length;
  }
  return options;
}

function parseOption(kind: number, data: Buffer): TcpOption {
  if (kind === 2 && data.length === 2) return { name: 'mss', value: data.readUInt16BE(0) };
  if (kind === 3 && data.length === 1) return { name: 'windowScale', shift: data[0]! };
  if (kind === 4 && data.length === 0) return { name: 'sackPermitted' };
  if (kind === 8 && data.length === 8) {
    return { name: 'timestamps', value: data.readUInt32BE(0), echo: data.readUInt32BE(4) };
  }
  if (kind === 5 && data.length > 0 && data.length % 8 === 0) {
    const blocks: [number, number][] = [];
    for (let at = 0; at < data.length; at += 8) blocks.push([data.readUInt32BE(at), data.readUInt32BE(at + 4)]);
    return { name: 'sack', blocks };
  }
  return { name: 'unknown', kind, data };
}

function serializeOption(option: TcpOption): Buffer {
  const make = (kind: number, words: readonly number[], size: 1 | 2 | 4): Buffer => {
    const bytes = Buffer.alloc(2 + words.length * size);
    bytes[0] = kind;
    bytes[1] = bytes.length;
    for (const [i, word] of words.entries()) bytes.writeUIntBE(word, 2 + i * size, size);
    return bytes;
  };
  switch (option.name) {
    case 'nop':
      return Buffer.from([1]);
    case 'mss':
      return make(2, [option.value], 2);
    case 'windowScale':
      return make(3, [option.shift], 1);
    case 'sackPermitted':
      return make(4, [], 1);
    case 'sack':
      return make(5, option.blocks.flat(), 4);
    case 'timestamps':
      return make(8, [option.value, option.echo], 4);
    case 'unknown':
      return make(option.kind, [...option.data], 1);
  }
}

/** The segment as new bytes with its checksum; options are padded with zeros. @throws MalformedPacket for what does not fit */
export function serializeTcp(segment: TcpSegment, ends: IpEnds): Buffer {
  const options = Buffer.concat((segment.options ?? []).map(serializeOption));
  const header = HEADER + Math.ceil(options.length / 4) * 4;
  const length = header + segment.payload.length;
  if (header > 60) throw malformed('The options do not fit a TCP header.');
  if (length > 65_535) throw malformed('The payload does not fit a TCP segment.');
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(segment.sourcePort, 0);
  bytes.writeUInt16BE(segment.destinationPort, 2);
  bytes.writeUInt32BE(segment.sequence, 4);
  bytes.writeUInt32BE(segment.acknowledgment, 8);
  bytes[12] = header << 2;
  bytes[13] = segment.flags;
  bytes.writeUInt16BE(segment.window, 14);
  bytes.writeUInt16BE(segment.urgent ?? 0, 18);
  options.copy(bytes, HEADER);
  segment.payload.copy(bytes, header);
  const sum = pseudoHeaderSum(ends.source, ends.destination, IpProtocol.Tcp, length);
  bytes.writeUInt16BE(internetChecksum(bytes, sum), 16);
  return bytes;
}

/** One line about a segment, for logs. */
export function describeTcp(segment: TcpSegment): string {
  const flags = Object.entries(TcpFlag)
    .filter(([, bit]) => segment.flags & bit)
    .map(([name]) => name.toUpperCase());
  const ack = segment.flags & TcpFlag.Ack ? ` ack ${segment.acknowledgment}` : '';
  return (
    `TCP ${segment.sourcePort} > ${segment.destinationPort} ${flags.join(' ') || 'no flags'} seq ${segment.sequence}` +
    `${ack} win ${segment.window}, ${segment.payload.length} bytes`
  );
}
