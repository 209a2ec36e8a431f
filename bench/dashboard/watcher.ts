// Requests from an instance what the dashboard's first view requests, as often, and draws nothing: `node watcher.ts <admin> <secret>`. It prints a line of JSON
// when the stream of events has begun, and ends with its process.
const [admin, secret] = process.argv.slice(2);
const headers = { authorization: `Bearer ${secret}` };

/** What the page polls, and how often in milliseconds; see src/dashboard/page/core/model.js and app.js. */
const POLLED = [
  ['/api/sessions', 2_000],
  ['/api/gateway', 10_000],
  ['/api/faults', 10_000],
  ['/api/profiles', 10_000],
  ['/api/clock', 15_000],
] as const;

async function get(path: string): Promise<Response> {
  const answer = await fetch(`${admin}${path}`, { headers });
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status}.`);
  return answer;
}

for (const [path, interval] of POLLED) {
  await (await get(path)).json();
  setInterval(async () => void (await (await get(path)).json()), interval);
}
const stream = await get('/api/journal/stream?pace=1');
console.log(JSON.stringify({ watching: true }));
for await (const _ of stream.body!);
