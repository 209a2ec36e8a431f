import type { UpstreamInput } from '../../config/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: {
    what: {
      type: 'positional',
      valueHint: 'name[:port]=host[:port]',
      description: 'Requested destination and its target, such as orders.contoso.internal:443=localhost:3000',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const upstream = parseExposed(args.what);
    const { sim } = await connect(args, rawArgs, io);
    const added = await sim.resources.add(upstream);
    if (args.json) {
      io.out(`${JSON.stringify(added)}\n`);
      return EXIT.ok;
    }
    for (const warning of added.warnings) io.err(`Warning: ${warning}\n`);
    const at = added.addresses.length > 0 ? `, in the tunnel at ${added.addresses.join(' and ')}` : '';
    io.out(`Clients reach ${args.what.replace('=', ' at ')}${at} (${added.id}).\n`);
    return EXIT.ok;
  },
});

/**
 * Parses `orders.contoso.internal:443=localhost:3000` into a rule. IPv6 addresses with a port are in brackets.
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function parseExposed(text: string): UpstreamInput {
  const [from, to, ...more] = text.split('=');
  const match = endOf(from ?? '');
  const target = endOf(to ?? '');
  if (match === undefined || target === undefined || more.length > 0) {
    throw new TunneliteError('ERR_CLI_USAGE', `"${text}" is not valid.`, {
      hint: 'Write expose NAME[:PORT]=HOST[:PORT], for example expose orders.contoso.internal:443=localhost:3000.',
    });
  }
  return {
    match: match.host,
    ports: match.port === undefined ? [] : [match.port],
    to: { host: target.host, port: target.port ?? null },
  };
}

/** A host with or without a port; one with several colons, and no brackets, is an IPv6 address. */
function endOf(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)|([0-9a-f:.]+(?:\/\d+)?))(?::(\d{1,5}))?$/i.exec(text);
  if (!found) return undefined;
  return { host: (found[1] ?? found[2] ?? found[3])!, port: found[4] === undefined ? undefined : Number(found[4]) };
}
