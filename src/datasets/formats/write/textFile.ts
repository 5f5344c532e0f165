import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const FULL = 1 << 20;

/** Text on its way to a file, a megabyte at a time. */
export class TextFile {
  private text = '';

  private constructor(private readonly file: FileHandle) {}

  static async create(path: string): Promise<TextFile> {
    return new TextFile(await open(path, 'wx'));
  }

  async write(text: string): Promise<void> {
    this.text += text;
    if (this.text.length >= FULL) await this.flush();
  }

  async append(path: string): Promise<void> {
    await this.flush();
    for await (const chunk of createReadStream(path, { highWaterMark: FULL })) {
      await this.file.writeFile(chunk as Buffer);
    }
  }

  async end(): Promise<void> {
    await this.flush();
    await this.close();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  async flush(): Promise<void> {
    const { text } = this;
    this.text = '';
    await this.file.writeFile(text);
  }
}

/** A JSON list on its way to a file, one element a line. */
export class JsonLines {
  private empty = true;

  constructor(private readonly file: TextFile) {}

  add(element: unknown): Promise<void> {
    const text = `${this.empty ? '' : ','}\n${JSON.stringify(element)}`;
    this.empty = false;
    return this.file.write(text);
  }
}
