import t from 'tap';
import { shellWord } from '../../src/lib/shell-word.ts';

t.test('words are quoted as a POSIX shell needs it', async (t) => {
  t.equal(shellWord('/a/b-c.d', 'linux'), '/a/b-c.d');
  t.equal(shellWord('a b', 'darwin'), "'a b'");
  t.equal(shellWord("it's $HOME", 'linux'), "'it'\\''s $HOME'");
  t.equal(shellWord('C:\\a', 'linux'), "'C:\\a'");
});

t.test('words are quoted as the shells of Windows need it', async (t) => {
  t.equal(shellWord('C:\\Users\\me\\ca.pem', 'win32'), 'C:\\Users\\me\\ca.pem');
  t.equal(shellWord('C:\\Users\\me too', 'win32'), '"C:\\Users\\me too"');
  t.equal(shellWord('%PATH% & calc', 'win32'), '"%PATH% & calc"');
});
