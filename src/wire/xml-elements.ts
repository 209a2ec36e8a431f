/*
 * The subset of XML that the documents of the authentication phase need: elements, attributes, text. Only the five predefined entities and
 * numeric character references are expanded; nothing is declared or fetched, so entity attacks are impossible. Malformed XML is read up to
 * the error: ocserv 1.3.0 does not parse XML either, it searches for a few elements.
 */

export interface XmlElement {
  /** As written. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Up to the next tag, entities resolved. */
  readonly text: string;
}

/** A tag up to its end, where quoted attribute values may hold `>`. */
const TAG_END = /[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>/y;
const NAME = /[A-Za-z_][\w.:-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Escapes text for an element's content or an attribute. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return NAMED[name]!;
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Parts to skip, by their start: comments, CDATA, declarations. */
const SKIPPED: readonly (readonly [begin: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['<!', '>'],
];

/** The elements of a document in order, regardless of nesting. Each character is read a fixed number of times. */
export function* xmlElements(source: string): Generator<XmlElement> {
  for (let at = source.indexOf('<'); at >= 0; at = source.indexOf('<', at)) {
    const skipped = SKIPPED.find(([begin]) => source.startsWith(begin, at));
    if (skipped) {
      const end = source.indexOf(skipped[1], at + skipped[0].length);
      if (end < 0) return;
      at = end + skipped[1].length;
      continue;
    }
    NAME.lastIndex = at + 1;
    const name = NAME.exec(source)?.[0];
    at++;
    // The end of an element, or a `<` that starts no tag.
    if (name === undefined) continue;
    const start = at + name.length;
    TAG_END.lastIndex = start;
    if (!TAG_END.test(source)) return;
    const end = TAG_END.lastIndex;
    const next = source.indexOf('<', end);
    at = end;
    yield {
      name,
      attributes: attributesOf(source.slice(start, end)),
      text: unescapeXml(source.slice(end, next < 0 ? undefined : next)),
    };
  }
}

function attributesOf(tag: string): Map<string, string> {
  const attributes = new Map<string, string>();
  ATTRIBUTE.lastIndex = 0;
  for (let match = ATTRIBUTE.exec(tag); match; match = ATTRIBUTE.exec(tag)) {
    attributes.set(match[1]!, unescapeXml(match[2] ?? match[3] ?? ''));
  }
  return attributes;
}
