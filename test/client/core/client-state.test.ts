import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ClientEvent, ClientState, nextClient } from '../../../src/client/core/client-state.ts';

const S = ClientState;

/** Every pair that changes the state or asks for something; each other one must do nothing at all. */
const MOVES: readonly (readonly [from: ClientState, event: ClientEvent, to: ClientState, effects: string])[] = [
  [S.Idle, 'start', S.Connecting, 'dial'],
  [S.Idle, 'close', S.Ended, 'tell-end'],
  [S.Connecting, 'opened', S.Connected, 'adopt plan-rekey tell-connected'],
  [S.Connecting, 'failed', S.Ended, 'abort-dial tell-end'],
  [S.Connecting, 'refused', S.Ended, 'abort-dial tell-end'],
  [S.Connecting, 'moved', S.Connecting, 'abort-dial dial'],
  [S.Connecting, 'suspend', S.Away, 'abort-dial'],
  [S.Connecting, 'close', S.Ended, 'abort-dial tell-end'],
  [S.Connected, 'refused', S.Ended, 'abort-dial drop tell-end'],
  [S.Connected, 'lost', S.Waiting, 'drop tell-reconnecting plan-retry'],
  [S.Connected, 'rekey', S.Rekeying, 'dial'],
  [S.Connected, 'moved', S.Reconnecting, 'drop tell-reconnecting dial'],
  [S.Connected, 'suspend', S.Asleep, 'pause'],
  [S.Connected, 'close', S.Ended, 'abort-dial goodbye tell-end'],
  [S.Rekeying, 'opened', S.Connected, 'adopt plan-rekey'],
  [S.Rekeying, 'failed', S.Connected, 'plan-rekey'],
  [S.Rekeying, 'refused', S.Ended, 'abort-dial drop tell-end'],
  [S.Rekeying, 'lost', S.Reconnecting, 'drop tell-reconnecting'],
  [S.Rekeying, 'moved', S.Reconnecting, 'abort-dial drop tell-reconnecting dial'],
  [S.Rekeying, 'suspend', S.Asleep, 'abort-dial pause'],
  [S.Rekeying, 'close', S.Ended, 'abort-dial goodbye tell-end'],
  [S.Reconnecting, 'opened', S.Connected, 'adopt plan-rekey tell-connected'],
  [S.Reconnecting, 'failed', S.Waiting, 'plan-retry'],
  [S.Reconnecting, 'refused', S.Ended, 'abort-dial tell-end'],
  [S.Reconnecting, 'moved', S.Reconnecting, 'abort-dial dial'],
  [S.Reconnecting, 'suspend', S.Away, 'abort-dial'],
  [S.Reconnecting, 'close', S.Ended, 'abort-dial tell-end'],
  [S.Waiting, 'refused', S.Ended, 'abort-dial tell-end'],
  [S.Waiting, 'due', S.Reconnecting, 'dial'],
  [S.Waiting, 'moved', S.Reconnecting, 'dial'],
  [S.Waiting, 'suspend', S.Away, ''],
  [S.Waiting, 'close', S.Ended, 'abort-dial tell-end'],
  [S.Asleep, 'refused', S.Ended, 'abort-dial drop tell-end'],
  [S.Asleep, 'lost', S.Away, 'drop tell-reconnecting'],
  [S.Asleep, 'resume', S.Connected, 'wake'],
  [S.Asleep, 'close', S.Ended, 'abort-dial goodbye tell-end'],
  [S.Away, 'resume', S.Reconnecting, 'dial'],
  [S.Away, 'close', S.Ended, 'abort-dial tell-end'],
];

for (const state of Object.values(ClientState)) {
  for (const event of Object.values(ClientEvent)) {
    const move = MOVES.find(([from, on]) => from === state && on === event);
    t.test(move ? `${state} on ${event} goes to ${move[2]}` : `${state} does nothing on ${event}`, async (t) => {
      const { to, effects } = nextClient(state, event);
      t.equal(to, move?.[2] ?? state);
      t.equal(effects.join(' '), move?.[3] ?? '');
    });
  }
}

t.test('whatever happens, there is one try and one tunnel at most, and the end is told once', async (t) => {
  const events = Object.values(ClientEvent);
  /** All sequences of events up to a length: small enough to walk whole. */
  const walk = (state: ClientState, depth: number, tries: number, tunnels: number, ends: number): void => {
    if (tries > 1 || tunnels > 1 || ends > 1) throw new Error(`${tries} tries, ${tunnels} tunnels in ${state}`);
    if (state === S.Ended && (tries !== 0 || tunnels !== 0 || ends !== 1)) throw new Error(`${tries}, ${tunnels} left`);
    if (depth === 0) return;
    for (const event of events) {
      const needsTry = event === 'opened' || event === 'failed';
      if (needsTry && tries === 0) continue;
      let [t1, t2, t3] = [needsTry ? 0 : tries, tunnels, ends];
      const { to, effects } = nextClient(state, event);
      for (const effect of effects) {
        if (effect === 'dial') t1++;
        if (effect === 'abort-dial') t1 = 0;
        if (effect === 'adopt') t2 = 1;
        if (effect === 'drop' || effect === 'goodbye') t2 = 0;
        if (effect === 'tell-end') t3++;
      }
      walk(to, depth - 1, t1, t2, t3);
    }
  };
  t.doesNotThrow(() => walk(S.Idle, 6, 0, 0, 0));
});

t.test('the table in the documentation is the one that is followed', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/reference/client.md'), 'utf8');
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [, heading = '', , ...rows] = /(\| \| start \|.*)\n(\|[-|]+)\n((?:\|.*\n)+)/.exec(text) ?? [];
  t.strictSame(cells(heading), ['', ...Object.values(ClientEvent)]);
  const shown = rows.join('').trimEnd().split('\n').map(cells);
  const followed = Object.values(ClientState).map((state) => [
    state.toUpperCase(),
    ...Object.values(ClientEvent).map((event) => {
      const { to, effects } = nextClient(state, event);
      return to === state && effects.length === 0 ? '' : to.toUpperCase();
    }),
  ]);
  t.strictSame(shown, followed);
});
