import t from 'tap';

/* What is asked again and again while somebody looks. There is no page here, so that its document is made up. */

const listeners: (() => void)[] = [];
const page = {
  hidden: false,
  addEventListener: (_: string, listener: () => void) => void listeners.push(listener),
  documentElement: { dataset: {} },
};
const storage = { getItem: () => 'a secret' };
Object.assign(globalThis, { document: page, sessionStorage: storage });
const { json } = await import('../../src/dashboard/page/core/api.js');
const { Poll } = await import('../../src/dashboard/page/core/poll.js');
const { Store } = await import('../../src/dashboard/page/core/store.js');

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

t.test('whoever needs a response most often decides how often to ask', async (t) => {
  const poll = new Poll(async () => 1, 1_000);
  const [slow, usual] = [() => {}, () => {}];
  const endSlow = poll.watch(slow, 10_000);
  t.equal(poll.interval, 10_000);
  const endUsual = poll.watch(usual);
  t.equal(poll.interval, 1_000);
  endUsual();
  t.equal(poll.interval, 10_000);
  endSlow();
});

t.test('how often to ask depends on what the instance spends, and not on how long the answer takes', async (t) => {
  const answers = ['app;dur=12.50', 'app;dur=0.25', undefined];
  t.teardown(() => Object.assign(globalThis, { fetch: original }));
  const original = globalThis.fetch;
  Object.assign(globalThis, {
    fetch: async () => {
      const timing = answers.shift();
      return new Response('{}', { headers: timing === undefined ? {} : { 'server-timing': timing } });
    },
  });
  const poll = new Poll(async (cost) => {
    await json('/api/one', { cost });
    return json('/api/other', { cost });
  }, 1_000);
  await poll.now();
  t.equal(poll.cost, 12.75, 'the sum of both');
  const cost = { milliseconds: 0 };
  await json('/api/one', { cost });
  t.ok(cost.milliseconds > 0, 'and without the header, on the time it took');
});

t.test('a hidden page draws nothing, and once when it is shown again', async (t) => {
  const store = new Store();
  let drawn = 0;
  store.watch(() => drawn++);
  page.hidden = true;
  for (let i = 0; i < 3; i++) {
    store.changed(0);
    while (store.pending !== undefined) await new Promise(setImmediate);
  }
  t.equal(store.pending, undefined, 'nothing waits for a timer');
  t.equal(drawn, 0);
  page.hidden = false;
  for (const listener of listeners) listener();
  t.equal(drawn, 1);
});
