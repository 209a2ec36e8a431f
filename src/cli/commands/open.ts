import { TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';

export default command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'file',
      description: 'A report that tunnelite report wrote',
      required: true,
    },
    port: {
      type: 'string',
      valueHint: 'port',
      description: 'Where it is served on this machine; default: any free port',
    },
    json: { type: 'boolean', description: 'As JSON' },
  },
  async run({ args, io }) {
    const port = args.port === undefined ? 0 : Number(args.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new TunneliteError('ERR_CLI_USAGE', `"--port ${args.port}" is no port.`);
    }
    const { readReport, serveReport } = await import('../../report/index.ts');
    const report = await readReport(args.file);
    const server = await serveReport(report, { port });
    const { version, createdAt } = report.manifest;
    const made = new Date(createdAt).toISOString();
    if (args.json) io.out(`${JSON.stringify({ url: server.url, secret: server.secret, version, createdAt })}\n`);
    else {
      io.out(`A report of version ${version}, made ${made}, with ${report.events.length} events: ${server.url}\n`);
      io.out(`Secret for REST requests: ${server.secret}\nEnd it with Ctrl+C.\n`);
    }
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve).once('SIGTERM', resolve);
    });
    await server.close();
    return EXIT.ok;
  },
});
