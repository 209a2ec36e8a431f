import { Type } from '../lib/schema/index.ts';
import { Choice, closed, Flag, List, Nullable, Section } from './schema-members.ts';

/* The part of the schema for the proxies of the mock network, and the PAC file that directs clients to them. */

const UserSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 255, format: 'login-name' }),
    password: Type.String({ minLength: 1, maxLength: 255 }),
  },
  closed,
);

export const ProxySchema = Section(
  {
    mode: Choice(
      ['none', 'allow-list', 'authenticated', 'inspecting'],
      'none',
      'What the service proxy (port 3128) requires of clients: nothing; destinations in services.proxy.allow; a login; or a login and trust in the inspecting CA, with which it decrypts TLS.',
    ),
    allow: List(
      ['contoso.internal', '*.contoso.internal'],
      'Destinations that a proxy with an allow-list permits: host names, *. and a domain for all its subdomains, addresses, ranges.',
      'match',
    ),
    users: Type.Array(UserSchema, {
      default: [{ name: 'alice', password: 'contoso' }],
      maxItems: 1000,
      description: 'Users of a proxy that requires a login (Basic and Digest).',
    }),
  },
  'The HTTP proxies of the mock network.',
);

export const PacSchema = Section(
  {
    proxy: Nullable(
      Type.String({ maxLength: 260 }),
      'proxy.contoso.internal:3128',
      'Host and port of the proxy in the PAC file; null = no proxy.',
    ),
    exclusions: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
      default: [],
      maxItems: 1000,
      description:
        'Destinations that do not use the proxy: host names, *. and a domain for all its subdomains, addresses.',
    }),
    fallback: Flag(false, 'Whether clients connect directly when the proxy does not answer.'),
  },
  'The PAC file of the mock network, http://pac.contoso.internal/proxy.pac.',
);
