import type { TcpConnectRequest } from '../netstack/index.ts';
import type { PendingStream } from './types.ts';

/** A SYN of the tunnel as a stream that waits for its answer. */
export function pendingFlow(flow: TcpConnectRequest): PendingStream {
  return {
    owner: flow.owner,
    accept() {
      const accepted = flow.accept({ noDelay: true });
      return {
        stream: accepted.toDuplex(),
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
