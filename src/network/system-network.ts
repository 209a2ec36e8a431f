import { connect } from 'node:net';
import { openDatagramSocket } from '../udp/index.ts';
import { connectSystemDatagrams } from './system-datagrams.ts';
import type { Network } from './types.ts';

/** The machine's own sockets. */
export const systemNetwork: Network = {
  listener: (server) => server,
  openDatagrams: openDatagramSocket,
  connect: ({ host, port, from }) =>
    connect({
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      autoSelectFamily: false,
      ...(from === undefined ? {} : { localAddress: from }),
    }),
  connectDatagrams: connectSystemDatagrams,
};
