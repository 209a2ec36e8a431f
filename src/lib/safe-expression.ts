import { createRequire } from 'node:module';

/** A regular expression whose time grows with the text alone. */
export interface SafeExpression {
  /** Whether it fits the whole text. */
  matches(text: string): boolean;
}

/**
 * Compiles an expression in the syntax of RE2, which has no look-around and no references back: these are what takes time without end. The
 * engine is loaded when it is first used.
 * @returns the expression, or what is wrong with it
 */
export function safeExpression(text: string): SafeExpression | { readonly fault: string } {
  const { RE2JS } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    const compiled = RE2JS.compile(text);
    return { matches: (path) => compiled.matches(path) };
  } catch (error) {
    return { fault: (error as Error).message.replace(/^error parsing regexp: /, '') };
  }
}
