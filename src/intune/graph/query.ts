import { type Filter, parseFilter } from './filter.ts';
import { badRequest } from './graph-error.ts';

/** What an address asks for beside the path (OData 4.01 part 2 §5). */
export interface GraphQuery {
  readonly filter: Filter | undefined;
  /** Lower-cased names; undefined: all. */
  readonly select: ReadonlySet<string> | undefined;
  readonly expand: readonly string[];
  readonly orderBy: readonly { readonly name: string; readonly down: boolean }[];
  /** How many at most in all; undefined: as many as there are. */
  readonly top: number | undefined;
  readonly skip: number;
  readonly count: boolean;
  /** The parameters as they came, for the link to the next page. */
  readonly parameters: URLSearchParams;
}

/** Objects on a page, as many as the service itself gives out, and most of them that one may ask for. */
export const PAGE = 100;
const MAX_TOP = 1000;

const KNOWN = [
  '$filter',
  '$select',
  '$expand',
  '$orderby',
  '$top',
  '$skip',
  '$count',
  '$skiptoken',
  '$search',
  '$format',
];

/** Reads a query. @throws GraphError 400 */
export function readQuery(search: string): GraphQuery {
  const parameters = new URLSearchParams(search);
  const given = new Map<string, string>();
  for (const [name, value] of parameters) {
    // The dollar sign may be left out.
    const lower = name.toLowerCase();
    const known = KNOWN.find((each) => each === lower || each === `$${lower}`);
    if (known === undefined) {
      if (name.startsWith('$')) throw badRequest(`The query parameter '${name.slice(0, 100)}' is not supported.`);
      continue;
    }
    if (given.has(known))
      throw badRequest(`Query option '${known}' was specified more than once, but it must be specified at most once.`);
    given.set(known, value);
  }
  if (given.has('$search')) throw badRequest("The query option '$search' is not supported by this resource.");
  const words = (name: string): string[] =>
    (given.get(name) ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  const filter = given.get('$filter');
  const select = words('$select').map((each) => each.toLowerCase());
  return {
    filter: filter === undefined ? undefined : parseFilter(filter),
    select: select.length === 0 || select.includes('*') ? undefined : new Set(select),
    expand: words('$expand').map((each) => each.replace(/\(.*$/s, '').toLowerCase()),
    orderBy: words('$orderby').map((each) => {
      const [name = '', way = 'asc', ...more] = each.split(/\s+/);
      if (more.length > 0 || !/^(asc|desc)$/i.test(way)) throw badRequest(`Invalid $orderby: '${each.slice(0, 100)}'.`);
      return { name: name.toLowerCase(), down: way.toLowerCase() === 'desc' };
    }),
    top: number(given, '$top', 1, MAX_TOP),
    skip: number(given, '$skip', 0, 1_000_000) ?? number(given, '$skiptoken', 0, 1_000_000) ?? 0,
    count: /^true$/i.test(given.get('$count') ?? ''),
    parameters,
  };
}

function number(given: ReadonlyMap<string, string>, name: string, least: number, most: number): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw badRequest(
    `Invalid value '${text.slice(0, 50)}' for ${name} query option found. The ${name} query option requires an integer from ${least} to ${most}.`,
  );
}

type Json = Readonly<Record<string, unknown>>;

/** One page of a list in Graph's shape. @param address of the list, without its query */
export function pageOf(
  list: readonly Json[],
  query: GraphQuery,
  address: string,
  shown: (object: Json) => Json,
): object {
  const { filter, orderBy, top = PAGE, skip, count, parameters } = query;
  const found = filter ? list.filter(filter) : [...list];
  for (const { name, down } of [...orderBy].reverse()) {
    const key = (object: Json): string => {
      const member = Object.keys(object).find((each) => each.toLowerCase() === name);
      return String((member === undefined ? undefined : object[member]) ?? '').toLowerCase();
    };
    found.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (down ? -1 : 1));
  }
  const page = found.slice(skip, skip + top);
  const next = new URLSearchParams(parameters);
  for (const name of [...next.keys()]) if (/^\$?skip(token)?$/i.test(name)) next.delete(name);
  next.set('$skiptoken', String(skip + top));
  return {
    ...(count ? { '@odata.count': found.length } : {}),
    ...(skip + top < found.length ? { '@odata.nextLink': `${address}?${next.toString().replaceAll('%24', '$')}` } : {}),
    value: page.map((object) => selected(shown(object), query)),
  };
}

/** The members that were asked for. What OData itself says of an object stays. */
export function selected(object: Json, { select }: Pick<GraphQuery, 'select'>): Json {
  if (select === undefined) return object;
  return Object.fromEntries(
    Object.entries(object).filter(([name]) => name.startsWith('@') || select.has(name.toLowerCase())),
  );
}
