import { once } from 'node:events';
import { connect } from 'node:tls';

/** The status line that a POST with this token gets; empty when the connection is closed without one. */
export async function login(url: string, ca: string, token: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const lines = ['POST / HTTP/1.1', 'Host: localhost', 'X-Transcend-Version: 1', 'User-Agent: AnyConnect-compatible'];
  socket.on('error', () => undefined);
  socket.write(`${[...lines, `Authorization: Bearer ${token}`, 'Content-Length: 0'].join('\r\n')}\r\n\r\n`);
  let text = '';
  const done = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.includes('\r\n')) resolve();
    });
  });
  await done;
  socket.destroy();
  return text.split('\r\n')[0] ?? '';
}
