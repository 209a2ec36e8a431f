import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';

const run = promisify(execFile);

t.test('the examples of docs/reference/dtls.md run and do what they say', async (t) => {
  const text = await readFile('docs/reference/dtls.md', 'utf8');
  const [server, client, engines] = [...text.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);
  // In a folder without a package.json of its own, next to the sources that it imports by path.
  const folder = await mkdtemp(resolve('.tap', 'dtls-docs-')).catch(() =>
    mkdtemp(resolve('node_modules', '.dtls-docs-')),
  );
  t.teardown(() => rm(folder, { recursive: true }));
  const program = async (name: string, code: string): Promise<string> => {
    const file = join(folder, `${name}.ts`);
    await writeFile(file, code.replaceAll("'tunnelite/dtls'", JSON.stringify(resolve('src/dtls/index.ts'))));
    return (await run(process.execPath, [file])).stdout;
  };
  t.equal(await program('engines', engines!), 'hello\n');

  const together = [
    'const answered = Promise.withResolvers<void>();',
    server!.replace('port: 4433', 'port: 0'),
    client!
      .replace('port: 4433', 'port: server.address.port')
      .replace('console.log(message.toString())', '(console.log(message.toString()), answered.resolve())'),
    'await answered.promise;',
  ];
  t.equal(await program('sockets', together.join('\n')), '127.0.0.1 uses TLS_PSK_WITH_AES_256_GCM_SHA384\nhello\n');
});
