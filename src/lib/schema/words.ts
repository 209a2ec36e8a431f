import { printable } from '../printable.ts';
import { FORMATS } from './formats.ts';
import type { Node } from './type.ts';

/** Maximum number of a set's words to list in a message; for a longer set, the message refers to the documentation. */
const MAX_CHOICES = 20;

/** Describes in words what a schema expects. */
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

/** A value for a message: shortened, and without characters that could affect a terminal. */
export function show(value: unknown): string {
  if (typeof value === 'string') return printable(JSON.stringify(shortened(value)));
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return printable(shortened(text));
}

/** The part of a string to show in a message. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
