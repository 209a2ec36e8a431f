import { createRequire } from 'node:module';

/** A regular expression whose time is linear in the length of the input. */
export interface SafeExpression {
  /** Whether it matches the whole string. */
  matches(text: string): boolean;
}

/**
 * Compiles an expression in RE2 syntax, which has no look-around and no backreferences, because these can take exponential time. The engine
 * is loaded at the first use.
 * @returns the expression, or the error in it
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
