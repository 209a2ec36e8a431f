import { isIPv4, isIPv6 } from 'node:net';
import type { IpFamily } from '../core/types.ts';

/** Character codes. */
const DOT = 46;
const ZERO = 48;

/** Addresses as 32-bit words in network order: one for IPv4, four for IPv6. */

export interface IpAddress {
  readonly family: IpFamily;
  readonly words: Int32Array;
}

/** Parses an address; undefined if it is none. A zone is ignored. */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, words: Int32Array.of(parse4(text)) };
  const zone = text.indexOf('%');
  if (zone >= 0) text = text.slice(0, zone);
  if (!isIPv6(text)) return undefined;
  const last = text.lastIndexOf(':');
  if (text.includes('.')) {
    const v4 = parse4(text.slice(last + 1));
    text = `${text.slice(0, last + 1)}${((v4 >>> 16) & 0xffff).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const [head = '', tail] = text.split('::') as [string, string?];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...front, ...new Array<string>(8 - front.length - back.length).fill('0'), ...back];
  const words = new Int32Array(4);
  for (let i = 0; i < 4; i++) {
    words[i] = (Number.parseInt(groups[2 * i]!, 16) << 16) | Number.parseInt(groups[2 * i + 1]!, 16);
  }
  return { family: 6, words };
}

function parse4(text: string): number {
  let word = 0;
  let part = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      word = (word << 8) | part;
      part = 0;
    } else {
      part = part * 10 + code - ZERO;
    }
  }
  return (word << 8) | part;
}

/** Formats the address at `at` in `words`; IPv6 as in RFC 5952. */
export function formatAddress(family: IpFamily, words: Int32Array, at: number): string {
  if (family === 4) {
    const word = words[at]!;
    return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
  }
  const groups: number[] = [];
  for (let i = 0; i < 4; i++) groups.push((words[at + i]! >>> 16) & 0xffff, words[at + i]! & 0xffff);
  let bestAt = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; ) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > bestLength) {
      bestAt = i;
      bestLength = n;
    }
    i += n || 1;
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return bestAt < 0 ? hex(0, 8) : `${hex(0, bestAt)}::${hex(bestAt + bestLength, 8)}`;
}
