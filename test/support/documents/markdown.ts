import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export const REPOSITORY = join(import.meta.dirname, '../../..');

/** A fenced block. The words after the language are markers; docs/explanation/architecture.md ("Documentation") says which there are. */
export interface Block {
  readonly language: string;
  readonly markers: readonly string[];
  readonly text: string;
  /** `docs/reference/tokens.md:17`, of the line after the fence. */
  readonly place: string;
}

/** Text between backticks outside of blocks. */
export interface Span {
  readonly text: string;
  readonly place: string;
}

export interface Link {
  readonly target: string;
  readonly place: string;
}

/** What a page has that can be checked. */
export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly blocks: readonly Block[];
  readonly spans: readonly Span[];
  readonly links: readonly Link[];
  readonly anchors: ReadonlySet<string>;
  /** What keeps the page from being checked, such as a fence without an end. */
  readonly complaints: readonly string[];
}

/** Every page of the documentation. */
export function pages(): Page[] {
  return ['README.md', 'docs/**/*.md', 'certs/*.md', 'examples/**/*.md', 'packages/*/*.md']
    .flatMap((pattern) => globSync(pattern, { cwd: REPOSITORY, exclude: ['**/node_modules/**'] }).toSorted())
    .map((path) => readPage(path, readFileSync(join(REPOSITORY, path), 'utf8')));
}

/** Takes a page apart, by the part of CommonMark that our pages use: backtick fences, `#` headings, inline links. */
export function readPage(path: string, source: string): Page {
  const blocks: Block[] = [];
  const spans: Span[] = [];
  const links: Link[] = [];
  const headings: string[] = [];
  const complaints: string[] = [];
  let open: { indent: string; info: string[]; lines: string[]; line: number } | undefined;
  let inList = false;
  let before = '';
  for (const [index, line] of source.split('\n').entries()) {
    const place = `${path}:${index + 1}`;
    const fence = /^( *)```(.*)$/.exec(line);
    if (open) {
      if (!fence) open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
      else {
        const [language = '', ...markers] = open.info;
        blocks.push({ language, markers, text: `${open.lines.join('\n')}\n`, place: `${path}:${open.line}` });
        open = undefined;
      }
      continue;
    }
    if (fence) {
      open = { indent: fence[1]!, info: fence[2]!.split(/\s+/).filter(Boolean), lines: [], line: index + 2 };
      continue;
    }
    if (/^ *([-*]|\d+\.) /.test(line)) inList = true;
    else if (/^\S/.test(line)) inList = false;
    if (!inList && /^ {4,}\S/.test(line) && before === '') {
      complaints.push(`${place}: a block by indentation, which is not checked: write a fence with its language`);
    }
    before = line;
    const [html] = /(?<!\\)<(?!https?:)[a-z/!][^>]*>/i.exec(line.replaceAll(/`[^`]*`/g, '')) ?? [];
    if (html !== undefined) complaints.push(`${place}: ${html} is HTML, which is not shown: write it as code, or \\<`);
    const heading = /^#+ (.+?)\s*#*$/.exec(line);
    if (heading) headings.push(heading[1]!);
    for (const [, text] of line.matchAll(/`([^`]+)`/g)) {
      spans.push({ text: text!, place });
      if (text!.includes('\\<')) complaints.push(`${place}: ${text} is shown with its backslash`);
    }
    for (const [, target] of line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      links.push({ target: target!, place });
    }
  }
  if (open) complaints.push(`${path}:${open.line - 1}: a fence without an end`);
  return { path, blocks, spans, links, anchors: new Set(anchorsOf(headings)), complaints };
}

/** The anchors that GitHub gives to headings: lower case, no punctuation, and a number from the second of a name on. */
function anchorsOf(headings: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return headings.map((heading) => {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

/** Links of a page to files or headings that are not there. Addresses on the Internet are not followed. */
export function brokenLinks(page: Page, all: readonly Page[]): string[] {
  return page.links.flatMap(({ target, place }) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page.path : relative(REPOSITORY, resolve(REPOSITORY, dirname(page.path), file));
    if (path !== page.path && !existsSync(join(REPOSITORY, path))) return [`${place}: there is no ${path}`];
    if (anchor === undefined) return [];
    const other = path === page.path ? page : all.find((one) => one.path === path);
    if (!other) return [`${place}: ${path} is not a page, so it has no #${anchor}`];
    return other.anchors.has(anchor) ? [] : [`${place}: ${path} has no heading #${anchor}`];
  });
}
