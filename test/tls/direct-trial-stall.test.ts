import t from 'tap';
import { TRIAL_TIMEOUT_MS } from '../../src/tls/constants.ts';
import { tryDirectWrites } from '../../src/tls/direct-trial.ts';

// In a file of its own, because the trial is made once in a process.

t.test('a process that stands still during the trial does not fail it', async (t) => {
  const trial = tryDirectWrites();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRIAL_TIMEOUT_MS + 500);
  t.equal(await trial, true);
});
