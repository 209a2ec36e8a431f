import { type ParsedFilter, parseFilter } from './filter.ts';
import { badRequest } from './graph-error.ts';

/** The query options of a URL (OData 4.01 part 2 §5). */
export interface GraphQuery {
  readonly filter: ParsedFilter | undefined;
  /** Lower-case names; undefined: all. */
  readonly select: ReadonlySet<string> | undefined;
  readonly expand: readonly string[];
  readonly orderBy: readonly { readonly name: string; readonly down: boolean }[];
  /** Maximum number of objects; undefined: no limit. */
  readonly top: number | undefined;
  readonly skip: number;
  readonly count: boolean;
  /** The original parameters, for the link to the next page. */
  readonly parameters: URLSearchParams;
}

/** Default and maximum page size, as in the real service. */
export const PAGE = 100;
const MAX_TOP = 1000;
/** Most members to sort by. */
const MAX_ORDER = 8;

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

/** Parses a query. @throws GraphError 400 */
export function readQuery(search: string): GraphQuery {
  const parameters = new URLSearchParams(search);
  const given = new Map<string, string>();
  for (const [name, value] of parameters) {
    // The dollar sign is optional.
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
    orderBy: words('$orderby').map((each, i) => {
      if (i >= MAX_ORDER) throw badRequest(`Invalid $orderby: it has more than ${MAX_ORDER} members.`);
      const [name = '', way = 'asc', ...more] = each.split(/\s+/);
      if (more.length > 0 || !/^(asc|desc)$/i.test(way)) throw badRequest(`Invalid $orderby: '${each.slice(0, 100)}'.`);
      return { name: name.toLowerCase(), down: way.toLowerCase() === 'desc' };
    }),
    top: number(given, '$top', 1, MAX_TOP),
    skip: number(given, '$skip', 0, 1_000_000) ?? number(given, '$skiptoken', 0, 1_000_000) ?? 0,
    count: flag(given, '$count'),
    parameters,
  };
}

function flag(given: ReadonlyMap<string, string>, name: string): boolean {
  const text = given.get(name)?.toLowerCase() ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw badRequest(
    `Invalid value '${text.slice(0, 50)}' for ${name} query option found. Valid values are 'true' and 'false'.`,
  );
}

/**
 * Refuses a query with unknown members, with the message of Microsoft's OData library.
 * @param known lower-case names of members and relationships
 * @throws GraphError 400
 */
export function assertNames(
  { filter, select, expand, orderBy }: GraphQuery,
  known: ReadonlySet<string>,
  type: string,
): void {
  const check = (names: Iterable<string>, what: string): void => {
    for (const name of names) {
      if (name.startsWith('@') || name === '*' || known.has(name.toLowerCase())) continue;
      throw badRequest(`${what}Could not find a property named '${name.slice(0, 200)}' on type '${type}'.`);
    }
  };
  check(filter?.names ?? [], 'Invalid filter clause: ');
  check(select ?? [], 'Parsing OData Select and Expand failed: ');
  check(expand, 'Parsing OData Select and Expand failed: ');
  check(
    orderBy.map(({ name }) => name),
    '',
  );
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

/** One page of a list in Graph's format. @param address URL of the list, without its query */
export function pageOf(
  list: readonly Json[],
  query: GraphQuery,
  address: string,
  shown: (object: Json) => Json,
): object {
  const { filter, orderBy, top = PAGE, skip, count, parameters } = query;
  const found = inOrder(filter ? list.filter(filter.matches) : list, orderBy);
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

/** Sorts by members, reading each once. */
function inOrder(list: readonly Json[], orderBy: GraphQuery['orderBy']): readonly Json[] {
  if (orderBy.length === 0) return list;
  const keyed = list.map((object) => {
    const byName = new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
    return { object, keys: orderBy.map(({ name }) => String(byName.get(name) ?? '').toLowerCase()) };
  });
  keyed.sort((a, b) => {
    for (const [i, { down }] of orderBy.entries()) {
      const [x, y] = [a.keys[i]!, b.keys[i]!];
      if (x !== y) return (x < y ? -1 : 1) * (down ? -1 : 1);
    }
    return 0;
  });
  return keyed.map(({ object }) => object);
}

/** Selects the requested members. OData's own annotations stay. */
export function selected(object: Json, { select }: Pick<GraphQuery, 'select'>): Json {
  if (select === undefined) return object;
  return Object.fromEntries(
    Object.entries(object).filter(([name]) => name.startsWith('@') || select.has(name.toLowerCase())),
  );
}
