import { AREAS, type Area, CAUSE_IDS, CAUSES } from '../../src/explain/index.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const WEIGHTS = { fatal: 'no tunnel, or its end', trouble: 'something did not work', note: 'worth knowing' } as const;

/** The page about explanations: how to ask, and every cause. */
export function explainPage(): string {
  const parts = (Object.keys(AREAS) as Area[]).map((area) => {
    const ids = CAUSE_IDS.filter((id) => CAUSES.some((one) => one.id === id && one.area === area));
    const rows = ids.map((id) => {
      const same = CAUSES.filter((one) => one.id === id);
      const { title, weight } = same[0]!;
      const events = [...new Set(same.map(({ on }) => `\`${on}\``))].join(', ');
      return `| \`${id}\` | ${cell(title)} | ${WEIGHTS[weight]} | ${events} |`;
    });
    return `### ${AREAS[area]}\n\n| Cause | What happened | Weight | Events |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${HEAD}
## All causes

${CAUSE_IDS.length} causes. Ids are stable: branch on \`findings[].cause\`. Each is provoked by a test, most by a client that people use. This part is
generated from \`src/explain/causes\`.

${parts.join('\n')}`;
}

const HEAD = `# Explanations

The journal has everything that happened to a client, event by event. \`tunnelite explain\` summarizes it: what the client did, what the gateway decided and
why, and what to do next.

\`\`\`sh
npx tunnelite explain                 # the last client
npx tunnelite explain k3xy2z          # a session, by its short id
npx tunnelite explain 192.0.2.10      # all clients from an address, also those without a session
npx tunnelite explain 192.0.2.10:50123 --json
\`\`\`

The same over REST: \`GET /api/explain\`, with \`?session=\` or \`?address=\` ([rest.md](rest.md)); and in a test:

\`\`\`ts
import { startSimulator } from 'tunnelite';

await using sim = await startSimulator();
// … a client fails …
const { summary, outcome, findings } = sim.explain();
console.log(summary, findings[0]?.cause, findings[0]?.next);
\`\`\`

An explanation has

- a summary, and an outcome: \`connected\`, \`ended\` (there was a tunnel), \`failed\` (there was none) or \`unfinished\` (the client has not
  tried, or is still trying),
- the client: its kind by its User-Agent (openconnect, Cisco AnyConnect, the Microsoft Tunnel clients, curl, browsers, the bundled
  client), with its version, and the TLS library (OpenSSL, GnuTLS or BoringSSL) by its ClientHello,
- the steps, oldest first; frequent steps, such as look-ups, are grouped,
- the findings: each with its cause, what happened, why, what to do next, pages with details, how often it was seen, and whether the
  client recovered (\`overcome\`). The most important one comes first.

If a fault rule caused something, the finding names the rule.

The last client is the last one that did more than a probe. Tries without a session from one address within a minute of
each other are grouped. Sign-ins of a user in the 15 minutes before a session count as part of it.

## Where two runs part

If a test passed before and fails now, compare the journals of both runs to find the first difference. \`journal.file\` writes a journal, and so does \`tunnelite journal --json\`:

\`\`\`sh
npx tunnelite journal diff green.ndjson red.ndjson
\`\`\`

It prints the first difference with the surrounding events of both, and then the events that only one of them has. The exit code is 1 if they differ.
Events are the same if their names and fields are, except for values that are new in each run: ids, ports, times, durations and amounts. Simultaneous
events may be in another order. It reads both files piece by piece: 100,000 lines take seconds, and no more memory than
1,000. A line that is not an event is reported by its number. To do this in a test runner, see [testing.md](../how-to/testing.md#a-good-run-to-compare-with).

## Its source

An explanation uses the journal: the last 10,000 events (\`journal.capacity\`), from the level \`journal.level\` on. It reports when events
are no longer there. Control characters in outside input are escaped, and no event contains a secret.
`;
