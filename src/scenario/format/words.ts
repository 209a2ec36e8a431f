import { type Problem, suggest } from '../../lib/schema/index.ts';

/** `a, b or c` */
export const listed = (words: readonly string[]): string => words.join(', ').replace(/, (?=[^,]*$)/, ' or ');
/** Suggestions for a misspelled word. */
export const meant = (word: string, known: Iterable<string>): Pick<Problem, 'hint'> => {
  const hint = suggest(word, known);
  return hint === undefined ? {} : { hint: `Did you mean "${hint}"?` };
};
/** Those of the names that are members. */
export const own = (value: object, names: readonly string[]): string[] =>
  names.filter((name) => Object.hasOwn(value, name));
