/** A block of shell commands in a Markdown page. */
export interface ShellBlock {
  /** The heading above it. */
  readonly section: string;
  /** As a person would paste it. */
  readonly text: string;
}

/** The ```` ```sh ```` blocks of a page, in order; those inside lists without the indentation. */
export function shellBlocks(markdown: string): ShellBlock[] {
  const blocks: ShellBlock[] = [];
  let section = '';
  let open: { indent: string; lines: string[] } | undefined;
  for (const line of markdown.split('\n')) {
    const fence = /^( *)```(\w*)$/.exec(line);
    if (open) {
      if (fence) {
        blocks.push({ section, text: open.lines.join('\n') });
        open = undefined;
      } else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    } else if (fence?.[2] === 'sh') open = { indent: fence[1]!, lines: [] };
    else section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
  }
  return blocks;
}
