/** Suffixes that are tried, of those that a gateway names; each costs a question. */
const MAX_SUFFIXES = 6;

/**
 * The names to ask for, in order: one without a dot with each search suffix first, then as it is (resolv.conf's `ndots:1`). A dot at the
 * end says that a name is whole.
 * @param suffixes as the gateway gave them: names, separated by spaces or commas
 */
export function searchNames(name: string, suffixes: string | undefined): string[] {
  if (name.includes('.') || name === '') return [name];
  const found = (suffixes ?? '').split(/[\s,]+/, MAX_SUFFIXES + 1).filter((suffix) => suffix !== '');
  return [...found.slice(0, MAX_SUFFIXES).map((suffix) => `${name}.${suffix.replace(/^\./, '')}`), name];
}
