import { printable } from '../printable.ts';
import { FORMATS } from './formats.ts';
import type { Node } from './type.ts';

/** Words of a set that a message names; a longer set is in the documentation. */
const MAX_CHOICES = 20;

/** What a schema expects, in words. */
export function describe(node: Node): string {
  const choices = node.anyOf?.map(describe) ?? node.enum?.map(literal);
  if (choices && choices.length > MAX_CHOICES) {
    return `${choices.slice(0, MAX_CHOICES).join(', ')} or another of ${choices.length}`;
  }
  if (choices) return choices.join(', ').replace(/, (?=[^,]*$)/, ' or ');
  if ('const' in node) return literal(node.const);
  if (node.format !== undefined) return FORMATS[node.format]?.expected ?? 'a string';
  if (node.type === 'integer' || node.type === 'number') {
    const kind = node.type === 'integer' ? 'a whole number' : 'a number';
    if (node.minimum !== undefined && node.maximum !== undefined) {
      return `${kind} from ${node.minimum} to ${node.maximum}`;
    }
    return kind;
  }
  if (node.type === 'array') return `a list of ${plural(node.items)}`;
  if (node.type === 'object') return 'an object';
  if (node.type === 'boolean') return 'true or false';
  if (node.type === 'null') return 'null';
  return 'a string';
}

function plural(items: Node | undefined): string {
  if (items?.type === 'object') return 'objects';
  return items ? `entries, each ${describe(items)}` : 'entries';
}

function literal(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A value as it stands in a message: shortened, and harmless to a terminal. */
export function show(value: unknown): string {
  if (typeof value === 'string') return printable(JSON.stringify(shortened(value)));
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return printable(shortened(text));
}

/** As much of a string as a message has room for. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
