import type { Path, Problem } from '../../lib/schema/index.ts';

/** Describes the problem with a page's URL. */
export function pageProblems(url: string, clock: string, path: Path): Problem[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' && parsed.username === '' && parsed.password === '') return [];
  const expected = 'a URL such as http://intranet.contoso.internal/whoami';
  if (parsed?.protocol === 'https:' && clock === 'virtual') {
    return [{ path, message: 'in virtual time, use http for pages', expected }];
  }
  if (parsed?.protocol === 'https:') return [];
  return [{ path, message: `"${url.slice(0, 60)}" is not a URL of a page`, expected }];
}
