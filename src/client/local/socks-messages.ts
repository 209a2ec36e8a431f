import { addressBytes, addressText } from '../../lib/ip-address.ts';

/* SOCKS5 (RFC 1928) as a server reads and writes it, without authentication. */

export const SocksCommand = { Connect: 1, Bind: 2, UdpAssociate: 3 } as const;

/** Replies (RFC 1928 §6). */
export const SocksReply = {
  Succeeded: 0,
  GeneralFailure: 1,
  NotAllowed: 2,
  NetworkUnreachable: 3,
  HostUnreachable: 4,
  ConnectionRefused: 5,
  TtlExpired: 6,
  CommandNotSupported: 7,
  AddressTypeNotSupported: 8,
} as const;
export type SocksReply = (typeof SocksReply)[keyof typeof SocksReply];

/** A destination. */
export interface SocksTarget {
  readonly host: string;
  readonly port: number;
}

export interface SocksRequest extends SocksTarget {
  readonly command: number;
}

/** A parsed message and its length; `more`: it is incomplete; or why it is invalid. */
export type SocksResult<T> =
  | { readonly value: T; readonly length: number }
  | 'more'
  | { readonly reply: SocksReply | undefined };

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const AddressType = { IPv4: 1, Name: 3, IPv6: 4 } as const;

/** The longest greeting and request together, in bytes: the buffer needed before either is complete. */
export const MAX_SOCKS_HEAD = 2 + 255 + 4 + 1 + 255 + 2;

/** The greeting (RFC 1928 §3). The value is whether the client supports no authentication. */
export function parseSocksGreeting(bytes: Buffer): SocksResult<boolean> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return { reply: undefined };
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) return 'more';
  const length = 2 + bytes[1]!;
  return { value: bytes.subarray(2, length).includes(NO_AUTHENTICATION), length };
}

/** The answer to a greeting. */
export function socksGreetingAnswer(accepted: boolean): Buffer {
  return Buffer.of(VERSION, accepted ? NO_AUTHENTICATION : 0xff);
}

/** The request (RFC 1928 §4). */
export function parseSocksRequest(bytes: Buffer): SocksResult<SocksRequest> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return { reply: undefined };
  if (bytes.length < 4) return 'more';
  const target = parseTarget(bytes, 3);
  if (target === 'more' || 'reply' in target) return target;
  return { value: { command: bytes[1]!, ...target.value }, length: target.length };
}

/** A reply to a request, with the address that the server is bound to. */
export function serializeSocksReply(reply: SocksReply, bound: SocksTarget = { host: '0.0.0.0', port: 0 }): Buffer {
  return Buffer.concat([Buffer.of(VERSION, reply, 0), targetBytes(bound)]);
}

/** A datagram of an association (RFC 1928 §7). The value is its destination and payload. Fragments are not reassembled: no client sends them. */
export function parseSocksDatagram(bytes: Buffer): (SocksTarget & { readonly payload: Buffer }) | undefined {
  if (bytes[2] !== 0) return undefined;
  const target = parseTarget(bytes, 3);
  if (target === 'more' || 'reply' in target) return undefined;
  return { ...target.value, payload: bytes.subarray(target.length) };
}

/** A datagram for the client, with its source. */
export function serializeSocksDatagram(from: SocksTarget, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(3), targetBytes(from), payload]);
}

function parseTarget(bytes: Buffer, at: number): SocksResult<SocksTarget> {
  const type = bytes[at];
  const from = type === AddressType.Name ? at + 2 : at + 1;
  const size = { [AddressType.IPv4]: 4, [AddressType.IPv6]: 16, [AddressType.Name]: bytes[at + 1] ?? 0 }[type as 1];
  if (size === undefined) return { reply: SocksReply.AddressTypeNotSupported };
  const end = from + size;
  if (bytes.length < end + 2) return 'more';
  const name = bytes.subarray(from, end);
  const host = type === AddressType.Name ? name.toString('utf8') : addressText(name);
  return { value: { host, port: bytes.readUInt16BE(end) }, length: end + 2 };
}

function targetBytes({ host, port }: SocksTarget): Buffer {
  const address = addressBytes(host);
  const name = Buffer.from(host).subarray(0, 255);
  const head = address
    ? Buffer.of(address.length === 4 ? AddressType.IPv4 : AddressType.IPv6)
    : Buffer.of(AddressType.Name, name.length);
  return Buffer.concat([head, address ?? name, Buffer.of(port >> 8, port & 0xff)]);
}
