import { createRequire } from 'node:module';
import { relative, resolve } from 'node:path';
import type { Node, Pair, YAMLError } from 'yaml';
import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import type { Path } from '../lib/schema/index.ts';
import { type ReadOptions, readSourceText } from './source-text.ts';
import { structureFault } from './yaml-structure.ts';

let yaml: typeof import('yaml') | undefined;

/** The parser, loaded only if there is a file to read: a start without one is the common case, and should be fast. */
function loadYaml(): typeof import('yaml') {
  yaml ??= createRequire(import.meta.url)('yaml') as typeof import('yaml');
  return yaml;
}

/** A YAML or JSON text that maps members to their lines. */
export interface SourceFile {
  /** The path in messages: relative to the working directory if that is shorter. */
  readonly label: string;
  readonly path: string;
  readonly value: unknown;
  /** `tunnelite.yaml:3:5`, for a member's value or its key; for a missing member, the nearest enclosing one. */
  locate(path: Path, atKey?: boolean): string;
}

/** The parser's errors in clearer words; all others are clear enough. */
const WORDS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BLOCK_AS_IMPLICIT_KEY: 'there is a second colon here, or the indentation differs from the lines around it',
  MULTIPLE_DOCS: 'a second document begins here; a configuration is one document, without ---',
  RESOURCE_EXHAUSTION: 'the nesting is too deep',
  TAB_AS_INDENT: 'this line is indented with a tab; use spaces',
  TAG_RESOLVE_FAILED:
    'there is a tag here, which a configuration does not support; put a string that begins with ! in quotes',
};

/**
 * Reads a YAML or JSON file; JSON is parsed as the subset of YAML 1.2 that it is.
 *
 * @throws TunneliteError `ERR_CONFIG_FILE` when it cannot be read, `ERR_CONFIG_SYNTAX` with line and column
 */
export function readSourceFile(file: string, from: ReadOptions = {}): SourceFile {
  const path = resolve(file);
  const short = relative(process.cwd(), path);
  const label = short.length > 0 && short.length < path.length ? short : path;
  return { path, ...parseSource(readSourceText(path, label, from), label) };
}

/** The same for a string. */
export function parseSource(text: string, label: string): Omit<SourceFile, 'path'> {
  const yaml = loadYaml();
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    schema: 'core',
    resolveKnownTags: false,
    // Checked below, in time that grows linearly with the file instead of quadratically.
    uniqueKeys: false,
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${label}:${line}:${col}`;
  };
  const [first = document.warnings[0]] = document.errors as readonly YAMLError[];
  const fault = first
    ? { offset: first.pos[0], message: WORDS[first.code] ?? first.message }
    : structureFault(document, yaml);
  if (fault) {
    throw new TunneliteError('ERR_CONFIG_SYNTAX', `${at(fault.offset)}: ${printable(fault.message)}.`, {
      details: { file: label, ...lines.linePos(fault.offset) },
    });
  }
  const places = new Places();
  return {
    label,
    value: document.toJS({ maxAliasCount: -1 }),
    locate: (path, atKey = false) => {
      const offset = places.offsetOf(document.contents, path, atKey);
      return offset === undefined ? label : at(offset);
    },
  };
}

/** Finds members in a parsed document. Scans each object's keys once, however many are requested. */
class Places {
  readonly #pairs = new WeakMap<object, Map<string, Pair>>();

  offsetOf(top: Node | null, path: Path, atKey: boolean): number | undefined {
    const { isMap, isNode, isSeq } = loadYaml();
    let node: unknown = top;
    let found = top?.range?.[0];
    for (const [depth, segment] of path.entries()) {
      const last = depth === path.length - 1;
      if (isMap(node)) {
        const pair = this.#pairsOf(node).get(String(segment));
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

  #pairsOf(map: { readonly items: readonly Pair[] }): Map<string, Pair> {
    let pairs = this.#pairs.get(map);
    if (!pairs) {
      pairs = new Map(map.items.map((pair) => [keyText(pair.key), pair]));
      this.#pairs.set(map, pairs);
    }
    return pairs;
  }
}

function keyText(key: unknown): string {
  return String(loadYaml().isNode(key) ? (key as { value?: unknown }).value : key);
}
