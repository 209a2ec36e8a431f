import { AADSTS, type AadstsCode, aadstsEntry } from '../../src/entra/errors/aadsts.ts';
import { cell } from './cell.ts';

/** docs/reference/aadsts-codes.md: the codes of the built-in Entra ID, from the table that it answers by. */
export function aadstsPage(): string {
  const rows = (Object.keys(AADSTS).map(Number) as AadstsCode[]).map((code) => {
    const { error, silentError, suberror, status, provoke, message } = aadstsEntry(code);
    const errors = silentError === undefined ? `\`${error}\`` : `\`${error}\` / \`${silentError}\``;
    const sub = suberror === undefined ? '' : `\`${suberror}\``;
    return `| ${code} | ${errors} | ${sub} | ${status ?? 400} | ${cell(message)} | ${cell(provoke)} |`;
  });
  return `# AADSTS codes

The [built-in Entra ID](identity.md) can answer with each of these ${rows.length} codes. The last column has what provokes a code here.

Whatever the state of the directory, a one-shot override makes any of them happen once (or \`times\` times), at the endpoint \`token\`
(the default), \`authorize\` or \`devicecode\`:

\`\`\`ts
import { startSimulator } from 'tunnelite';

await using sim = await startSimulator();
sim.identity.failNext({ user: 'bob@contoso.com', code: 50076 });
\`\`\`

Over REST, that is \`POST /api/failures\` ([REST](rest.md)).

An app should branch on \`error\` (and \`suberror\`), never on the number or the text. Where a row has two errors, v1 endpoints and
\`prompt=none\` return the second. \`{…}\` in a message is filled in for each request. \`AADSTS\` in front of a number, a trace id, a
correlation id and a time stamp complete \`error_description\`.

This page is generated from \`src/entra/errors/aadsts.ts\`.

| Code | Error | Suberror | Status | Message | Provoked by |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
