import t from 'tap';
import { type SocketLimitReached, UpstreamSockets } from '../../src/resources/upstream-sockets.ts';

const setup = (limit: number) => {
  const told: string[] = [];
  const suspended: string[] = [];
  const names = new Map<object | undefined, string>();
  const onLimit = ({ action, owner }: SocketLimitReached): void => void told.push(`${names.get(owner)} ${action}`);
  const sockets = new UpstreamSockets({ limit, onLimit });
  const session = (name: string): object => {
    const owner = {};
    names.set(owner, name);
    return owner;
  };
  const open = (owner: object | undefined, name: string, usedAt: number) => {
    const socket = {
      usedAt,
      suspend: () => {
        suspended.push(name);
        sockets.closed(owner, socket);
      },
      opened: false,
    };
    socket.opened = sockets.open(owner, socket);
    return socket;
  };
  return { sockets, session, open, told, suspended };
};

const CONNECTION = Number.POSITIVE_INFINITY;

t.test(
  'one session may have all sockets, and then goes on with the one of its own that was not used for longest',
  async (t) => {
    const { session, open, told, suspended } = setup(3);
    const alone = session('alone');
    const first = open(alone, '1', 1);
    open(alone, '2', 2);
    open(alone, '3', 3);
    first.usedAt = 4;
    t.ok(open(alone, '4', 5).opened);
    t.strictSame([suspended, told], [['2'], ['alone replaced']]);
  },
);

t.test('who has less than a share takes from the one who has most, be it a connection', async (t) => {
  const { session, open, told, suspended } = setup(4);
  const [hostile, honest] = [session('hostile'), session('honest')];
  for (let i = 1; i <= 4; i++) open(hostile, String(i), CONNECTION);
  t.ok(open(honest, 'mine', CONNECTION).opened);
  t.ok(open(honest, 'another', 1).opened);
  t.strictSame(
    [suspended, told],
    [
      ['1', '2'],
      ['hostile evicted', 'hostile evicted'],
    ],
  );
  t.ok(open(honest, 'one more than its share', CONNECTION).opened);
  t.equal(suspended.at(-1), 'another', 'its own datagrams make room for it');
});

t.test('nobody gives up a connection for another one of its own', async (t) => {
  const { session, open, told, suspended } = setup(2);
  const alone = session('alone');
  open(alone, '1', CONNECTION);
  open(alone, '2', CONNECTION);
  t.notOk(open(alone, '3', CONNECTION).opened);
  t.notOk(open(alone, '4', 7).opened);
  t.strictSame([suspended, told], [[], ['alone refused', 'alone refused']]);
});

t.test('what is closed makes room, once', async (t) => {
  const { sockets, session, open, told } = setup(2);
  const [one, other] = [session('one'), session('other')];
  const first = open(one, '1', CONNECTION);
  open(other, '2', CONNECTION);
  sockets.closed(one, first);
  sockets.closed(one, first);
  t.ok(open(one, '3', CONNECTION).opened);
  t.notOk(open(one, '4', CONNECTION).opened);
  t.strictSame(told, ['one refused']);
});
