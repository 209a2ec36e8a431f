import type { TunnelClient } from '../../client/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import type { Simulator } from '../../simulator/index.ts';
import { Download } from './download.ts';
import { type Narrator, took } from './narrator.ts';

/** Bytes to wait for between the steps of the story, to verify that each of them works. */
const A_WHILE = 1_000_000;
/** Time limit for a change of channel, in milliseconds. */
const SWITCH_PATIENCE = 30_000;

/** Blocks UDP during a download, and restores it. */
export async function loseUdp(sim: Simulator, client: TunnelClient, story: Narrator): Promise<void> {
  const download = new Download(client);
  try {
    story.turn('A download begins, and then a firewall blocks UDP');
    await download.begin();
    await download.more(A_WHILE);
    await blocked(sim, client, story, download);
    await restored(sim, story, download);
  } finally {
    download.end();
  }
}

async function blocked(sim: Simulator, client: TunnelClient, story: Narrator, download: Download): Promise<void> {
  const megabytes = (): string => `${(download.progress.bytes / 1e6).toFixed(1)} MB`;
  story.detail(`${megabytes()} received over ${client.channel.toUpperCase()}. Now UDP is blocked`);
  const begin = story.elapsed;
  const mark = sim.journal.mark();
  download.forgetPauses();
  const rule = sim.faults.add({ name: 'demo-firewall', on: { seam: 'udp' }, then: { do: 'drop' } });
  try {
    const { fields } = await sim.journal.waitFor(
      { name: 'channel.switch', since: mark, fields: { to: 'cstp' } },
      { timeout: SWITCH_PATIENCE },
    );
    const switched = story.elapsed - begin;
    await download.more(A_WHILE);
    const { longestPause } = download.progress;
    assertWhole(download);
    story.detail(`${rule.hits()} datagrams were lost. After ${took(switched)} data goes over TLS (${fields.reason})`);
    story.detail(
      `The same download goes on: ${megabytes()}. It paused for ${took(longestPause)}, and was not interrupted`,
    );
    story.done('', 'UDP is blocked', `TLS takes over; the download paused for ${took(longestPause)}`, begin);
  } finally {
    rule.remove();
  }
}

async function restored(sim: Simulator, story: Narrator, download: Download): Promise<void> {
  story.turn('The firewall allows UDP again');
  const begin = story.elapsed;
  const mark = sim.journal.mark();
  download.forgetPauses();
  await sim.journal.waitFor(
    { name: 'channel.switch', since: mark, fields: { to: 'dtls' } },
    { timeout: SWITCH_PATIENCE },
  );
  story.detail(`A new DTLS handshake is complete after ${took(story.elapsed - begin)}: UDP carries the packets again`);
  await download.more(A_WHILE);
  assertWhole(download);
  const { bytes, longestPause } = download.progress;
  story.detail(`${(bytes / 1e6).toFixed(1)} MB received in one connection, every byte correct. The download ends`);
  story.done('', 'UDP is back', `DTLS again; longest pause ${took(longestPause)}, no byte lost`, begin);
}

/** @throws TunneliteError `ERR_INTERNAL` if a byte is not the one that was sent */
function assertWhole(download: Download): void {
  const { wrongAt } = download.progress;
  if (wrongAt !== undefined) throw new TunneliteError('ERR_INTERNAL', `Byte ${wrongAt} of the download is wrong.`);
}
