import t from 'tap';
import { shared, Turns } from '../../src/lib/turns.ts';

t.test('work is done in the order in which it was asked for, whatever fails', async (t) => {
  const turns = new Turns();
  const said: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.run(async () => {
    await gate.promise;
    said.push('first');
  });
  const second = turns.run(async () => {
    said.push('second');
    throw new Error('second failed');
  });
  const third = turns.run(async () => said.push('third'));
  gate.resolve();
  await t.rejects(second, { message: 'second failed' });
  await Promise.all([first, third]);
  t.strictSame(said, ['first', 'second', 'third']);
});

t.test('who asks while one is under way shares the next, and nobody the one that began before', async (t) => {
  let runs = 0;
  const gates: PromiseWithResolvers<number>[] = [];
  const ask = shared(() => {
    runs++;
    const gate = Promise.withResolvers<number>();
    gates.push(gate);
    return gate.promise;
  });
  const one = ask();
  await Promise.resolve();
  const [two, three] = [ask(), ask()];
  t.equal(runs, 1);
  gates[0]!.resolve(1);
  t.equal(await one, 1);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(runs, 2);
  gates[1]!.reject(new Error('not this time'));
  await t.rejects(two, { message: 'not this time' });
  await t.rejects(three, { message: 'not this time' });
  const four = ask();
  await new Promise((resolve) => setImmediate(resolve));
  gates[2]!.resolve(3);
  t.equal(await four, 3);
});
