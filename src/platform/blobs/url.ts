/** What SHINGO_BLOB_URL says. No message here repeats it: a URL is where credentials end up by mistake. */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShingoError } from '../error.js';

export interface S3Address {
  bucket: string;
  /** Ends with a slash, or is empty. */
  prefix: string;
  endpoint: string | undefined;
  region: string;
  forcePathStyle: boolean;
}

const wrong = (what: string) => new ShingoError('CONFIG_INVALID', what);

const NAMES = new Set(['endpoint', 'region', 'forcePathStyle']);

/** @param text s3://bucket/prefix?endpoint=…&region=…&forcePathStyle=true @throws ShingoError that says what is wrong with it */
export function parseS3Url(text: string): S3Address {
  const url = new URL(text);
  if (url.protocol !== 's3:' || url.hostname === '') throw wrong('must be s3://bucket/prefix');
  // They would stand in every list of processes and every log of a shell.
  if (url.username !== '' || url.password !== '')
    throw wrong('has credentials in it: give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  for (const name of url.searchParams.keys())
    if (!NAMES.has(name)) throw wrong(`has a parameter that is none of ${[...NAMES].join(', ')}`);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:$/.test(new URL(endpoint).protocol))
    throw wrong('endpoint must be http://… or https://…');
  const path = decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, '');
  return {
    bucket: url.hostname,
    prefix: path === '' ? '' : `${path}/`,
    endpoint,
    region: url.searchParams.get('region') ?? process.env.AWS_REGION ?? 'us-east-1',
    forcePathStyle: url.searchParams.get('forcePathStyle') === 'true',
  };
}

/** Absolute. */
export const parseFolderUrl = (text: string): string =>
  text.startsWith('file:') ? fileURLToPath(text) : text;

/** @throws ShingoError that says what is wrong with it */
export function checkBlobUrl(text: string): void {
  if (text.startsWith('s3:')) parseS3Url(text);
  else if (!text.startsWith('file:///') && !isAbsolute(text))
    throw wrong('must be s3://bucket/prefix, or the absolute path of a folder');
  else parseFolderUrl(text);
}
