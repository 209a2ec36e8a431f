import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { Arena, NOW_AND_THEN } from '../support/hostile/arena.ts';
import { DESCRIPTORS, UPSTREAM } from '../support/hostile/attacks/connections.ts';

/* A gateway that may have 256 file descriptors, and those who would take them all. */

t.setTimeout(300_000);

/** A server that says something and listens on, and one for datagrams. */
const tcp = createServer((socket) => {
  socket.on('error', () => {});
  socket.end('hello');
  socket.resume();
}).listen(0, '127.0.0.1');
await once(tcp, 'listening');
const udp = createSocket('udp4', (message, { address, port }) => udp.send(message, port, address));
udp.bind(0, '127.0.0.1');
await once(udp, 'listening');
t.teardown(() => {
  tcp.close();
  udp.close();
});

const to = (port: number) => ({ host: '127.0.0.1', port });
const arena = await Arena.open(t, {
  descriptors: DESCRIPTORS,
  upstreams: { address: UPSTREAM },
  config: {
    resources: {
      upstreams: [
        { match: UPSTREAM, ports: [80], to: to((tcp.address() as AddressInfo).port) },
        { match: UPSTREAM, ports: [7, 9], to: to(udp.address().port) },
      ],
    },
  },
});

t.test('strangers at the gateway', async (t) => {
  await arena.endure(t, 'gatewayConnections', { held: 8, events: { 'http.rejected pending': NOW_AND_THEN } });
});

t.test('strangers at Entra ID', async (t) => {
  await arena.endure(t, 'identityConnections', { held: 8, events: { 'identity.connections.refused': NOW_AND_THEN } });
});

t.test('strangers at the administration', async (t) => {
  await arena.endure(t, 'adminConnections', { held: 8 });
});

t.test('connections of one session to an upstream', async (t) => {
  const events = { 'resource.limit sockets refused | resource.limit sockets evicted': NOW_AND_THEN };
  await arena.endure(t, 'upstreamConnections', { held: 8, events });
});

t.test('datagrams of one session to an upstream, from many ports', async (t) => {
  const events = { 'resource.limit sockets replaced': NOW_AND_THEN };
  await arena.endure(t, 'upstreamMappings', { held: 8, events });
});

t.test('nothing is left of all that', (t) => arena.calm(t));
