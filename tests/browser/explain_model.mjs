// A language model for the tests: a provider that speaks as OpenAI does, and does as it is told.
import { once } from 'node:events';
import { createServer } from 'node:http';

class Model {
  asked = []; // what it was asked, as it came; each answer has as many x: a number would have to be a fact's
  isDown = false;

  // Resolves with what a system must have in its environment to ask it.
  async start() {
    this.server = createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      this.asked.push(Buffer.concat(parts).toString());
      const { status, body } = this.#answer();
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return { OPENAI_API_KEY: 'key-for-tests', OPENAI_BASE_URL: `http://127.0.0.1:${this.server.address().port}/v1`, LLM_MODEL: 'stub-model', LLM_TIMEOUT_SECONDS: '5' };
  }

  #answer() {
    if (this.isDown) return { status: 500, body: { error: { type: 'server_error', message: 'out of order' } } };
    return { status: 200, body: {
      id: 'one', object: 'chat.completion', model: 'stub-model', usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: `The stub says: answer ${'x'.repeat(this.asked.length)}.` } }] } };
  }

  stop() {
    this.server?.closeAllConnections();
    this.server?.close();
  }
}

export const model = new Model();
