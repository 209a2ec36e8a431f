// What the pages' programs import from test runners that are not installed here, as these declare it.
declare module 'mocha' {
  type Hook = (hook: (this: { timeout(limit: number): unknown }) => unknown) => void;
  export const before: Hook;
  export const after: Hook;
  export const beforeEach: Hook;
  export const afterEach: Hook;
  export const describe: (title: string, suite: () => void) => unknown;
  export const it: (title: string, test: () => unknown) => unknown;
}

declare module 'vitest' {
  type Hook = (hook: (context: { readonly task: object }) => unknown, timeout?: number) => void;
  export const beforeAll: Hook;
  export const afterAll: Hook;
  export const beforeEach: Hook;
  export const afterEach: Hook;
  export const test: (name: string, test: (context: { readonly task: object }) => unknown) => void;
}

declare module '@jest/globals' {
  type Hook = (hook: (() => unknown) | ((done: (error?: unknown) => void) => void), timeout?: number) => void;
  export const beforeAll: Hook;
  export const afterAll: Hook;
  export const beforeEach: Hook;
  export const afterEach: Hook;
  export const test: (name: string, test: (() => unknown) | ((done: (error?: unknown) => void) => void)) => void;
}
