import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { LateAnswers } from '../../src/resources/late-answers.ts';

t.test('an answer comes after its delay, and not before', async (t) => {
  const clock = new ManualClock();
  const answers = new LateAnswers();
  const bytes = Buffer.from('answer');
  let got: Buffer | undefined;
  const waiting = answers.wait(clock, 100, bytes).then((answer) => {
    got = answer;
  });
  clock.advance(99);
  await new Promise(setImmediate);
  t.equal(got, undefined);
  clock.advance(1);
  await waiting;
  t.equal(got, bytes);
  answers.close();
});

t.test('who closes leaves nobody waiting, and no timer', async (t) => {
  const clock = new ManualClock();
  const answers = new LateAnswers();
  const waiting = [1, 2, 3].map((ms) => answers.wait(clock, ms, Buffer.from('late')));
  answers.close();
  t.strictSame(await Promise.all(waiting), [undefined, undefined, undefined]);
  t.equal(clock.pending, 0);
});

t.test('what would be one too many is lost at once, until another one has come', async (t) => {
  const clock = new ManualClock();
  const answers = new LateAnswers();
  const first = answers.wait(clock, 1, Buffer.from('first'));
  for (let i = 1; i < 4096; i++) void answers.wait(clock, 2, Buffer.from('more'));
  t.equal(await answers.wait(clock, 3, Buffer.from('too many')), undefined);
  clock.advance(1);
  t.same(await first, Buffer.from('first'));
  const last = answers.wait(clock, 3, Buffer.from('last'));
  clock.advance(3);
  t.same(await last, Buffer.from('last'));
  answers.close();
});
