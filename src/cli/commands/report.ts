import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'file',
      description: 'Output file; default: tunnelite-report.tar.gz',
      required: false,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const file = args.file ?? 'tunnelite-report.tar.gz';
    const { CaptureFile } = await import('../../capture/capture-file.ts');
    await sim.report(new CaptureFile(file));
    io.out(
      args.json
        ? `${JSON.stringify({ file })}\n`
        : `Wrote ${file}: journal, configuration and metrics, without secrets. View it with: tunnelite open ${file}\n`,
    );
    return EXIT.ok;
  },
});
