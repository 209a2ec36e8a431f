import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { TunneliteEvent } from '../telemetry/index.ts';
import { cutCapture } from './cut-capture.ts';
import type { Redactor } from './redact.ts';
import { type TarEntry, writeTar } from './ustar.ts';

/** Version of the report format. */
export const REPORT_FORMAT = 1;

/** Most journal data in a report, so that `tunnelite open` can read it and files stay small enough to send. */
const JOURNAL_LIMITS = { events: 200_000, bytes: 64 * 1024 * 1024 } as const;

/** Events to serialize per turn, so that clients are served in between. */
const EVENTS_A_TURN = 200;

/** The report's own description. */
export interface ReportManifest {
  readonly format: number;
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** Creation time in milliseconds since the Unix epoch, by the machine's clock. */
  readonly createdAt: number;
  /** URLs of the REST interface whose responses are included, in the order of `rest/<number>.json`. */
  readonly answers: readonly string[];
  /** Number of oldest journal events omitted; absent when none were. */
  readonly leftOut?: number;
}

interface ReportParts {
  readonly manifest: Omit<ReportManifest, 'format' | 'answers'>;
  readonly events: readonly TunneliteEvent[];
  /** Responses of the REST interface, by URL. */
  readonly answers: ReadonlyMap<string, unknown>;
  readonly metrics: string;
  /** A complete capture; the report includes only the parts that reveal no content. */
  readonly capture?: Buffer | undefined;
  readonly redactor: Redactor;
}

/** Packs a report: a gzip-compressed tar archive without secrets. */
export async function packReport(parts: ReportParts): Promise<Buffer> {
  const { redactor, answers } = parts;
  const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(redactor.value(value))}\n`);
  const events = await newestOf(parts.events, json);
  const leftOut = parts.events.length - events.length;
  const manifest: ReportManifest = {
    format: REPORT_FORMAT,
    ...parts.manifest,
    answers: [...answers.keys()],
    ...(leftOut > 0 && { leftOut }),
  };
  const entries: TarEntry[] = [
    { name: 'report.json', bytes: Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`) },
    { name: 'journal.ndjson', bytes: Buffer.concat(events) },
    { name: 'metrics.txt', bytes: Buffer.from(redactor.text(parts.metrics)) },
    ...Array.from(answers.values(), (answer, i) => ({ name: `rest/${i}.json`, bytes: json(answer) })),
  ];
  if (parts.capture !== undefined) entries.push({ name: 'capture.pcapng', bytes: cutCapture(parts.capture) });
  return promisify(gzip)(writeTar(entries, manifest.createdAt / 1000));
}

/** The newest events as lines, as many as a report holds, oldest first. */
async function newestOf(
  events: readonly TunneliteEvent[],
  line: (event: TunneliteEvent) => Buffer,
): Promise<readonly Buffer[]> {
  const lines: Buffer[] = [];
  let bytes = 0;
  for (let i = events.length - 1; i >= 0 && lines.length < JOURNAL_LIMITS.events; i--) {
    const one = line(events[i]!);
    bytes += one.length;
    if (bytes > JOURNAL_LIMITS.bytes) break;
    lines.push(one);
    if (lines.length % EVENTS_A_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return lines.reverse();
}
