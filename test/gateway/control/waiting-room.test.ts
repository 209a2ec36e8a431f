import t from 'tap';
import { Stage, WaitingRoom } from '../../../src/gateway/control/waiting-room.ts';

const filled = (capacity: number, ...guests: string[]): WaitingRoom<string> => {
  const room = new WaitingRoom<string>(capacity);
  for (const guest of guests) room.enter(guest);
  return room;
};

t.test('who comes when the room is full takes the place of the oldest stranger', async (t) => {
  const room = filled(3, 'a', 'b');
  t.equal(room.makeRoom(), undefined);
  room.enter('c');
  room.advance('a', Stage.Authenticated);
  t.equal(room.makeRoom(), 'b', 'a was here first, but has authenticated');
  room.enter('d');
  t.strictSame([...room].sort(), ['a', 'c', 'd']);
});

t.test('of strangers those go first who have come least far', async (t) => {
  const room = filled(5, 'secure', 'heard', 'silent', 'silent too', 'heard too');
  room.advance('heard', Stage.Heard);
  room.advance('secure', Stage.Heard);
  room.advance('secure', Stage.Secure);
  room.advance('secure', Stage.Heard);
  room.advance('heard too', Stage.Heard);
  const left: (string | undefined)[] = [];
  for (let i = 0; i < 6; i++) left.push(room.makeRoom(true));
  t.strictSame(left, ['silent', 'silent too', 'heard', 'heard too', 'secure', 'full']);
  t.equal(room.size, 0);
});

t.test('a room full of clients that have authenticated lets nobody in', async (t) => {
  const room = filled(2, 'a', 'b');
  for (const guest of ['a', 'b']) room.advance(guest, Stage.Authenticated);
  t.equal(room.makeRoom(), 'full');
  room.leave('a');
  t.equal(room.makeRoom(), undefined);
  t.equal(room.size, 1);
});

t.test('where something else is scarce, a stranger makes room although there is some', async (t) => {
  const room = filled(9);
  t.equal(room.makeRoom(true), 'full', 'nobody is there to go');
  for (const guest of ['a', 'b']) room.enter(guest);
  room.advance('a', Stage.Authenticated);
  t.equal(room.makeRoom(true), 'b');
  t.equal(room.makeRoom(true), 'full');
  t.equal(room.makeRoom(), undefined);
});

t.test('one that left comes back neither as a stranger nor as a guest', async (t) => {
  const room = filled(2, 'a');
  room.leave('a');
  room.advance('a', Stage.Authenticated);
  t.strictSame([...room], []);
});
