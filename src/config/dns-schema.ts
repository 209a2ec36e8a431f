import { Type } from '../lib/schema/index.ts';
import { Flag, List, Seconds, Section } from './schema-members.ts';

/** Maximum number of name servers: more would take longer than any client waits. */
const MAX_SERVERS = 8;

/** Name servers for names outside the mock network. */
export const DnsSchema = Section(
  {
    servers: Type.Array(Type.String({ format: 'dns-server', maxLength: 64 }), {
      default: [],
      maxItems: MAX_SERVERS,
      description:
        'Name servers that the tunnel’s resolver asks for names that are none of the mock network, in this order: addresses, with a port if it is not 53. Empty = such names are refused.',
    }),
    domains: List(
      [],
      'Names that they are asked for: these, and all below them, except those of the mock network and of upstreams. Empty = all names outside the mock network.',
      'domain',
    ),
    timeout: Seconds(2, 'How long each of them may take.'),
    local: Flag(
      false,
      'true: what they answer may lead to this machine (loopback) and to link-local addresses. Otherwise such answers are refused.',
    ),
  },
  'Name servers that are asked for other names.',
);
