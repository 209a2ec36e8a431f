import { parentPort, workerData } from 'node:worker_threads';
import { addressBytes } from '../../lib/ip-address.ts';
import type { PacAnswer, PacData, PacQuestion } from './pac-messages.ts';

/*
 * Runs a proxy configuration file: QuickJS in WebAssembly, in a separate thread that is terminated when the script takes too long. The script
 * can call only what is defined below: no network, no files, and only the tunnel's resolver for names.
 */

const { address } = workerData as PacData;
const port = parentPort!;
const lookups = new Map<number, (address: string | null) => void>();
let lookupId = 0;
let find: Promise<(url: string, host: string) => Promise<string>> | undefined;

const tell = (answer: PacAnswer): void => port.postMessage(answer);

function resolve(host: unknown): Promise<string | null> {
  const name = String(host ?? '');
  if (addressBytes(name)) return Promise.resolve(name);
  return new Promise((settle) => {
    lookups.set(++lookupId, settle);
    tell({ kind: 'lookup', id: lookupId, name: name.slice(0, 256) });
  });
}

/** Whether `host`, a name or an address, is in a network: IPv4 only, as in the file format of 1996. */
async function isInNet(host: unknown, pattern: unknown, mask: unknown): Promise<boolean> {
  const found = await resolve(host);
  const [bytes, network, bits] = [found ?? '', String(pattern), String(mask)].map(addressBytes);
  if (bytes?.length !== 4 || network?.length !== 4 || bits?.length !== 4) return false;
  return bytes.every((byte, i) => (byte & bits[i]!) === (network[i]! & bits[i]!));
}

async function prepare(): Promise<(url: string, host: string) => Promise<string>> {
  const { script, memory } = workerData as PacData;
  const [{ QuickJS }, { createPacResolver }] = await Promise.all([import('quickjs-wasi'), import('pac-resolver')]);
  const vm = await QuickJS.create({ memoryLimit: memory });
  return createPacResolver(vm, script, {
    sandbox: {
      alert: () => {},
      dnsResolve: async (host: unknown) => resolve(host),
      isResolvable: async (host: unknown) => (await resolve(host)) !== null,
      isInNet,
      myIpAddress: async () => address,
    },
  } as never);
}

port.on('message', async (question: PacQuestion) => {
  if (question.kind === 'address') {
    lookups.get(question.id)?.(question.address);
    lookups.delete(question.id);
    return;
  }
  const { id, url, host } = question;
  try {
    find ??= prepare();
    const text: unknown = await (await find)(url, host);
    // A script may return anything; null and undefined mean DIRECT.
    tell({ kind: 'found', id, text: typeof text === 'string' ? text : '' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    tell({
      kind: 'failed',
      id,
      missing: code === 'ERR_MODULE_NOT_FOUND',
      message: String(message ?? error).slice(0, 500),
    });
  }
});
