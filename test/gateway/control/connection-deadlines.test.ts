import t from 'tap';
import { ConnectionDeadlines } from '../../../src/gateway/control/connection-deadlines.ts';
import { CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT } from '../../../src/gateway/control/constants.ts';

const CLOSE_MS = CLOSE_TIMEOUT * 1000;
const HANDSHAKE_MS = HANDSHAKE_TIMEOUT * 1000;

t.test('each limit counts from its own begin, by its own clock', async (t) => {
  const deadlines = new ConnectionDeadlines(5_000, 1_000);
  t.equal(deadlines.waited(7_500), 2_500, 'the login, by the clock of the settings');
  t.equal(deadlines.handshakeOverdue(1_000 + HANDSHAKE_MS - 1), false);
  t.equal(deadlines.handshakeOverdue(1_000 + HANDSHAKE_MS), true);
  deadlines.closes(900_000);
  t.equal(deadlines.closeOverdue(900_000 + CLOSE_MS - 1), false, 'however old the connection is');
  t.equal(deadlines.closeOverdue(900_000 + CLOSE_MS), true);
});

t.test('time in which no input was read counts for none of them', async (t) => {
  const deadlines = new ConnectionDeadlines(0, 0);
  deadlines.closes(0);
  deadlines.look({ now: 10_000, late: 4_000, machineNow: 10_000, machineLate: 3_000 });
  t.equal(deadlines.waited(10_000), 6_000);
  t.equal(deadlines.handshakeOverdue(HANDSHAKE_MS + 2_999), false);
  t.equal(deadlines.handshakeOverdue(HANDSHAKE_MS + 3_000), true);
  t.equal(deadlines.closeOverdue(CLOSE_MS + 2_999), false);
  t.equal(deadlines.closeOverdue(CLOSE_MS + 3_000), true);
});
