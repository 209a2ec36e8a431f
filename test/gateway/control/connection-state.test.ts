import t from 'tap';
import {
  CONNECTION_TRANSITIONS,
  type ConnectionEvent,
  ConnectionState,
} from '../../../src/gateway/control/connection-state.ts';

const EVENTS: readonly ConnectionEvent[] = [
  'secure',
  'authenticate',
  'accept',
  'connect',
  'establish',
  'forward',
  'close',
  'gone',
];
const { Handshake, Request, Verifying, Authenticated, Connecting, Tunnel, Forwarding, Closing, Closed } =
  ConnectionState;

/** Every pair that moves on, beside `close` and `gone`; all others must be forbidden. */
const ALLOWED = new Map<string, ConnectionState>([
  [`${Handshake} secure`, Request],
  [`${Request} authenticate`, Verifying],
  [`${Verifying} accept`, Authenticated],
  [`${Request} connect`, Connecting],
  [`${Authenticated} connect`, Connecting],
  [`${Connecting} establish`, Tunnel],
  [`${Connecting} forward`, Forwarding],
]);

t.test('every pair of state and event does what the diagram shows', async (t) => {
  for (const state of Object.values(ConnectionState)) {
    for (const event of EVENTS) {
      let wanted: ConnectionState | null = ALLOWED.get(`${state} ${event}`) ?? null;
      if (event === 'close') wanted = state === Closed ? Closed : Closing;
      if (event === 'gone') wanted = Closed;
      t.equal(CONNECTION_TRANSITIONS[state][event], wanted, `${state} ${event}`);
    }
  }
});

t.test('no state but the last is without a way out, and all are reached from the first', async (t) => {
  const reached = new Set<ConnectionState>([Handshake]);
  for (let size = 0; size !== reached.size; ) {
    size = reached.size;
    for (const state of [...reached]) {
      for (const event of EVENTS) {
        const next = CONNECTION_TRANSITIONS[state][event];
        if (next) reached.add(next);
      }
    }
  }
  t.equal(reached.size, Object.keys(ConnectionState).length);
});
