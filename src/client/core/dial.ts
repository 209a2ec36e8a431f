import { connect, getDefaultAutoSelectFamilyAttemptTimeout, type Socket, type TcpNetConnectOpts } from 'node:net';
import { LATE_MS } from '../../lib/late-tick.ts';

/**
 * Opens a TCP connection. For a host with several addresses, Node gives each but the last 250 ms. If the process was stopped or busy for
 * that long, Node mistakes its own delay for a silent address. So if that happened, and
 * no other address worked either, all addresses are tried once more.
 *
 * @throws the socket's error, or the reason of `signal`
 */
export async function dial(options: TcpNetConnectOpts, signal: AbortSignal): Promise<Socket> {
  for (let again = false; ; again = true) {
    signal.throwIfAborted();
    const socket = connect(options);
    let begun = 0;
    let misjudged = false;
    socket.on('connectionAttempt', () => {
      begun = performance.now();
    });
    socket.on('connectionAttemptTimeout', () => {
      misjudged ||= performance.now() - begun >= getDefaultAutoSelectFamilyAttemptTimeout() + LATE_MS;
    });
    try {
      await settled(socket, signal, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (again || !misjudged) throw error;
    }
  }
}

/** Waits for one event of a socket; rejects if the socket fails or ends first. */
export function settled(socket: Socket, signal: AbortSignal, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void) => (): void => {
      socket.off('error', onError);
      socket.off('close', onClose);
      socket.off(event, onReady);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onReady = finish(resolve);
    const onError = (error: Error): void => finish(() => reject(error))();
    const onClose = (): void => onError(new Error('the connection was closed'));
    const onAbort = finish(() => reject(signal.reason));
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(event, onReady);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
