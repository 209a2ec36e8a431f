import t, { type Test } from 'tap';
import { bindPorts, closeServer } from '../../src/gateway/bind-ports.ts';
import { systemNetwork } from '../../src/network/index.ts';

/** A UDP port that is refused some times with this code. */
function refusing(times: number, code: string) {
  const ports: number[] = [];
  return {
    ports,
    bindUdp: async (port: number): Promise<void> => {
      ports.push(port);
      if (ports.length <= times) throw Object.assign(new Error(code), { code });
    },
  };
}

const bind = (port: number, bindUdp: (port: number) => Promise<void>) =>
  bindPorts({
    network: systemNetwork,
    host: '127.0.0.1',
    port,
    bindUdp,
    onConnection: (socket) => socket.destroy(),
    onAcceptError: () => {},
  });

async function tries(t: Test, code: string): Promise<void> {
  const { ports, bindUdp } = refusing(2, code);
  const { server, port } = await bind(0, bindUdp);
  t.equal(ports.length, 3);
  t.equal(port, ports[2]);
  await closeServer(server);
}

t.test('a number that is taken for UDP is passed over', async (t) => {
  await tries(t, 'EADDRINUSE');
});

t.test('a number that Windows holds back from UDP is passed over', async (t) => {
  await tries(t, 'EACCES');
});

t.test('another reason is told at once, and so is a number that was asked for', async (t) => {
  const gone = refusing(9, 'EADDRNOTAVAIL');
  await t.rejects(bind(0, gone.bindUdp), { code: 'ERR_GATEWAY_LISTEN' });
  t.equal(gone.ports.length, 1);
  const { server, port } = await bind(0, async () => {});
  await closeServer(server);
  const held = refusing(9, 'EACCES');
  await t.rejects(bind(port, held.bindUdp), { code: 'ERR_GATEWAY_LISTEN', message: /EACCES/ });
  t.equal(held.ports.length, 1);
});
