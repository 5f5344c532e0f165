import { Agent, request } from 'node:http';

/** A client with one connection of its own that stays open, as a trainer has. */
export class Poster {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** The answer's JSON. @throws if the status is not 200 */
  post(url: string, body: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sent = request(
        url,
        {
          method: 'POST',
          agent: this.agent,
          headers: { 'content-type': 'application/json', 'content-length': body.length },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => (text += chunk));
          answer.on('end', () => {
            if (answer.statusCode === 200) resolve(JSON.parse(text || 'null'));
            else reject(new Error(`${answer.statusCode}: ${text.slice(0, 500)}`));
          });
          answer.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
