import { printable } from '../printable.ts';
import { shortened } from './words.ts';

/** Location of a value: member names and list positions from the top. */
export type Path = readonly (string | number)[];

/** `gateway.dnsServers[0]`, on one line whatever the names are. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'number') return `${text}[${segment}]`;
    const name = printable(shortened(segment));
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** The path that a JSON Pointer (RFC 6901) denotes in this value: only lists have positions, so that a key `80` stays a name. */
export function pathOfPointer(pointer: string, value: unknown): Path {
  let at = value;
  return pointer
    .split('/')
    .slice(1)
    .map((escaped) => {
      const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      const segment = Array.isArray(at) ? Number(name) : name;
      at = (at as Record<string | number, unknown>)[segment];
      return segment;
    });
}

/** A remark about a location, or about a member that is missing there. */
export interface Placed {
  readonly path: Path;
  readonly missing?: string;
}

/** Sorts in the order of the document; missing members of an object come after the existing ones. */
export function inDocumentOrder<T extends Placed>(placed: readonly T[], value: unknown): T[] {
  const orders = new Map<object, ReadonlyMap<string, number>>();
  const positionOf = (here: object, name: string): number => {
    let order = orders.get(here);
    if (!order) {
      order = new Map(Object.keys(here).map((key, position) => [key, position]));
      orders.set(here, order);
    }
    return order.get(name) ?? -1;
  };
  const ranked = placed.map((one) => {
    let at = value;
    const rank = one.path.map((segment) => {
      // An omitted value may have a location too: that of a default.
      const here = at as Record<string | number, unknown> | null | undefined;
      at = here?.[segment];
      if (typeof segment === 'number') return segment;
      return typeof here === 'object' && here !== null ? positionOf(here, segment) : -1;
    });
    if (one.missing !== undefined) rank.push(Number.POSITIVE_INFINITY);
    return { one, rank };
  });
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ one }) => one);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((position, i) => position !== b[i]);
  if (at < 0) return a.length - b.length;
  return at < b.length ? (a[at]! < b[at]! ? -1 : 1) : 1;
}
