/** The way to PostgreSQL, which a test can cut: a TCP proxy that sees what is said. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Wire {
  /** Of the database, by way of the wire. */
  url: string;
  /** Answers to COMMIT that nobody has heard. */
  readonly lost: number;
  /** All connections that there are; new ones may be made. */
  cut(): void;
  /**
   * Half-open: what is sent is accepted and goes nowhere, and neither end hears of the other's end. New connections are
   * accepted, and as silent, unless `onlyThese`.
   */
  freeze(onlyThese?: boolean): void;
  /** What was sent in the meantime arrives now. */
  thaw(): void;
  stop(): Promise<void>;
}

/** The longest of our transactions says less. */
const MOST_SAID = 1 << 20;

/**
 * @param sees what a client says, before it is passed on
 * @param loses whether the answer to the COMMIT of a transaction that said this is lost, and the connection with it: the
 *   server has committed, and its client cannot know
 */
export async function startWire(
  databaseUrl: string,
  loses: (said: string) => boolean = () => false,
  sees: (text: string) => void = () => undefined,
): Promise<Wire> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let lost = 0;
  let frozen = false;
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    const both = [client, upstream];
    for (const socket of both) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        for (const one of both) one.destroy();
      });
    }
    if (frozen) for (const socket of both) socket.pause();
    let said = '';
    let losing = false;
    client.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      sees(text);
      if (text.includes('START TRANSACTION')) said = '';
      said = (said + text).slice(-MOST_SAID);
      losing = text.includes('COMMIT\0') && loses(said);
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!losing) return client.write(chunk);
      lost += 1;
      return client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    get lost() {
      return lost;
    },
    cut,
    freeze: (onlyThese = false) => {
      frozen = !onlyThese;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
