/** Maximum number of the gateway's suffixes to try; each costs a query. */
const MAX_SUFFIXES = 6;

/**
 * The names to query, in order: a name without a dot with each search suffix first, then unchanged (resolv.conf's `ndots:1`). A trailing
 * dot marks a name as fully qualified.
 * @param suffixes as received from the gateway: names, separated by spaces or commas
 */
export function searchNames(name: string, suffixes: string | undefined): string[] {
  if (name.includes('.') || name === '') return [name];
  const found = (suffixes ?? '').split(/[\s,]+/, MAX_SUFFIXES + 1).filter((suffix) => suffix !== '');
  return [...found.slice(0, MAX_SUFFIXES).map((suffix) => `${name}.${suffix.replace(/^\./, '')}`), name];
}
