import t from 'tap';
import { whileHeld } from '../../src/lib/held-file.ts';

/** Work that fails some times with a code before it is done. */
function failing(times: number, code: string) {
  let calls = 0;
  return {
    calls: () => calls,
    work: async (): Promise<string> => {
      if (calls++ < times) throw Object.assign(new Error(code), { code });
      return 'done';
    },
  };
}

const pauses: number[] = [];
const pause = async (ms: number): Promise<void> => void pauses.push(ms);

t.test('on Windows a file that another program holds is tried again', async (t) => {
  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    const { work, calls } = failing(3, code);
    t.equal(await whileHeld(work, 'win32', pause), 'done');
    t.equal(calls(), 4);
  }
});

t.test('a file that stays held is told in the end, after two seconds', async (t) => {
  pauses.length = 0;
  const { work } = failing(100, 'EPERM');
  await t.rejects(whileHeld(work, 'win32', pause), { code: 'EPERM' });
  t.equal(
    pauses.reduce((sum, ms) => sum + ms, 0),
    1980,
  );
});

t.test('other errors, and other systems, are told at once', async (t) => {
  const missing = failing(1, 'ENOENT');
  await t.rejects(whileHeld(missing.work, 'win32', pause), { code: 'ENOENT' });
  t.equal(missing.calls(), 1);
  const forbidden = failing(1, 'EACCES');
  await t.rejects(whileHeld(forbidden.work, 'linux', pause), { code: 'EACCES' });
  t.equal(forbidden.calls(), 1);
});
