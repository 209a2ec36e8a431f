import type { AppEntry, Assignment, NameValue } from './values.ts';

/*
 * Kinds of members in Graph's types. A member defines its values, its default, and who can change it.
 */

/** The TypeScript type of each kind. */
interface Kinds {
  readonly text: string;
  readonly flag: boolean;
  readonly int: number;
  readonly date: string;
  readonly time: string;
  readonly binary: string;
  readonly texts: readonly string[];
  readonly pairs: readonly NameValue[];
  readonly apps: readonly AppEntry[];
  readonly assignments: readonly Assignment[];
  readonly choice: string;
  readonly choices: readonly string[];
  /** Any value, stored unchanged. */
  readonly any: unknown;
}

export type Kind = keyof Kinds;

/** One member of a type. */
export interface Member<K extends Kind = Kind, V extends string = string, N extends boolean = boolean> {
  readonly kind: K;
  /** Allowed values of a choice; with `several`, a comma-separated combination. */
  readonly values?: readonly V[];
  readonly several?: boolean;
  /** Null is allowed. */
  readonly nullable: N;
  /** Default value. Undefined: the member is absent by default. */
  readonly initial?: unknown;
  /** Read-only: ignored in a new object, refused in a change. */
  readonly readOnly?: true;
  /** Required in a new object. */
  readonly required?: true;
  /** A relationship: omitted from responses unless `$expand` requests it. */
  readonly navigation?: true;
}

type Options = Partial<Pick<Member, 'readOnly' | 'required' | 'navigation' | 'initial'>>;

export const text = (options: Options = {}): Member<'text', string, true> => ({
  kind: 'text',
  nullable: true,
  initial: null,
  ...options,
});
/** A string that is never null. */
export const word = (options: Options = {}): Member<'text', string, false> => ({
  kind: 'text',
  nullable: false,
  ...options,
});
export const flag = (initial = false, options: Options = {}): Member<'flag', string, false> => ({
  kind: 'flag',
  nullable: false,
  initial,
  ...options,
});
/** A nullable flag. */
export const maybe = (): Member<'flag', string, true> => ({ kind: 'flag', nullable: true, initial: null });
export const int = (initial: number | null = 0, options: Options = {}): Member<'int', string, false> => ({
  kind: 'int',
  nullable: false,
  initial,
  ...options,
});
export const date = (options: Options = {}): Member<'date', string, false> => ({
  kind: 'date',
  nullable: false,
  ...options,
});
export const time = (): Member<'time', string, true> => ({ kind: 'time', nullable: true, initial: null });
export const binary = (options: Options = {}): Member<'binary', string, false> => ({
  kind: 'binary',
  nullable: false,
  ...options,
});
export const texts = (initial: readonly string[] = [], options: Options = {}): Member<'texts', string, false> => ({
  kind: 'texts',
  nullable: false,
  initial,
  ...options,
});
export const pairs = (options: Options = {}): Member<'pairs', string, false> => ({
  kind: 'pairs',
  nullable: false,
  initial: [],
  ...options,
});
export const apps = (): Member<'apps', string, false> => ({
  kind: 'apps',
  nullable: false,
  initial: [],
  navigation: true,
});
export const assignments = (): Member<'assignments', string, false> => ({
  kind: 'assignments',
  nullable: false,
  initial: [],
  navigation: true,
});
/** One of these words; the default is the first. */
export const choice = <const V extends string>(
  values: readonly V[],
  options: Options = {},
): Member<'choice', V, false> => ({
  kind: 'choice',
  values,
  nullable: false,
  initial: values[0],
  ...options,
});
/** Several of these words, as a list. */
export const choices = <const V extends string>(values: readonly V[]): Member<'choices', V, false> => ({
  kind: 'choices',
  values,
  nullable: false,
  initial: [],
});
export const any = (): Member<'any', string, true> => ({ kind: 'any', nullable: true });

type ValueOf<M> =
  M extends Member<infer K, infer V, infer N>
    ? (K extends 'choice' ? V : K extends 'choices' ? readonly V[] : Kinds[K]) | (N extends true ? null : never)
    : never;

/** The members of a type, by name. */
export type Members = Readonly<Record<string, Member>>;

/** An object of a type. Members without a value or a default are absent. */
export type ObjectOf<T extends Members> = { readonly '@odata.type': string; readonly id: string } & {
  readonly [K in keyof T]?: ValueOf<T[K]>;
};
