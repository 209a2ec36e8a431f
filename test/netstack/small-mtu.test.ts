import t from 'tap';
import { NetstackTwin, pattern } from '../support/netstack-twin.ts';

/* The smallest packet that IPv4 has to carry is of 68 bytes (RFC 791 §3.2). */

const MTU = 68;
const ENDS = { localAddress: '10.0.0.2', remoteAddress: '10.0.0.1' };

t.test('TCP works in packets of 68 bytes, selective acknowledgements of losses included', async (t) => {
  const got: Buffer[] = [];
  let ended = false;
  const twin = new NetstackTwin({
    a: { mtu: MTU },
    b: {
      mtu: MTU,
      onTcp: (request) => {
        const flow = request.accept();
        flow.handler = {
          onData: (chunk) => {
            got.push(chunk);
            flow.consumed(chunk.length);
          },
          onEnd: () => {
            ended = true;
            flow.end();
          },
          onClose: () => {},
        };
      },
    },
    impairment: { delay: 5, loss: 0.1 },
  });
  twin.keepLog = true;
  const flow = twin.a.connect({ ...ENDS, remotePort: 80 });
  flow.handler = { onData: () => {}, onClose: () => {} };
  const sent = pattern(20_000);
  flow.write(sent);
  flow.end();
  t.ok(twin.until(() => ended));
  t.ok(Buffer.concat(got).equals(sent));
  t.equal(Math.max(...twin.log.map(({ packet }) => packet.length)), MTU);
  // Behind the timestamps: NOP, NOP, SACK with one block.
  t.ok(twin.log.some(({ from, packet }) => from === 'b' && packet.toString('hex', 52, 56) === '0101050a'));
});

t.test('datagrams and echo requests are cut into packets of 68 bytes', async (t) => {
  const payload = pattern(1000);
  const got: Buffer[] = [];
  const twin = new NetstackTwin({
    a: { mtu: MTU },
    b: { mtu: MTU, onUdp: (request) => void request.accept((bytes) => got.push(bytes)) },
  });
  twin.keepLog = true;
  const udp = twin.a.openUdp({ ...ENDS, localPort: 50_000, remotePort: 53 }, () => {});
  udp.send(payload, ENDS.localAddress, 50_000);
  const echo = twin.a.openEcho({ ...ENDS, id: 7 }, (_, bytes) => got.push(bytes));
  echo.send(1, payload);
  twin.run(1000);
  t.strictSame(got, [payload, payload]);
  t.equal(Math.max(...twin.log.map(({ packet }) => packet.length)), MTU);
});
