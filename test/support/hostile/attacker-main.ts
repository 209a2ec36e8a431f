/** The attacker, in a process of its own: mounts the attack that it is asked for, holds it, and lets go. */
import { connectionAttacks } from './attacks/connections.ts';
import { datagramAttacks } from './attacks/datagrams.ts';
import { floodAttacks } from './attacks/floods.ts';
import { frameAttacks } from './attacks/frames.ts';
import { requestAttacks } from './attacks/requests.ts';
import { segmentAttacks } from './attacks/segments.ts';
import { tableAttacks } from './attacks/tables.ts';
import type { Attack, Mounted } from './attacks/types.ts';
import type { Target } from './intruder.ts';

export const ATTACKS = {
  ...requestAttacks,
  ...tableAttacks,
  ...segmentAttacks,
  ...frameAttacks,
  ...connectionAttacks,
  ...datagramAttacks,
  ...floodAttacks,
} satisfies Record<string, Attack>;

/** The name of an attack. */
export type AttackName = keyof typeof ATTACKS;

/** What the attacker may be asked. */
export type Order =
  | { readonly ask: 'mount'; readonly attack: AttackName; readonly target: Target }
  | { readonly ask: 'release' };

let mounted: Mounted | undefined;

async function obey(order: Order): Promise<unknown> {
  if (order.ask === 'mount') {
    mounted = await ATTACKS[order.attack](order.target);
    return mounted.counts;
  }
  await mounted?.release();
  mounted = undefined;
  return undefined;
}

process.on('message', ({ id, question }: { id: number; question: Order }) => {
  obey(question).then(
    (value) => process.send!({ id, value }),
    (error: Error) => process.send!({ id, error: error.stack }),
  );
});
process.once('disconnect', () => process.exit());
process.send!({ id: 0 });
