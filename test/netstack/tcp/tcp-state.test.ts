import t from 'tap';
import { TcpState } from '../../../src/netstack/core/types.ts';
import { TcpEvent, TRANSITIONS } from '../../../src/netstack/tcp/tcp-state.ts';

/** RFC 9293 figure 5, written down a second time as a person reads it there: from, event, to. */
const FIGURE_5 = `
CLOSED passive-open LISTEN
CLOSED active-open SYN-SENT
LISTEN accept SYN-RECEIVED
LISTEN abort CLOSED
SYN-SENT syn SYN-RECEIVED
SYN-SENT syn-ack ESTABLISHED
SYN-SENT abort CLOSED
SYN-RECEIVED ack-of-syn ESTABLISHED
SYN-RECEIVED send-fin FIN-WAIT-1
SYN-RECEIVED abort CLOSED
ESTABLISHED send-fin FIN-WAIT-1
ESTABLISHED fin CLOSE-WAIT
ESTABLISHED abort CLOSED
FIN-WAIT-1 ack-of-fin FIN-WAIT-2
FIN-WAIT-1 fin CLOSING
FIN-WAIT-1 abort CLOSED
FIN-WAIT-2 fin TIME-WAIT
FIN-WAIT-2 abort CLOSED
CLOSE-WAIT send-fin LAST-ACK
CLOSE-WAIT abort CLOSED
CLOSING ack-of-fin TIME-WAIT
CLOSING abort CLOSED
LAST-ACK ack-of-fin CLOSED
LAST-ACK abort CLOSED
TIME-WAIT abort CLOSED
TIME-WAIT expire CLOSED
`;

t.test('every pair of state and event does what figure 5 of RFC 9293 shows, and nothing else happens', async (t) => {
  const expected = new Map(
    FIGURE_5.trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string, string])
      .map(([from, event, to]) => [`${from} ${event}`, to]),
  );
  for (const from of Object.values(TcpState)) {
    for (const event of Object.values(TcpEvent)) {
      t.equal(TRANSITIONS[from][event], expected.get(`${from} ${event}`), `${from} on ${event}`);
    }
  }
});

t.test('there are eleven states, all reachable, and each can be left', async (t) => {
  const states = Object.values(TcpState);
  t.equal(states.length, 11);
  const reached = new Set<TcpState>([TcpState.Closed]);
  for (const state of reached) {
    const next = Object.values(TRANSITIONS[state]).filter((to) => to !== undefined);
    t.ok(next.length > 0, `${state} can be left`);
    for (const to of next) reached.add(to);
  }
  t.equal(reached.size, 11);
});
