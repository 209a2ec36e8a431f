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
    return `### ${AREAS[area]}\n\n| Cause | What happened | Weight | Told from |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${HEAD}
## All causes

${CAUSE_IDS.length} causes. Ids are stable: branch on \`findings[].cause\`. Each is provoked by a test, most by a client that people use. This part is
generated from \`src/explain/causes\`.

${parts.join('\n')}`;
}

const HEAD = `# Why a client failed

The journal knows what happened to every client, event by event. \`tunnelite explain\` reads it for you: what the client did, what was decided and
why, and what to do next.

\`\`\`sh
npx tunnelite explain                 # who came last
npx tunnelite explain k3xy2z          # a session, by its short id
npx tunnelite explain 192.0.2.10      # everybody from an address, also those who got no session
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
  tried, or is at it),
- who came: the kind of client by its User-Agent (openconnect, Cisco AnyConnect, the Microsoft Tunnel clients, curl, browsers, the bundled
  client), with its version, and the TLS library (OpenSSL, GnuTLS or BoringSSL), which its ClientHello gives away,
- the steps, oldest first; what comes many times, such as look-ups, is told together,
- the findings: each with its cause, what happened, why, what to do next, the pages that say more, how often it was seen, and whether the
  client got over it (\`overcome\`). What matters most comes first.

Where a fault rule brought something about, the finding names the rule: a simulator that is told to fail must not send anybody looking
elsewhere.

Who came last is whoever did more than look whether somebody answers. Tries without a session that came from one address within a minute of
each other are told together. Sign-ins of a user in the quarter of an hour before a session count to it.

## Where two runs part

A test that was green is red, and each run has a journal: \`journal.file\` writes one, and so does \`tunnelite journal --json\`. What is the first
thing that went another way?

\`\`\`sh
npx tunnelite journal diff green.ndjson red.ndjson
\`\`\`

It says in words where they part, with the events around that in both, and then what only one of them has. The exit code is 1 if they part.
Events are the same when their names and fields are, but for what is new in each run: ids, ports, times, durations and amounts. Things that
happen at the same time may come in another order. It reads both files piece by piece: 100,000 lines take seconds, and no more memory than
1,000. A line that is no event is named by its number. [testing.md](../how-to/testing.md#a-good-run-to-compare-with) says how a test runner does it by
itself.

## What it goes by

An explanation goes by what is in the journal: the last 10,000 events (\`journal.capacity\`), from the level \`journal.level\` on. When events
have fallen out, it says so. What came from outside is printed with control characters spelled out, and no secret is in any event.
`;
