import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { errorText } from '../../src/lib/errors.ts';

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

t.test('of an error about a file, what happened is told; the file is named by the message around it', async (t) => {
  t.equal(errorText(thrown(() => readFileSync(join(t.testdir(), 'none')))), 'no such file or directory (ENOENT)');
});

t.test('of a host that has no address that answers, each address is told', async (t) => {
  const errors = [new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED 127.0.0.1:1')];
  t.equal(errorText(new AggregateError(errors)), 'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1');
  t.equal(errorText(new AggregateError(errors, 'both failed')), 'both failed');
  t.equal(errorText(new AggregateError([])), '');
});

t.test('every other error is told as it is, on one harmless line', async (t) => {
  t.equal(errorText(new Error('one\n  two\u001b[31m')), 'one two\\u001b[31m');
  t.equal(errorText('thrown text'), 'thrown text');
  t.equal(errorText(undefined), 'undefined');
  t.equal(errorText(Object.assign(new Error('odd'), { path: '/x', code: 'EODD' })), 'odd');
  t.equal(errorText(new Error('one\r\n  two\n \n\tthree\n')), 'one two three');
  t.equal(errorText('a  b'), 'a  b', 'what is within a line stays');
});
