import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OTHER_VARIABLES } from '../../../src/config/constants.ts';
import { CONFIG_KEYS } from '../../../src/config/index.ts';
import { ERROR_CODES } from '../../../src/lib/error-codes.ts';
import { EVENTS } from '../../../src/telemetry/events.ts';
import { settingComplaint } from './configurations.ts';
import { REPOSITORY } from './markdown.ts';

const keys = new Map(CONFIG_KEYS.map((key) => [key.name, key]));
const sections = new Set(CONFIG_KEYS.flatMap(({ path }) => path.map((_, end) => path.slice(0, end + 1).join('.'))));
const tops = [...new Set(CONFIG_KEYS.filter(({ path }) => path.length > 1).map(({ path }) => path[0]))].join('|');
const variables = new Set<string>([...CONFIG_KEYS.map((key) => key.variable), ...OTHER_VARIABLES]);

const SETTING = new RegExp(String.raw`^(?:--set )?((?:${tops})\.[a-zA-Z.]+)(?:(?:: |=)(.+))?$`);
const FILE = /\.(?:json|md|pem|ts|ya?ml)$/;
const PATH = /^(?:src|test|bench|docs|examples|scripts|packages)\/[\w./-]+$/;

/**
 * What is wrong with a name in prose: a setting, a setting with its value, an event's name, an error's code, a file of
 * the repository. Other texts are passed over.
 */
export function nameComplaint(text: string): string | undefined {
  if (/^ERR_[A-Z_]+$/.test(text)) return Object.hasOwn(ERROR_CODES, text) ? undefined : `there is no error ${text}`;
  if (PATH.test(text)) return existsSync(join(REPOSITORY, text)) ? undefined : `there is no ${text}`;
  const [, name, value] = SETTING.exec(text) ?? [];
  if (name === undefined || FILE.test(text)) return undefined;
  if (value === undefined && (sections.has(name) || Object.hasOwn(EVENTS, name))) return undefined;
  if (!keys.has(name)) return `there is no setting ${name}`;
  return value === undefined ? undefined : settingComplaint(name, value);
}

/** Variables of ours that a text names and nothing reads. */
export function unknownVariables(text: string): string[] {
  return [...text.matchAll(/\bTUNNELITE_[A-Z0-9_]*[A-Z0-9]\b/g)]
    .map(([name]) => name)
    .filter((name) => !variables.has(name));
}
