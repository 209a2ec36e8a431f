import type { Writable } from 'node:stream';
import { parseByteSize } from '../../lib/byte-size.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'file',
      description: 'Output file (pcapng), readable only by you because it contains keys; - for standard output',
      required: true,
    },
    ...remoteOptions,
    session: { type: 'string', valueHint: 'id', description: 'Only this session' },
    inner: { type: 'boolean', description: 'Only IP packets in tunnels' },
    outer: { type: 'boolean', description: 'Only packets on the network, with the keys to decrypt them' },
    duration: { type: 'string', valueHint: 'time', description: 'Stop after this time, such as 30s' },
    size: { type: 'string', valueHint: 'bytes', description: 'Stop after this many bytes, such as 100MB' },
    files: {
      type: 'string',
      valueHint: 'count',
      description: 'With --size: continue in new files, and keep this many',
    },
    ring: {
      type: 'string',
      valueHint: 'bytes',
      description: 'Keep the newest part in memory, such as 16MB, and write it at the end',
    },
  },
  async run({ args, rawArgs, io }) {
    if (args.inner && args.outer) throw new TunneliteError('ERR_CLI_USAGE', '--inner and --outer exclude each other.');
    const [size, ring] = [bytesOf('size', args.size), bytesOf('ring', args.ring)];
    const files = args.files === undefined ? undefined : countOf(args.files);
    if (files !== undefined && (size === undefined || ring !== undefined || args.file === '-')) {
      throw new TunneliteError('ERR_CLI_USAGE', '--files needs --size and a file, and no --ring.');
    }
    const layers = args.inner ? 'inner' : args.outer ? 'outer' : 'both';
    const options = {
      layers,
      ...(args.session === undefined ? {} : { session: args.session }),
      ...(args.duration === undefined ? {} : { duration: args.duration }),
      ...(size === undefined || files !== undefined ? {} : { size }),
    } as const;
    const { sim } = await connect(args, rawArgs, io);
    const target = await openTarget(args.file, files === undefined ? {} : { size, files });
    const stop = new AbortController();
    const interrupt = (): void => stop.abort();
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    try {
      if (ring === undefined) {
        io.err(`Capturing to ${args.file}; stop with Ctrl+C.\n`);
        await sim.captures.stream(options, target, stop.signal);
        if (!args.json) io.err(`Wrote ${args.file}.\n`);
        return EXIT.ok;
      }
      const { id } = await sim.captures.start({ ...options, ring });
      io.err(`Capturing in memory; Ctrl+C writes the newest part to ${args.file}.\n`);
      await untilStopped(() => sim.captures.get(id), stop.signal);
      const status = await sim.captures.stop(id);
      await sim.captures.download(id, target);
      await sim.captures.remove(id);
      const kept = status.packets - status.overwritten;
      if (args.json) io.err(`${JSON.stringify({ ...status, file: args.file })}\n`);
      else io.err(`Wrote the newest ${kept} of ${status.packets} packets to ${args.file}.\n`);
      return EXIT.ok;
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    }
  },
});

/** Interval for checking whether a capture in memory has ended by itself, in milliseconds. */
const LOOK_MS = 500;

async function untilStopped(look: () => Promise<{ readonly state: string }>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await look()).state === 'running') {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, LOOK_MS);
      signal.addEventListener('abort', done);
    });
  }
}

async function openTarget(
  file: string,
  rotation: { readonly size?: number | undefined; readonly files?: number },
): Promise<Writable> {
  if (file === '-') return process.stdout;
  const { CaptureFile } = await import('../../capture/capture-file.ts');
  return new CaptureFile(file, rotation);
}

function bytesOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseByteSize(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new TunneliteError('ERR_CLI_USAGE', `"--${name} ${text}" is not a number of bytes.`, {
    hint: 'Write it as 16MB, 1.5GiB or 4096.',
  });
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--files ${text}" is not a number of files from 1 to 999.`);
}
