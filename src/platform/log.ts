import { pino, type DestinationStream, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';

export type Log = Logger;

/** Structured JSON lines on stderr; readable lines when a person is looking. Secrets never reach it. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const stream = destination ?? (process.stderr.isTTY ? readable() : process.stderr);
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          'req.headers.authorization',
          'apiKey',
          'apiKeys',
          'databaseUrl',
          '*.password',
        ],
        censor: '[secret]',
      },
    },
    stream,
  );
}

function readable() {
  return PinoPretty({
    colorize: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
    destination: 2,
    sync: true,
  });
}
