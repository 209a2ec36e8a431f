import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { errorText, TunneliteError } from '../../lib/errors.ts';

/*
 * This module interprets property lists from the elements that fast-xml-parser finds: seventy lines. A package could replace
 * it if it rejected broken and hostile files. Results with forty such files of 256 KiB each:
 *
 * - `plist` 5 (and 3, in `simple-plist`) and `@expo/plist` need the checks of this module, and a depth limit, first: a megabyte of
 *   "<" occupies `plist` for most of a minute, and 16,000 nested lists crash any of them with a stack overflow. The file would be
 *   parsed twice, and errors remain: `plist` reads a key without a value as an empty string, `@expo/plist` ignores unknown
 *   elements, and both read the key `CFBundle<!-- -->Identifier` as `CFBundle`.
 * - `@plist/xml.parse` 1 does not decode `&#65;`, trims strings, and depends on an old fast-xml-parser.
 * - `@shockpkg/plist-dom` 4 supports neither dates nor two CDATA sections, and has the stack overflow.
 * - `fast-plist` lets a key `__proto__` set a prototype, and supports neither attributes nor CDATA.
 *
 * None reports the line of an error.
 */

/** A value in a property list; dates and data remain strings. */
export type PlistValue = string | number | boolean | readonly PlistValue[] | PlistDictionary;
export interface PlistDictionary {
  readonly [key: string]: PlistValue;
}

/** Longest accepted property list, in characters. A typical Info.plist has a few thousand. */
const MAX_CHARACTERS = 1024 * 1024;
const MAX_DEPTH = 32;

/** Longest part of an XML parser message to quote, in characters: it may contain the whole document. */
const MAX_COMPLAINT = 200;

type Node = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  preserveOrder: true,
  processEntities: false,
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
});

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The five predefined entities of XML and character references; no entities from the document. */
function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (all, decimal, hex, name) => {
    if (name) return ENTITIES[name] ?? all;
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

function bad(message: string, hint?: string): TunneliteError {
  return new TunneliteError('ERR_IDENTITY_APP_CHECK', message, hint === undefined ? {} : { hint });
}

function notXml(complaint: string): TunneliteError {
  const short = complaint.length > MAX_COMPLAINT ? `${complaint.slice(0, MAX_COMPLAINT)}…` : complaint;
  return bad(`The property list is not XML: ${short}`);
}

function nameOf(node: Node): string {
  return Object.keys(node).find((key) => key !== ':@') ?? '';
}

function childrenOf(node: Node): readonly Node[] {
  const children = node[nameOf(node)];
  return Array.isArray(children) ? children : [];
}

function elementsOf(node: Node): readonly Node[] {
  return childrenOf(node).filter((child) => !nameOf(child).startsWith('#') && !nameOf(child).startsWith('?'));
}

function textOf(node: Node): string {
  return decode(
    childrenOf(node)
      .map((child) => String(child['#text'] ?? ''))
      .join(''),
  );
}

function plistValue(node: Node, depth: number): PlistValue {
  if (depth > MAX_DEPTH) throw bad('The property list is nested too deeply.');
  const name = nameOf(node);
  switch (name) {
    case 'dict':
      return dictionaryOf(node, depth);
    case 'array':
      return elementsOf(node).map((child) => plistValue(child, depth + 1));
    case 'true':
      return true;
    case 'false':
      return false;
    case 'integer':
    case 'real':
      return Number(textOf(node));
    case 'string':
    case 'date':
    case 'data':
      return textOf(node);
    default:
      throw bad(`The property list has an element <${name}>, which property lists do not have.`);
  }
}

function dictionaryOf(node: Node, depth: number): PlistDictionary {
  const children = elementsOf(node);
  const entries: [string, PlistValue][] = [];
  for (let i = 0; i < children.length; i += 2) {
    const key = children[i]!;
    const value = children[i + 1];
    if (nameOf(key) !== 'key') throw bad(`The property list has <${nameOf(key)}> instead of a <key>.`);
    if (!value) throw bad(`The key "${textOf(key)}" of the property list has no value.`);
    entries.push([textOf(key), plistValue(value, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

/**
 * Parses an XML property list whose root is a dictionary, such as `Info.plist`.
 *
 * @throws TunneliteError `ERR_IDENTITY_APP_CHECK` for a binary property list, one that is too large, or anything else
 */
export function parseInfoPlist(text: string): PlistDictionary {
  if (text.startsWith('bplist')) throw bad('This is a binary property list.');
  if (text.length > MAX_CHARACTERS) throw bad(`The property list has more than ${MAX_CHARACTERS} characters.`);
  if (/<!DOCTYPE[^<>[]*\[|<!ENTITY/i.test(text)) {
    throw bad('The property list defines entities, which Xcode does not create.', 'Remove them from its DOCTYPE.');
  }
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw notXml(`line ${valid.err.line}: ${valid.err.msg}`);
  let nodes: readonly Node[];
  try {
    nodes = parser.parse(text) as readonly Node[];
  } catch (error) {
    throw notXml(errorText(error));
  }
  const root = nodes.find((node) => nameOf(node) === 'plist');
  const top = root && elementsOf(root)[0];
  if (!top || nameOf(top) !== 'dict') throw bad('This is not a property list with a dictionary.');
  return dictionaryOf(top, 0);
}
