import type { Node } from '../lib/schema/index.ts';
import { ConfigSchema } from './schema.ts';

/** One setting: a member of the configuration without members that could be set separately. */
export interface ConfigKey {
  /** `gateway.tls.minVersion`. */
  readonly name: string;
  readonly path: readonly string[];
  /** `TUNNELITE_GATEWAY_TLS_MIN_VERSION`. */
  readonly variable: string;
  readonly schema: Node;
}

/** Every setting, in the order of the schema. */
export const CONFIG_KEYS: readonly ConfigKey[] = collect(ConfigSchema as unknown as Node, []);

function collect(schema: Node, path: readonly string[]): ConfigKey[] {
  const properties = schema.properties ?? {};
  return Object.entries(properties).flatMap(([key, member]): ConfigKey[] => {
    if (key === '$schema') return [];
    const here = [...path, key];
    if (member.type === 'object' && member.properties) return collect(member, here);
    return [{ name: here.join('.'), path: here, variable: variableOf(here), schema: member }];
  });
}

function variableOf(path: readonly string[]): string {
  return `TUNNELITE_${path.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_')}`;
}

/**
 * Converts a string from environment or command line to a setting's value: numbers and booleans by the setting's type,
 * lists separated by commas, `none` or `null` for none, anything deeper as JSON. A value that cannot be converted stays a string, and
 * validation reports it.
 */
export function parseSetting(schema: Node, text: string): unknown {
  const branches = schema.anyOf ?? [schema];
  const takes = (type: string): boolean => branches.some((branch) => branch.type === type);
  const trimmed = text.trim();
  if (takes('null') && /^(none|null)$/i.test(trimmed)) return null;
  if ((takes('integer') || takes('number')) && /^-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (takes('boolean') && /^(true|yes|on|1)$/i.test(trimmed)) return true;
  if (takes('boolean') && /^(false|no|off|0)$/i.test(trimmed)) return false;
  if ((takes('object') || takes('array')) && /^[[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed) as unknown;
    } catch {
      return text;
    }
  }
  if (takes('array')) {
    const items =
      trimmed === '' || /^(none|null)$/i.test(trimmed) ? [] : trimmed.split(',').map((entry) => entry.trim());
    const item = branches.find((branch) => branch.type === 'array')?.items ?? {};
    return items.map((entry) => parseSetting(item, entry));
  }
  return takes('string') ? text : trimmed;
}
