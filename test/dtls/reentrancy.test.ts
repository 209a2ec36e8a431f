import t from 'tap';
import { CLIENT, DtlsLink } from '../support/dtls-link.ts';

t.test('a callback may close the association that it is told of', (t) => {
  const link: DtlsLink = new DtlsLink({ server: { onConnect: (association) => association.close() } });
  link.client.start(0);
  link.run(100);
  t.match(link.closed[0], { reason: 'local' });
  t.match(link.clientClosed[0], { reason: 'close-notify' });
  t.equal(link.server.size, 0);
  t.end();
});

t.test('after a close in the middle of a datagram nothing more of it is delivered', (t) => {
  let got = 0;
  const link: DtlsLink = new DtlsLink({
    server: {
      onData: (association) => {
        got++;
        association.close();
      },
    },
  }).connect();
  for (const text of ['a', 'b', 'c']) link.client.association?.send(Buffer.from(text), 0, 1);
  link.server.input(Buffer.concat(link.datagrams('to-server').slice(-3)), CLIENT, link.now);
  t.equal(got, 1);
  t.end();
});

t.test('records that share a datagram are all delivered', (t) => {
  const link = new DtlsLink().connect();
  for (const text of ['a', 'b', 'c']) link.client.association?.send(Buffer.from(text), 0, 1);
  link.server.input(Buffer.concat(link.datagrams('to-server').slice(-3)), CLIENT, link.now);
  t.strictSame(link.atServer, ['a', 'b', 'c']);
  t.end();
});

t.test('a move may be answered with a close, and a server may close in any callback', (t) => {
  const moved: DtlsLink = new DtlsLink({ server: { onMove: (association) => association.close() } }).connect();
  moved.clientPeer = { ...CLIENT, port: 9 };
  moved.say('x');
  t.strictSame(moved.atServer, []);
  t.equal(moved.server.size, 0);

  const link: DtlsLink = new DtlsLink({ server: { onData: () => link.server.close() } }).connect();
  link.say('x');
  t.match(link.closed, [{ reason: 'local' }]);
  t.equal(link.server.nextDeadline, Infinity);
  t.end();
});

t.test('what is sent in onConnect follows the Finished', (t) => {
  const link = new DtlsLink({ server: { onConnect: (association) => association.send(Buffer.from('hi'), 0, 2) } });
  link.client.start(0);
  link.run(100);
  t.strictSame(link.atClient, ['hi']);
  t.end();
});

t.test('a client may close, or connect anew, when it is told of the end', (t) => {
  const link: DtlsLink = new DtlsLink({ client: { onClose: () => link.client.close() } }).connect();
  link.connected[0]?.close();
  link.run(link.now + 10);
  t.ok(link.client.closed);
  t.equal(link.client.nextDeadline, Infinity);
  t.end();
});

t.test('a client that was never started closes without a word', (t) => {
  const link = new DtlsLink();
  link.client.close();
  link.client.start(0);
  t.equal(link.sent.length, 0);
  t.match(link.clientClosed, [{ reason: 'local' }]);
  t.end();
});
