import { TunneliteError } from '../../lib/errors.ts';
import { opened } from '../context/browser.ts';
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
      description: 'Port on this machine; default: any free port',
    },
    open: { type: 'boolean', description: 'Also open it in the browser' },
    json: { type: 'boolean', description: 'As JSON' },
  },
  async run({ args, io }) {
    const port = args.port === undefined ? 0 : Number(args.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new TunneliteError('ERR_CLI_USAGE', `"--port ${args.port}" is not a port.`);
    }
    const { readReport, serveReport } = await import('../../report/index.ts');
    const report = await readReport(args.file);
    const server = await serveReport(report, { port });
    const { version, createdAt } = report.manifest;
    const made = new Date(createdAt).toISOString();
    const link = server.dashboardLink();
    // Subscribed before the message about how to end it is printed.
    const ended = new Promise<void>((resolve) => {
      process.once('SIGINT', resolve).once('SIGTERM', resolve);
    });
    if (args.json) io.out(`${JSON.stringify({ link, url: server.url, secret: server.secret, version, createdAt })}\n`);
    else {
      io.out(
        `A report of version ${version}, made ${made}, with ${report.events.length} events. In the browser: ${link}\n`,
      );
      io.out(`The link is valid once, for two minutes; after that, open ${server.url} and paste the secret.\n`);
      io.out(`Secret, for REST requests too: ${server.secret}\nStop with Ctrl+C.\n`);
    }
    if (args.open && !(await opened(link, io))) io.err('No browser could be opened: open the link yourself.\n');
    await ended;
    await server.close();
    return EXIT.ok;
  },
});
