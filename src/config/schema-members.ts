import { type Static, type TSchema, Type } from '../lib/schema/index.ts';

/* Kinds of members in the schema of the configuration. Each has a default, so that an empty file is a complete configuration. */

export const closed = { additionalProperties: false } as const;

export const Section = <T extends Record<string, TSchema>>(members: T, description: string) =>
  Type.Object(members, { ...closed, default: {}, description });
export const Text = (fallback: string, description: string, format?: string) =>
  Type.String({ default: fallback, description, maxLength: 1024, ...(format ? { format } : {}) });
export const Flag = (fallback: boolean, description: string) => Type.Boolean({ default: fallback, description });
export const Int = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description });
export const Port = (fallback: number, description: string) => Int(fallback, 0, 65_535, description);
export const Seconds = (fallback: number, description: string, minimum = 1) =>
  Int(fallback, minimum, 31_536_000, `${description} In seconds.`);
export const List = (fallback: string[], description: string, format: string) =>
  Type.Array(Type.String({ format, maxLength: 1024 }), { default: fallback, description, maxItems: 1000 });
export const Choice = <const T extends string>(values: readonly T[], fallback: NoInfer<T>, description: string) =>
  Type.Enum<T[]>([...values], { default: fallback, description });
/** `null` means none. */
export const Nullable = <T extends TSchema>(schema: T, fallback: Static<T> | null, description: string) =>
  Type.Union([schema, Type.Null()], { default: fallback, description });

export const NullableSeconds = (fallback: number | null, description: string) =>
  Nullable(Type.Integer({ minimum: 1, maximum: 31_536_000 }), fallback, `${description} In seconds; null = never.`);
