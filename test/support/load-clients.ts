/** How many clients a load test beside real peers has: few, so that it is short; TUNNELITE_LOAD_CLIENTS asks for more. */
export function loadClients(few: number): number {
  const asked = process.env['TUNNELITE_LOAD_CLIENTS'];
  if (asked === undefined || asked === '') return few;
  const clients = Number(asked);
  if (!Number.isInteger(clients) || clients < 10 || clients > 1000) {
    throw new Error(`TUNNELITE_LOAD_CLIENTS is ${JSON.stringify(asked)}: give a whole number from 10 to 1000`);
  }
  return clients;
}
