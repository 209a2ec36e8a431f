import type { Duplex } from 'node:stream';
import type { TcpConnectRequest, TcpFlow } from '../netstack/index.ts';
import type { PendingStream, StreamRest } from './types.ts';

/** A SYN of the tunnel as a pending stream. */
export function pendingFlow(flow: TcpConnectRequest): PendingStream {
  return {
    owner: flow.owner,
    accept() {
      const accepted = flow.accept({ noDelay: true });
      const stream = accepted.toDuplex();
      return {
        stream,
        rest: restOf(accepted, stream),
        bytes() {
          const { bytesIn, bytesOut } = accepted.stats();
          return { bytesIn, bytesOut };
        },
      };
    },
    refuse({ answer }) {
      if (answer === 'drop') flow.drop();
      else flow.refuse(answer);
    },
  };
}

function restOf(flow: TcpFlow, stream: Duplex): StreamRest {
  const { promise: over, resolve } = Promise.withResolvers<Error | undefined>();
  stream.once('over', resolve);
  return {
    whenOver: (callback) => void over.then(callback),
    reset: () => flow.reset(),
  };
}
