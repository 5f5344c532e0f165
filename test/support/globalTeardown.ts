import { rm } from 'node:fs/promises';

export default async function globalTeardown(): Promise<void> {
  const { server, folder } = (
    globalThis as never as { shingoTest: { server: { stop(): Promise<void> }; folder: string } }
  ).shingoTest;
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
