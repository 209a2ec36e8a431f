import t from 'tap';

/* What is asked again and again while somebody looks. There is no page here, so that its document is made up. */

const page = { hidden: false, addEventListener() {}, documentElement: { dataset: {} } };
Object.assign(globalThis, { document: page });
const { Poll } = await import('../../src/dashboard/page/core/poll.js');

t.test('who asks while an answer is on its way gets one that was asked for afterwards', async (t) => {
  const answers: ((value: number) => void)[] = [];
  const poll = new Poll(() => new Promise<number>((resolve) => answers.push(resolve)), 1e9);
  const first = poll.now();
  t.equal(answers.length, 1);
  const [second, third] = [poll.now(), poll.now()];
  t.equal(answers.length, 1, 'one question at a time');
  answers[0]!(1);
  await first;
  t.equal(poll.value, 1);
  await new Promise(setImmediate);
  t.equal(answers.length, 2, 'the others share theirs');
  answers[1]!(2);
  await Promise.all([second, third]);
  t.equal(poll.value, 2);
});

t.test('a refusal is kept until there is an answer, and a hidden page asks for nothing', async (t) => {
  let asked = 0;
  const poll = new Poll(async () => {
    if (++asked === 1) throw new Error('no');
    return asked;
  }, 1e9);
  await poll.now();
  t.match(poll.error, { message: 'no' });
  page.hidden = true;
  await poll.now();
  t.equal(asked, 1);
  page.hidden = false;
  await poll.now();
  t.equal(poll.error, undefined);
  t.equal(poll.value, 2);
});
