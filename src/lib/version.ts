import { readFileSync } from 'node:fs';

/** The version of this package: the manifest stands two folders up, in the repository as in the published package. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
