import type { AdminServer } from '../admin/index.ts';
import { type CaptureHub, captureFile } from '../capture/index.ts';
import type { Config } from '../config/index.ts';
import { version } from '../lib/version.ts';
import { packReport, Redactor, secretsOf } from '../report/index.ts';
import type { Journal } from '../telemetry/index.ts';

/** Bytes of a capture that a report may have: the memory of a capture may be larger than anyone wants to send. */
const MAX_CAPTURE = 32 * 1024 * 1024;

interface ReportedParts {
  readonly admin: AdminServer;
  readonly config: Config;
  readonly journal: Journal;
  readonly captures: CaptureHub;
  readonly metrics: () => Promise<string>;
  /** Tokens and passwords of the run that are known beyond the configuration. */
  readonly secrets: readonly string[];
}

/** Packs what happened and how it was set up, without secrets. */
export async function reportOf(parts: ReportedParts): Promise<Buffer> {
  const { admin, captures, config, journal } = parts;
  const answers = new Map<string, unknown>();
  for (const address of admin.answerable) {
    const answer = await admin.answer(address);
    if (answer !== undefined) answers.set(address, answer);
  }
  const known = [admin.secret, ...parts.secrets, ...secretsOf(config), ...secretsOf([...answers.values()])];
  const newest = captures.list().at(-1);
  const capture = newest && newest.status.ring <= MAX_CAPTURE ? captureFile(newest, captures.time()) : undefined;
  return packReport({
    manifest: {
      version,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      createdAt: Math.round(captures.time()),
    },
    events: journal.query(),
    answers,
    metrics: await parts.metrics(),
    capture,
    redactor: new Redactor(known),
  });
}
