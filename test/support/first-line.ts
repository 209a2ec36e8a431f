/**
 * A module for `--import` that does something when the process writes its first line to standard output, or ends before.
 * @param setUp JavaScript that runs at once
 * @param tell JavaScript that runs then, once
 */
export function atFirstLine(setUp: string, tell: string): string {
  return `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  ${setUp}
  let told = false;
  const tell = () => {
    if (told) return;
    told = true;
    ${tell}
  };
  const { write } = process.stdout;
  process.stdout.write = function (...args) {
    tell();
    return write.apply(this, args);
  };
  process.on('exit', tell);
`)}`;
}
