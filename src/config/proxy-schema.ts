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
      'What the service proxy (port 3128) asks of clients: nothing; to go to services.proxy.allow only; to say who they are; that, and to trust the inspecting CA, so that it reads what is encrypted.',
    ),
    allow: List(
      ['contoso.internal', '*.contoso.internal'],
      'Where clients may go by a proxy with an allow-list: host names, *. and a domain for all below it, addresses, ranges.',
      'match',
    ),
    users: Type.Array(UserSchema, {
      default: [{ name: 'alice', password: 'contoso' }],
      maxItems: 1000,
      description: 'Who may use a proxy that asks (Basic and Digest).',
    }),
  },
  'The HTTP proxies of the mock network.',
);

export const PacSchema = Section(
  {
    proxy: Nullable(
      Type.String({ maxLength: 260 }),
      'proxy.contoso.internal:3128',
      'Host and port that the PAC file sends clients to; null = nothing uses a proxy.',
    ),
    exclusions: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
      default: [],
      maxItems: 1000,
      description: 'What does not go by the proxy: host names, *. and a domain for all below it, addresses.',
    }),
    fallback: Flag(false, 'Whether clients go without the proxy when it does not answer.'),
  },
  'The PAC file of the mock network, http://pac.contoso.internal/proxy.pac.',
);
