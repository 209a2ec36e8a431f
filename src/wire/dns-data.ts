import { TunneliteError } from '../lib/errors.ts';
import { addressBytes } from '../lib/ip-address.ts';

/* Wire format of DNS names and of the data of records (RFC 1035 §3.3, RFC 2782, RFC 3596). */

/** Longest name, and longest label (RFC 1035 §2.3.4). */
export const MAX_NAME_BYTES = 255;
export const MAX_LABEL_BYTES = 63;
/** Longest string in a TXT record (RFC 1035 §3.3). */
const MAX_STRING_BYTES = 255;

/** Encodes the data of a record from its text. @throws TunneliteError `ERR_DNS_MALFORMED` */
export function dataBytes(type: string, data: string): Buffer {
  const words = data.split(/ +/);
  switch (type) {
    case 'MX':
      return Buffer.concat([uint16s(Number(words[0])), nameBytes(words[1]!)]);
    case 'SRV':
      return Buffer.concat([uint16s(...words.slice(0, 3).map(Number)), nameBytes(words[3]!)]);
    case 'SOA': {
      const numbers = Buffer.alloc(20);
      for (let i = 0; i < 5; i++) numbers.writeUInt32BE(Number(words[2 + i]), 4 * i);
      return Buffer.concat([nameBytes(words[0]!), nameBytes(words[1]!), numbers]);
    }
    case 'TXT': {
      const text = Buffer.from(data);
      const strings: Buffer[] = [];
      for (let at = 0; at < text.length; at += MAX_STRING_BYTES) {
        const string = text.subarray(at, at + MAX_STRING_BYTES);
        strings.push(Buffer.of(string.length), string);
      }
      return Buffer.concat(strings);
    }
    default:
      return addressBytes(data) ?? nameBytes(data);
  }
}

/** Encodes a name. A backslash escapes the character, or the three decimal digits, after it as one byte (RFC 4343 §2.1). */
export function nameBytes(name: string): Buffer {
  if (name === '.') return Buffer.of(0);
  const out: number[] = [];
  let label: number[] = [];
  const endLabel = (): void => {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES)
      throw malformed(`${name} has a label of ${label.length} bytes`);
    out.push(label.length, ...label);
    label = [];
  };
  for (const [part] of name.matchAll(/\\\d{3}|\\?[\s\S]/gu)) {
    if (part === '.') endLabel();
    else if (/^\\\d{3}$/.test(part)) label.push(Number(part.slice(1)) & 0xff);
    else label.push(...Buffer.from(part.startsWith('\\') ? part.slice(1) : part));
  }
  if (label.length > 0) endLabel();
  out.push(0);
  if (out.length > MAX_NAME_BYTES) throw malformed(`a name has ${out.length} bytes`);
  return Buffer.from(out);
}

/** Consecutive 16-bit numbers. */
export function uint16s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i);
  return bytes;
}

export function malformed(detail: string): TunneliteError {
  return new TunneliteError('ERR_DNS_MALFORMED', `A DNS message is malformed: ${detail}.`);
}
