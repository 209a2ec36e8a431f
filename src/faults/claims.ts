/** Claims that are space-separated lists of words (RFC 8693 §4.2, and Entra's `scp`). */
const WORD_LISTS: ReadonlySet<string> = new Set(['scp', 'scope']);

/** Whether a token has all the given claims. */
export function claimsFit(
  claims: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    if (!Object.hasOwn(claims, name)) return false;
    const claim = claims[name];
    const given = WORD_LISTS.has(name) && typeof claim === 'string' ? claim.split(' ') : claim;
    return fits(given, value);
  });
}

/** Maximum depth of nested lists that are compared. */
const MAX_DEPTH = 16;

/** A list must contain the wanted value, or all values of a wanted list; an object must have the wanted members. */
function fits(given: unknown, wanted: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(wanted)) return wanted.every((one) => fits(given, one, depth + 1));
  if (Array.isArray(given)) return given.some((one) => fits(one, wanted, depth + 1));
  if (typeof wanted !== 'object' || wanted === null) return given === wanted;
  if (typeof given !== 'object' || given === null) return false;
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(given, name) && fits((given as Record<string, unknown>)[name], value, depth + 1),
  );
}
