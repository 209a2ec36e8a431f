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
        'Name servers for names outside the mock network, in the order in which the tunnel’s resolver asks them: addresses, with a port if it is not 53. Empty = such names are refused.',
    }),
    domains: List(
      [],
      'Names to ask them for: these and their subdomains, except those of the mock network and of upstreams. Empty = all names outside the mock network.',
      'domain',
    ),
    timeout: Seconds(2, 'Timeout for each of them.'),
    local: Flag(
      false,
      'true: their answers may contain loopback and link-local addresses. Otherwise such answers are refused.',
    ),
  },
  'Name servers for other names.',
);
