import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative, resolve } from 'node:path';
import type { Node } from 'yaml';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { Path } from '../lib/schema/index.ts';
import { MAX_CONFIG_BYTES } from './constants.ts';

let yaml: typeof import('yaml') | undefined;

/** The parser, loaded when there is a file to read: a start without one is the common case, and should be quick. */
function loadYaml(): typeof import('yaml') {
  yaml ??= createRequire(import.meta.url)('yaml') as typeof import('yaml');
  return yaml;
}

/** A YAML or JSON text with the way back from a member to its line. */
export interface SourceFile {
  /** As shown to people: relative to the working directory where that is shorter. */
  readonly label: string;
  readonly path: string;
  readonly value: unknown;
  /** `tunnelite.yaml:3:5`, for a member's value or its key; for a missing member, the nearest one around it. */
  locate(path: Path, atKey?: boolean): string;
}

/**
 * Reads a YAML or JSON file; JSON is read as the subset of YAML 1.2 that it is.
 * @throws TunneliteError `ERR_CONFIG_FILE` when it cannot be read, `ERR_CONFIG_SYNTAX` with line and column
 */
export function readSourceFile(file: string): SourceFile {
  const path = resolve(file);
  const short = relative(process.cwd(), path);
  const label = short.length > 0 && short.length < path.length ? short : path;
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_CONFIG_BYTES) throw new Error(`it is larger than ${MAX_CONFIG_BYTES} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TunneliteError('ERR_CONFIG_FILE', `${label} cannot be read: ${errorText(cause)}`, {
      cause,
      details: { file: path },
    });
  }
  return { path, ...parseSource(text, label) };
}

/** The same for a text at hand. */
export function parseSource(text: string, label: string): Omit<SourceFile, 'path'> {
  const { LineCounter, parseDocument } = loadYaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${label}:${line}:${col}`;
  };
  const first = document.errors[0];
  if (first) {
    throw new TunneliteError('ERR_CONFIG_SYNTAX', `${at(first.pos[0])} ${first.message}`, {
      details: { file: label, ...lines.linePos(first.pos[0]) },
    });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new TunneliteError('ERR_CONFIG_SYNTAX', `${label} ${errorText(cause)}`, { cause, details: { file: label } });
  }
  return {
    label,
    value,
    locate: (path, atKey = false) => {
      const offset = offsetOf(document.contents, path, atKey);
      return offset === undefined ? label : at(offset);
    },
  };
}

function offsetOf(top: Node | null, path: Path, atKey: boolean): number | undefined {
  const { isMap, isNode, isPair, isSeq } = loadYaml();
  let node: unknown = top;
  let found = top?.range?.[0];
  for (const [depth, segment] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(segment));
      if (!pair) return found;
      const key = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      const value = isNode(pair.value) ? pair.value.range?.[0] : undefined;
      found = (last && atKey ? key : (value ?? key)) ?? found;
      node = pair.value;
    } else if (isSeq(node) && typeof segment === 'number') {
      node = node.items[segment];
      found = (isNode(node) ? node.range?.[0] : undefined) ?? found;
    } else {
      return found;
    }
  }
  return found;
}

function keyText(key: unknown): string {
  return String(loadYaml().isNode(key) ? (key as { value?: unknown }).value : key);
}
