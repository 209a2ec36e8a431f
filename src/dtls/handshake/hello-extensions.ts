import { ByteReader } from '../protocol/byte-reader.ts';
import { numbers, vector } from '../protocol/byte-writer.ts';

/** Extensions of a hello by number, in order. */
export type Extensions = Map<number, Buffer>;

/** Reads the extension block of a hello, which may be absent. undefined = malformed, or a duplicate extension. */
export function readExtensions(reader: ByteReader): Extensions | undefined {
  const extensions: Extensions = new Map();
  if (reader.remaining === 0) return reader.failed ? undefined : extensions;
  const block = new ByteReader(reader.vector(2));
  while (!block.failed && block.remaining > 0) {
    const type = block.uint(2);
    const body = block.vector(2);
    if (extensions.has(type)) return undefined;
    extensions.set(type, body);
  }
  return block.complete && reader.complete ? extensions : undefined;
}

/** The extension block of a hello; empty when there are no extensions. */
export function serializeExtensions(extensions: Extensions): Buffer {
  if (extensions.size === 0) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (const [type, body] of extensions) parts.push(numbers([type]), vector(body, 2));
  return vector(Buffer.concat(parts), 2);
}

/** Body of an extension that is one list of 16-bit numbers; empty when absent, undefined when malformed. */
export function extensionNumbers(extensions: Extensions, type: number): number[] | undefined {
  const body = extensions.get(type);
  if (!body) return [];
  const reader = new ByteReader(body);
  const values = reader.numbers(2);
  return reader.complete ? values : undefined;
}

/** server_name (RFC 6066 §3): the first host name; undefined when absent or malformed. */
export function readServerName(body: Buffer | undefined): string | undefined {
  if (!body) return undefined;
  const list = new ByteReader(new ByteReader(body).vector(2));
  const type = list.uint(1);
  const name = list.vector(2);
  return !list.failed && type === 0 && name.length > 0 && name.length < 256 ? name.toString('latin1') : undefined;
}

/** Body of a server_name extension for one host name. */
export function serverNameExtension(name: string): Buffer {
  return vector(Buffer.concat([Buffer.from([0]), vector(Buffer.from(name, 'latin1'), 2)]), 2);
}
