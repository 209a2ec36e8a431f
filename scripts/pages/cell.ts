/** Text as a cell of a Markdown table. Placeholders such as <host> are not HTML. */
export const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/(`[^`]*`)|<(?=[a-z/])/gi, (_, code?: string) => code ?? '\\<');

/** Text as code in a cell of a Markdown table. */
export const codeCell = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

/** Text with a capital letter at its beginning. */
export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** The same text with links in the place of paths such as docs/reference/faults.md, for a page in docs/reference. */
export const linked = (text: string): string =>
  text.replaceAll(/docs\/(reference|how-to|explanation|tutorials)\/([\w-]+)\.md/g, (_, folder: string, page: string) =>
    folder === 'reference' ? `[${page}](${page}.md)` : `[${page}](../${folder}/${page}.md)`,
  );
