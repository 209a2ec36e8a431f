import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { parseNdjson, type TunneliteEvent } from '../telemetry/index.ts';
import { JsonBounds } from './json-bounds.ts';
import { REPORT_FORMAT, type ReportManifest } from './pack.ts';
import { readTar } from './ustar.ts';

/** Largest report in bytes, packed and unpacked. Own choice. */
const LIMITS = { packed: 64 * 1024 * 1024, unpacked: 256 * 1024 * 1024 } as const;

/** Largest absolute time of a date, in milliseconds from the Unix epoch (ECMA-262, §21.4.1.1). */
const MAX_TIME = 8.64e15;

/** A parsed report. */
export interface Report {
  readonly manifest: ReportManifest;
  readonly events: readonly TunneliteEvent[];
  /** Responses of the REST interface, by URL. */
  readonly answers: ReadonlyMap<string, unknown>;
  readonly metrics: string;
  readonly capture: Buffer | undefined;
}

function broken(path: string, why: string, cause?: unknown): TunneliteError {
  return new TunneliteError('ERR_REPORT_FILE', `${path} cannot be read as a report: ${why}.`, { cause });
}

/**
 * Reads a report. Writes nothing to disk, and refuses to unpack too much data.
 * @throws TunneliteError `ERR_REPORT_FILE`
 */
export async function readReport(path: string): Promise<Report> {
  return unpackReport(readBounded(path), path);
}

function readBounded(path: string): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile()) throw broken(path, 'it is not a file');
    if (size > LIMITS.packed) throw broken(path, `it has ${size} bytes; the limit is ${LIMITS.packed}`);
    const bytes = Buffer.alloc(size);
    let at = 0;
    for (let count = -1; at < size && count !== 0; at += count) count = readSync(fd, bytes, at, size - at, at);
    return bytes.subarray(0, at);
  } catch (error) {
    throw error instanceof TunneliteError ? error : broken(path, errorText(error), error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads a report from bytes. @param path for messages */
export async function unpackReport(bytes: Buffer, path = 'The report'): Promise<Report> {
  try {
    const archive = await promisify(gunzip)(bytes, { maxOutputLength: LIMITS.unpacked });
    const entries = readTar(archive);
    const text = (name: string): string => {
      const entry = entries.get(name);
      if (entry === undefined) throw new RangeError(`${name} is missing`);
      return entry.toString('utf8');
    };
    const bounds = new JsonBounds();
    for (const [name, entry] of entries) if (/json$/.test(name)) bounds.take(entry);
    const manifest = manifestOf(JSON.parse(text('report.json')));
    const answers = new Map(
      manifest.answers.map((address, i) => [address, JSON.parse(text(`rest/${i}.json`)) as unknown]),
    );
    const events = parseNdjson(text('journal.ndjson'));
    for (let i = 1; i < events.length; i++) {
      if (events[i]!.seq <= events[i - 1]!.seq) throw new RangeError('the events of its journal are not in order');
    }
    return { manifest, events, answers, metrics: text('metrics.txt'), capture: entries.get('capture.pcapng') };
  } catch (error) {
    throw broken(path, errorText(error), error);
  }
}

function manifestOf(value: unknown): ReportManifest {
  const manifest = (value ?? {}) as Partial<ReportManifest>;
  const { format, version, node, platform, createdAt, answers } = manifest;
  if (typeof format === 'number' && format > REPORT_FORMAT) {
    throw new RangeError(
      `it was written by a newer version (format ${format}); this one reads format ${REPORT_FORMAT}`,
    );
  }
  const sound =
    format === REPORT_FORMAT &&
    [version, node, platform].every((one) => typeof one === 'string' && one.length < 200) &&
    Number.isSafeInteger(createdAt) &&
    Math.abs(createdAt!) <= MAX_TIME &&
    Array.isArray(answers) &&
    answers.length <= 500 &&
    new Set(answers).size === answers.length &&
    answers.every((one) => typeof one === 'string' && /^\/api(?:\/[a-z0-9._-]{1,100}){1,6}$/i.test(one));
  if (!sound) throw new RangeError('report.json is not valid');
  return manifest as ReportManifest;
}
