// Part of main.ts: readers that follow the journal, in a process of their own. Says when each of them has the event that it is asked for.
//
//   readers.ts <admin url> <readers> <mark to begin at>, with the secret in ADMIN_SECRET
import { connectSimulator } from '../../src/index.ts';

const [url, count, since] = process.argv.slice(2);
const at = new Array<number>(Number(count)).fill(0);
let wanted = Infinity;

function answer(): void {
  if (at.some((seq) => seq < wanted)) return;
  wanted = Infinity;
  process.send!('taken');
}

process.on('message', (seq: number) => {
  wanted = seq;
  answer();
});
process.on('disconnect', () => process.exit());

const { journal } = await connectSimulator(url!, { secret: process.env.ADMIN_SECRET! });
for (const index of at.keys()) {
  const onEvent = ({ seq }: { readonly seq: number }): void => {
    at[index] = seq;
    answer();
  };
  const onEnd = (error: unknown): void => {
    throw error ?? new Error('A stream has ended.');
  };
  journal.follow(onEvent, onEnd, { since: Number(since) });
}
