/** A gateway in a process of its own: writes its port, then each event on a line; ends with its standard input. */
import { startTestGateway } from './gateway.ts';

const lab = await startTestGateway({
  emit: (name, fields) => console.log(`${name} ${JSON.stringify(fields)}`),
});
console.log(lab.port);
process.stdin.resume().on('end', () => void lab.gateway.close());
