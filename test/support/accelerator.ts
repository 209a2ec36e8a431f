import type { Test } from 'tap';
import { interopRequired } from './interop.ts';

/**
 * For tap's `skip` option of tests of an accelerator: false where it is there, otherwise why it is not. Where interop is required, a
 * missing one is a failure too; the tests of the file that do not need it run all the same.
 * @param loaded the accelerator, or why there is none
 */
export function skipWithout(t: Pick<Test, 'fail'>, loaded: object | string): string | false {
  if (typeof loaded !== 'string') return false;
  if (interopRequired) t.fail(`Accelerators are required here, but: ${loaded}.`);
  return loaded;
}
