import type { AdminServer } from '../admin/index.ts';
import { type CaptureHub, captureFile } from '../capture/index.ts';
import { type Config, resolveConfig } from '../config/index.ts';
import { version } from '../lib/version.ts';
import { packReport, Redactor, secretsOf } from '../report/index.ts';
import type { Journal } from '../telemetry/index.ts';

/** Maximum size of a capture in a report, in bytes: the memory of a capture may be larger than is practical to send. */
const MAX_CAPTURE = 32 * 1024 * 1024;

/** The directory whose users belong in a report: their states decide sign-ins. */
const TENANTS = '/api/directory/tenants';

/** Maximum number of tenants whose users are in a report. */
const MAX_TENANTS = 20;

interface ReportedParts {
  readonly admin: AdminServer;
  readonly config: Config;
  readonly journal: Journal;
  readonly captures: CaptureHub;
  readonly metrics: () => Promise<string>;
  /** Tokens and passwords of the run beyond those in the configuration. */
  readonly secrets: readonly string[];
}

/** Packs the events and the setup, without secrets. */
export async function reportOf(parts: ReportedParts): Promise<Buffer> {
  const { admin, captures, config, journal } = parts;
  const answers = new Map<string, unknown>();
  for (const address of admin.answerable) {
    const answer = await admin.answer(address);
    if (answer !== undefined) answers.set(address, answer);
  }
  for (const { id } of tenantsOf(answers.get(TENANTS)).slice(0, MAX_TENANTS)) {
    const address = `${TENANTS}/${id}/users`;
    const users = await admin.answer(address);
    if (users !== undefined) answers.set(address, users);
  }
  // Default passwords are in the documentation, and one of them is part of every name of the mock network.
  const published = new Set(secretsOf(resolveConfig()));
  const known = [...secretsOf(config), ...secretsOf([...answers.values()])].filter((one) => !published.has(one));
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
    redactor: new Redactor([admin.secret, ...parts.secrets, ...known]),
  });
}

function tenantsOf(answer: unknown): readonly { readonly id: string }[] {
  return Array.isArray(answer) ? answer.filter(({ id }) => typeof id === 'string' && /^[\w.-]{1,100}$/.test(id)) : [];
}
