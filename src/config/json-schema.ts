import type { TSchema } from '../lib/schema/index.ts';
import { ConfigSchema } from './schema.ts';

/** The JSON Schema of a configuration file, for editors. Members with a default are optional. */
export function configJsonSchema(): Record<string, unknown> {
  return editorSchema(ConfigSchema);
}

/** One of our schemas as the JSON Schema of a file, for editors. */
export function editorSchema(ours: TSchema): Record<string, unknown> {
  // Our format names mean nothing to other programs, and some would be mistaken for standard ones.
  const schema = asWritten(JSON.parse(JSON.stringify(ours)), ['format', 'noun']) as Record<string, unknown>;
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema };
}

/**
 * A schema of values with their defaults as that of values as people write them: members with a default are optional.
 * @param without keywords to leave out
 */
export function asWritten(node: unknown, without: readonly string[] = []): unknown {
  if (Array.isArray(node)) return node.map((entry) => asWritten(entry, without));
  if (typeof node !== 'object' || node === null) return node;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (without.includes(key)) continue;
    result[key] = key === 'default' ? value : asWritten(value, without);
  }
  const { required, properties } = result as { required?: string[]; properties?: Record<string, object> };
  if (Array.isArray(required) && properties) {
    const needed = required.filter((name) => properties[name] && !('default' in properties[name]));
    if (needed.length > 0 && !('default' in result)) result.required = needed;
    else delete result.required;
  }
  return result;
}
