import { execFile } from 'node:child_process';
import t, { type Test } from 'tap';
import type { Explanation, Finding } from '../../src/explain/index.ts';
import type { Simulator } from '../../src/index.ts';

/** What a client did that is to be explained; a result of `about` says whom to ask about, else it is who came last. */
type Act = (t: Test) => Promise<unknown>;

/** Whom to ask about. */
class About {
  readonly who: string;
  readonly since: number | undefined;
  constructor(who: string, since: number | undefined) {
    this.who = who;
    this.since = since;
  }
}

/** The result of an act that another one than the last client is to be asked about, or that began before its test, at a mark of the journal. */
export const about = (who: string, since?: number): About => new About(who, since);

interface Provoked {
  readonly finding: Finding;
  readonly explanation: Explanation;
}

type Check = (t: Test, provoked: Provoked) => void;

/**
 * Makes tests of causes: each is provoked by a client, and has to be found. `test/explain/registry.test.ts` looks for calls of `provokes` with
 * the id as a literal, so that no cause is without one.
 */
export function provoker(simOf: () => Simulator, skip: string | false = false) {
  return function provokes(id: string, act: Act, check: Check = () => {}): void {
    t.test(`${id} is provoked and found`, { skip }, async (t) => {
      const sim = simOf();
      const mark = sim.journal.mark();
      const done = await act(t);
      const { who, since = mark } = done instanceof About ? done : { who: 'last' };
      const find = (): Provoked | undefined => {
        const explanation = tryExplain(sim, who);
        const finding = explanation?.findings.find((one) => one.cause === id && one.last > since);
        return explanation && finding && { explanation, finding };
      };
      await sim.journal.waitFor({ since, where: () => find() !== undefined }, { timeout: 30_000 }).catch(() => {});
      const provoked = find();
      if (!provoked) {
        const seen = sim.journal.query({ since }).map(({ name, text }) => `${name}: ${text}`);
        const found = tryExplain(sim, who)?.findings.map(({ cause }) => cause);
        t.fail(`${id} was not found, but ${found?.join(', ')}; of ${who}`, { seen });
        return;
      }
      assertWords(t, provoked.finding);
      check(t, provoked);
    });
  };
}

function tryExplain(sim: Simulator, who: string): Explanation | undefined {
  try {
    return sim.explain(who);
  } catch {
    return undefined;
  }
}

/** Sentences that a person can read. */
function assertWords(t: Test, { cause, title, what, why, next, docs }: Finding): void {
  for (const text of [title, what, why, ...next]) {
    if (text.length < 6 || /undefined|null|NaN|\[object/.test(text)) t.fail(`${cause}: ${text}`);
  }
  if (!/[.!?)]$/.test(what) || /\.\.$/.test(what)) t.fail(`${cause}: ${what}`);
  t.ok(next.length > 0 && docs.length > 0, `${cause}: ${what}`);
}

/** Runs a program to its end, whatever that is, and has its output. */
export function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout: 60_000 }, (_, out, err) => resolve(`${out}${err}`));
    child.stdin?.on('error', () => {}).end(input);
  });
}
