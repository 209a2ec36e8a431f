/**
 * The simple commands of a shell text, each as its words: what stands between `|`, `&`, `;`, redirections, newlines and
 * comments, and what stands in `$(…)`. Knows quotes and continued lines; expands nothing.
 */
export function shellCommands(text: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  const source = text.replaceAll('\\\n', ' ');
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!;
    if (char === "'") {
      const end = indexOrThrow(source, "'", at + 1);
      word = (word ?? '') + source.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      let quoted = '';
      for (at++; source[at] !== '"'; at++) {
        if (at >= source.length) throw new Error('a quote without an end');
        if (source[at] === '\\') at++;
        quoted += source[at];
      }
      word = (word ?? '') + quoted;
    } else if (source.startsWith('$(', at)) {
      const end = closing(source, at + 1);
      commands.push(...shellCommands(source.slice(at + 2, end)));
      word = (word ?? '') + source.slice(at, end + 1);
      at = end;
    } else if (char === '#' && word === undefined) {
      at = source.indexOf('\n', at) < 0 ? source.length : source.indexOf('\n', at) - 1;
    } else if (char === '\n' || char === ';' || char === '|' || char === '&') {
      endCommand();
    } else if (char === '>' || char === '<') {
      // `2>file`: the number and the file are no words of the command.
      if (word !== undefined && /^\d$/.test(word)) word = undefined;
      endWord();
      const target = /^[<>&]*\s*[^\s;|&]+/.exec(source.slice(at))!;
      at += target[0].length - 1;
    } else if (/\s/.test(char)) endWord();
    else word = (word ?? '') + char;
  }
  endCommand();
  return commands.map(withoutPrefixes).filter((one) => one.length > 0);
}

function indexOrThrow(source: string, what: string, from: number): number {
  const index = source.indexOf(what, from);
  if (index < 0) throw new Error(`${what} without its end`);
  return index;
}

/** The index of the parenthesis that closes the one at `from`, quotes apart. */
function closing(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const char = source[at];
    if (char === "'" || char === '"') at = indexOrThrow(source, char, at + 1);
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at;
  }
  throw new Error('$( without its end');
}

const KEYWORDS = new Set(['if', 'then', 'else', 'fi', 'while', 'until', 'do', 'done', '!', 'sudo', 'exec', '{', '}']);

/** Without keywords, `sudo`, `timeout 30` and assignments before the command itself. */
function withoutPrefixes(words: readonly string[]): string[] {
  let from = 0;
  for (; from < words.length; from++) {
    const word = words[from]!;
    if (word === 'timeout') from++;
    else if (!KEYWORDS.has(word) && !/^\w+=/.test(word)) break;
  }
  return words.slice(from);
}
