// Tunemill with the Node.js clients of tests/clients: one job a call, or 128 calls at once; each is durable
// when its promise is kept. The broker and its PostgreSQL (fsync on) are started by `tunemill up`.
import { Producer } from '../clients/producer.mjs';
import { Worker } from '../clients/worker.mjs';
import { sleep } from '../lib.mjs';

const brokers = () => [process.env.TUNEMILL_BROKER];

async function until(condition) { // before the clock starts
  while (!condition()) await sleep(1);
}

export default {
  configs: {
    single: { n: 40000 },
    batch: { n: 40000, batch: 128 },
  },
  async reset() {}, // each configuration has a new server
  async producer() {
    const p = new Producer(brokers());
    await until(() => p.links[0].alive);
    const one = (job) => p.submit({ queue: 'noop', body: JSON.stringify(job) });
    return { submit: (jobs) => (jobs.length === 1 ? one(jobs[0]) : Promise.all(jobs.map(one))), close: () => p.close() };
  },
  async worker(cfg, hit) {
    const w = new Worker(brokers(), {
      actor: 'noop', queues: ['noop'], credit: 256,
      onJob: (job) => job.done().then(() => hit(JSON.parse(job.body).seq)), // kept when it is durable
    });
    await until(() => w.links[0].isWelcome);
    return { close: () => w.close() };
  },
};
