// Puts the files of the dashboard, and of reports on load tests, where the built program looks for them: the compiler copies none, and they are not to be compiled.
import { cpSync } from 'node:fs';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..');
for (const page of ['dashboard/page', 'load/page']) {
  cpSync(join(repository, 'src', page), join(repository, 'dist', page), { recursive: true });
}
