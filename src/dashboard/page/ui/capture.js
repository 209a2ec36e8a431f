import { useEffect, useState } from 'preact/hooks';
import { json, request } from '../core/api.js';
import { downloadBlob } from './copy.js';
import { Act } from './how.js';
import { html } from './html.js';

/** Captures the packets of one session: starts, and on the second press stops and hands over the file. @param {{ session: string }} props */
export function CaptureButton({ session }) {
  const [running, setRunning] = useState(/** @type {string | undefined} */ (undefined));
  const file = `${session}.pcapng`;
  useEffect(() => {
    let current = true;
    json('/api/capture').then(
      ({ captures }) => {
        const own = captures.find((/** @type {any} */ one) => one.session === session && one.state === 'running');
        if (current && own) setRunning(own.id);
      },
      () => {},
    );
    return () => {
      current = false;
    };
  }, [session]);
  const rest =
    running === undefined
      ? { method: 'POST', path: '/api/capture', body: { session } }
      : { path: `/api/capture/${encodeURIComponent(running)}/download` };
  const run = async () => {
    if (running === undefined) {
      const { id } = await json(rest.path, rest);
      setRunning(id);
      return 'Packets of this session are captured, inside the tunnel and outside. Press again for the file.';
    }
    const path = `/api/capture/${encodeURIComponent(running)}`;
    await json(`${path}/stop`, { method: 'POST', body: {} });
    downloadBlob(file, await (await request(rest.path)).blob());
    setRunning(undefined);
    await json(path, { method: 'DELETE' });
    return `${file} has the packets, and the keys to decrypt them: Wireshark opens it.`;
  };
  const title = running === undefined ? 'Capture the packets of this session' : 'The file of the capture';
  return html`<${Act} how=${{ title, cli: ['capture', file, '--session', session], rest }} run=${run} pressed=${running !== undefined} kind=${running === undefined ? '' : 'on'}>Capture</${Act}>`;
}
