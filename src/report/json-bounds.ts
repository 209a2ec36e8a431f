/** Most values in the JSON of a report: far more than its largest journal has. Each takes some 60 bytes of memory. Own choice. */
const MAX_VALUES = 16_000_000;

/** Deepest nesting: more than any response has, and little enough for code that is recursive. Own choice. */
const MAX_DEPTH = 100;

const [QUOTE, COMMA, OPEN_LIST, CLOSE_LIST, ESCAPE, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('",[]\\{}');
const LINE_END = 0x0a;

/**
 * Bounds what JSON can become in memory, before it is parsed: text of 100 MB can become gigabytes of values.
 */
export class JsonBounds {
  #values = 0;

  /**
   * Counts the values of JSON, or of NDJSON.
   * @throws RangeError that describes the problem
   */
  take(json: Buffer): void {
    let depth = 0;
    for (let i = 0; i < json.length; i++) {
      const byte = json[i];
      if (byte === QUOTE) i = stringEnd(json, i);
      else if (byte === COMMA) this.#values += 1;
      else if (byte === LINE_END) depth = 0;
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        this.#values += 1;
        depth += 1;
        if (depth > MAX_DEPTH) throw new RangeError(`its JSON is nested more than ${MAX_DEPTH} deep`);
      }
    }
    if (this.#values > MAX_VALUES) throw new RangeError(`its JSON has more than ${MAX_VALUES} values`);
  }
}

/** Where the string that begins at `at` ends. */
function stringEnd(json: Buffer, at: number): number {
  for (let i = at + 1; i < json.length; i++) {
    if (json[i] === ESCAPE) i += 1;
    else if (json[i] === QUOTE) return i;
  }
  return json.length;
}
