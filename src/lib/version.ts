import { readFileSync } from 'node:fs';

/** The version of this package. The manifest is two folders up, in the repository and in the published package. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
