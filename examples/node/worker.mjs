// A Fairlane worker in Node, written from docs/protocol.md. Put a model of your own into `run`.
//
// NATS_URL=nats://127.0.0.1:4222 node worker.mjs --slots 2 echo

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { decode } from "@msgpack/msgpack";
import { connect, createInbox, headers as newHeaders } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

const COMPLETE = ["Fl-Version", "Fl-Task-Id", "Fl-Model", "Fl-Tenant"];
const INTEGERS = ["Attempt", "Hop", "Enqueued-At", "Fence", "Deadline", "Priority", "Max-Attempts", "Timeout-Ms", "Policy"];
const TERMINAL = ["completed", "dead", "cancelled", "expired"];
// How long a pull waits for a task of its consumer, and how long a consumer that had none is left alone. When all
// have none, a pull waits longer.
const [ASK_MS, QUIET_MS, WAIT_MS] = [20, 250, 500];

class Failed extends Error {
  constructor(kind, message, retryAfterMs) {
    super(message);
    Object.assign(this, { kind, retryAfterMs });
  }
}

// The model. This one waits, hangs or fails as its input says, as `simulate` does.
async function run(input, attempt, signal) {
  const script = input && typeof input === "object" && !Array.isArray(input) ? input : {};
  await sleep(script.hang_rate ? 2 ** 31 - 1 : (script.service_ms ?? 0), undefined, { signal });
  if (attempt < (script.fail_attempts ?? 0)) {
    throw new Failed(script.fail_kind ?? "retryable", "failed because the task says so", script.retry_after_ms);
  }
  return { output: input, usage: { service_ms: script.service_ms ?? 0 } };
}

function token(model) {
  const plain = Buffer.from(model).toString("latin1").replace(/[^A-Za-z0-9_-]/g, "_");
  return plain === model ? plain : `${plain}-${createHash("sha256").update(model).digest("hex").slice(0, 8)}`;
}

const legal = (name) => typeof name === "string" && /^[A-Za-z0-9_-]{1,128}$/.test(name);

// A delivered message: first what every one has, then what `read` finds in it.
class Task {
  hop = 0;
  fence = 0;

  constructor(msg) {
    [this.lane, this.class, this.token, this.shard] = msg.subject.split(".").slice(2);
    this.headers = Object.fromEntries(msg.headers ? [...msg.headers].map(([name, values]) => [name, values[0]]) : []);
    Object.assign(this, { body: msg.data, reply: msg.reply, startedMs: Date.now() });
    // $JS.ACK.<stream>.<consumer>.<…>, or with domain and account in front of the stream.
    const tokens = msg.reply.split(".");
    const [deliveries, sequence, , storedNs] = tokens.slice(tokens.length === 9 ? 4 : 6);
    this.deliveries = Number(deliveries);
    this.storedMs = Number(BigInt(storedNs) / 1_000_000n);
    this.id = `${this.lane}-${sequence}`;
  }

  // The input; throws when this is no task.
  read(timeoutMs) {
    const named = this.headers["Fl-Task-Id"];
    if (legal(named)) this.id = named;
    const kind = this.headers["Content-Type"] ?? "";
    const packed = kind.endsWith("msgpack") || (kind !== "application/json" && this.body[0] !== 0x7b);
    const body = packed ? decode(this.body) : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(this.body));
    if (!body || typeof body !== "object" || Array.isArray(body)) throw new Error("the body is no map");
    this.id = [named, body.task_id].find(legal) ?? this.id;
    for (const name of INTEGERS) {
      if (!/^[0-9]+$/.test(this.headers[`Fl-${name}`] ?? "0")) throw new Error(`Fl-${name}: not a number`);
    }
    const complete = COMPLETE.every((name) => name in this.headers);
    const fact = (header, field) => this.headers[header] ?? (complete ? undefined : (body[field] ?? undefined));
    this.hop = Number(this.headers["Fl-Hop"] ?? 0);
    this.attempt = Number(this.headers["Fl-Attempt"] ?? 0);
    this.fence = Number(this.headers["Fl-Fence"] ?? 0);
    this.enqueuedMs = Number(this.headers["Fl-Enqueued-At"] ?? this.storedMs);
    this.tenant = fact("Fl-Tenant", "tenant") ?? "default";
    this.callback = fact("Fl-Callback", "callback_url");
    this.timeoutMs = Number(fact("Fl-Timeout-Ms", "timeout_ms") ?? timeoutMs);
    if (typeof body.model !== "string" || !("input" in body)) throw new Error("model and input are required");
    const model = "Fl-Model" in this.headers ? decodeURIComponent(this.headers["Fl-Model"]) : body.model;
    if (token(model) !== this.token) throw new Error("the model is not that of the subject");
    if (!legal(named ?? body.task_id ?? this.id)) throw new Error("not a legal task_id");
    return body.input;
  }
}

// Which consumer is asked next: of those not known to be empty, one of the class that had least for its share.
class Turns {
  had = {};
  now = 0;
  quiet = new Map();
  asked = new Map();

  constructor(shares) {
    this.shares = shares;
  }

  next(consumers) {
    const now = Date.now();
    const awake = consumers.filter((c) => (this.quiet.get(key(c)) ?? 0) <= now);
    const had = (c) => (awake.length ? (this.had[klass(c)] ?? 0) : 0);
    const last = (c) => this.asked.get(key(c)) ?? 0;
    const least = (a, b) => (had(a) - had(b) || last(a) - last(b)) <= 0 ? a : b;
    const chosen = (awake.length ? awake : consumers).reduce(least);
    this.asked.set(key(chosen), performance.now());
    if (awake.length) this.now = Math.max(this.now, had(chosen));
    this.charge(chosen, 1);
    return [chosen, awake.length ? ASK_MS : WAIT_MS];
  }

  came(consumer, task) {
    const name = klass(consumer);
    if (!task) {
      this.charge(consumer, -1);
      this.quiet.set(key(consumer), Date.now() + QUIET_MS);
    } else if (this.quiet.delete(key(consumer))) {
      this.had[name] = Math.max(this.had[name], this.now); // Nobody saves up while there is nothing to do.
    }
  }

  charge(consumer, tasks) {
    const name = klass(consumer);
    this.had[name] = (this.had[name] ?? this.now) + tasks / (this.shares[name] ?? 1);
  }
}

const key = ({ stream, name }) => `${stream} ${name}`;
const klass = ({ name }) => name.split("=")[0];

class Worker {
  consumers = [];
  running = new Map();
  stop = new AbortController(); // No new tasks.
  late = new AbortController(); // The grace time is over.

  constructor(nc, js, jsm, options) {
    Object.assign(this, { nc, js, jsm, options, turns: new Turns(options.shares) });
  }

  // Keeps the list of the consumers of our models; the coordinator makes them.
  async discover() {
    const tokens = this.options.models.map(token);
    while (!this.stop.signal.aborted) {
      const found = [];
      for (const stream of ["FL_CORE", "FL_NORMAL"]) {
        const infos = await patient(async () => {
          const all = [];
          for await (const info of this.jsm.consumers.list(stream)) all.push(info);
          return all;
        });
        for (const { name, config } of infos) {
          if (tokens.includes(name.split("=")[1])) found.push({ stream, name, ackWaitMs: config.ack_wait / 1e6 });
        }
      }
      this.consumers = found;
      await sleep(found.length ? 5000 : 250, undefined, { signal: this.stop.signal }).catch(() => {});
    }
  }

  // One place to execute: one consumer, one pull, one task at a time.
  async slot() {
    const inbox = createInbox();
    let waiting = null; // Takes the answer to the pull; null while nobody waits for one.
    const answers = this.nc.subscribe(inbox, {
      callback: (_, msg) => {
        if (waiting) waiting(msg.reply ? msg : null); // A status has no reply: nothing came.
        else if (msg.reply) this.nc.publish(msg.reply, "-NAK"); // An answer to an old pull: nobody is free for it.
      },
    });
    while (!this.stop.signal.aborted) {
      if (!this.consumers.length) {
        await sleep(50);
        continue;
      }
      const [chosen, expiresMs] = this.turns.next(this.consumers);
      const { stream, name, ackWaitMs } = chosen;
      const msg = await new Promise((resolve) => {
        const ended = setTimeout(() => waiting?.(null), expiresMs + 1000);
        const stopped = () => waiting?.(null);
        this.stop.signal.addEventListener("abort", stopped);
        waiting = (answer) => {
          waiting = null;
          clearTimeout(ended);
          this.stop.signal.removeEventListener("abort", stopped);
          resolve(answer);
        };
        const pull = JSON.stringify({ batch: 1, expires: expiresMs * 1e6 });
        this.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, pull, { reply: inbox });
      });
      this.turns.came(chosen, msg);
      if (msg) await this.serve(new Task(msg), ackWaitMs);
    }
    await answers.drain(); // Drops an open pull; what was on its way is handed back above.
  }

  async serve(task, ackWaitMs) {
    const alive = setInterval(() => this.nc.publish(task.reply, "+WPI"), ackWaitMs / 3);
    const late = new Promise((resolve) => this.late.signal.addEventListener("abort", () => resolve("-NAK")));
    // The ack only after everything in `decide` has its PubAck.
    const answer = await Promise.race([this.decide(task).then(() => "+ACK"), late]);
    clearInterval(alive);
    this.nc.publish(task.reply, answer);
  }

  // Everything between delivery and ack.
  async decide(task) {
    let input;
    try {
      input = task.read(this.options.timeoutMs);
    } catch (error) {
      return this.report(task, new Failed("malformed", error.message));
    }
    if (task.deliveries > 1 || task.hop > 0) {
      const record = await this.record(task);
      if (record) return this.callBack(task, record.get("Fl-Hop"));
    }
    if (task.deliveries > this.options.crashLimit) {
      return this.report(task, new Failed("suspected_poison", `delivered ${task.deliveries} times`));
    }
    const execution = new AbortController();
    this.running.set(task, execution);
    const timer = setTimeout(() => execution.abort(), task.timeoutMs);
    try {
      const { output, usage } = await run(input, task.attempt, execution.signal);
      clearTimeout(timer);
      return await this.complete(task, output, usage);
    } catch (error) {
      if (task.stopped) return await this.callBack(task, task.stopped.get("Fl-Hop"));
      if (execution.signal.aborted) error = new Failed("timeout", `no output within ${task.timeoutMs} ms`);
      return await this.report(task, error instanceof Failed ? error : new Failed("retryable", String(error)));
    } finally {
      clearTimeout(timer);
      this.running.delete(task);
    }
  }

  async complete(task, output, usage) {
    const [execMs, queuedMs] = [Date.now() - task.startedMs, Math.max(0, task.startedMs - task.enqueuedMs)];
    const worker = this.options.workerId;
    const data = JSON.stringify({
      task_id: task.id, state: "completed", output, usage, error: null,
      worker, attempt: task.attempt, queued_ms: queuedMs, exec_ms: execMs,
    });
    const headers = {
      "Fl-Version": 1, "Fl-State": "completed", "Fl-Hop": task.hop, "Fl-Attempt": task.attempt,
      "Fl-Class": task.class, "Fl-Tenant": task.tenant, "Fl-Worker": encodeURIComponent(worker),
      "Fl-Queued-Ms": queuedMs, "Fl-Exec-Ms": execMs, "Content-Type": "application/json",
    };
    const bytes = Buffer.byteLength(data);
    if (bytes > this.nc.info.max_payload - 65536) {
      throw new Failed("result_too_large", `the result has ${bytes} bytes`);
    }
    for (let fence = task.fence; ; fence = 0) {
      headers["Nats-Expected-Last-Subject-Sequence"] = fence;
      if (await this.publish(`fl.result.${task.id}`, data, headers)) return this.callBack(task, task.hop);
      const record = await this.last(task); // Refused: ours from an earlier try, or somebody else's.
      if (record) return this.callBack(task, record.get("Fl-Hop"));
      // The record that Fl-Fence names has aged out: nothing stands any more.
    }
  }

  async report(task, failed) {
    const headers = Object.fromEntries(Object.entries(task.headers).filter(([name]) => !/^nats-/i.test(name)));
    headers["Fl-Enqueued-At"] ??= task.storedMs;
    // The id below must not make incomplete headers look complete.
    if (!COMPLETE.every((name) => name in headers)) delete headers["Fl-Version"];
    Object.assign(headers, {
      "Fl-Task-Id": task.id, "Fl-Shard": task.shard, "Fl-Error-Kind": failed.kind,
      "Fl-Error": encodeURIComponent(new TextDecoder().decode(Buffer.from(failed.message).subarray(0, 512), { stream: true })),
      "Fl-Delivered": task.deliveries, "Fl-Worker": encodeURIComponent(this.options.workerId),
      "Fl-Exec-Ms": Date.now() - task.startedMs, "Nats-Msg-Id": `report:${task.id}:${task.hop}`,
    });
    if (failed.retryAfterMs !== undefined) headers["Fl-Retry-After"] = failed.retryAfterMs;
    await this.publish(`fl.retry.report.${task.lane}.${task.class}.${task.token}`, task.body, headers);
  }

  async callBack(task, hop) {
    if (!task.callback) return;
    const headers = {
      "Fl-Version": 1, "Fl-Task-Id": task.id, "Fl-Callback": task.callback, "Fl-Hop": hop,
      "Nats-Msg-Id": `callback:${task.id}:${hop}`,
    };
    await this.publish(`fl.callback.due.${task.id}`, "", headers);
  }

  // Until the PubAck comes; false when the fence refuses.
  async publish(subject, data, fields) {
    const headers = newHeaders();
    for (const [name, value] of Object.entries(fields)) headers.set(name, String(value));
    return patient(() => this.js.publish(subject, data, { headers }).catch((error) => {
      if (error.code === 10071) return false;
      throw error;
    }));
  }

  // The headers of the last record of a task, with Nats-Sequence.
  async last(task) {
    const query = { last_by_subj: `fl.result.${task.id}` };
    return (await patient(() => this.jsm.direct.getMessage("FL_RESULTS", query)))?.header;
  }

  // The same of the record that decides it.
  async record(task) {
    const found = await this.last(task);
    return found && Number(found.get("Nats-Sequence")) > task.fence && TERMINAL.includes(found.get("Fl-State")) ? found : null;
  }

  async cancelled(subject) {
    for (const [task, execution] of this.running) {
      if (subject !== `fl.ctl.cancel.${task.id}`) continue;
      task.stopped = await this.record(task);
      if (task.stopped) execution.abort(); // Otherwise nothing stands behind the notice, and an ack would lose the task.
    }
  }
}

// Asks until the server answers.
async function patient(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      console.error(`${error}; trying again`);
      await sleep(1000);
    }
  }
}

const { values, positionals: models } = parseArgs({
  allowPositionals: true,
  options: {
    "slots": { type: "string", default: "1" },
    "share": { type: "string", multiple: true, default: [] }, // CLASS=N; 1 unless given.
    "worker-id": { type: "string", default: `node-${process.pid}-${Date.now().toString(16)}` },
    "timeout-ms": { type: "string", default: "10000" }, // For tasks without one of their own.
    "crash-limit": { type: "string", default: "5" },
    "drain-ms": { type: "string", default: "30000" },
  },
});
const options = {
  shares: Object.fromEntries(values.share.map((text) => text.split("=")).map(([name, share]) => [name, Number(share)])),
  models, workerId: values["worker-id"], timeoutMs: Number(values["timeout-ms"]), crashLimit: Number(values["crash-limit"]),
};
const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222", maxReconnectAttempts: -1 });
const worker = new Worker(nc, jetstream(nc), await jetstreamManager(nc, { checkAPI: false }), options);
nc.subscribe("fl.ctl.cancel.*", { callback: (_, msg) => worker.cancelled(msg.subject) });
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => worker.stop.abort());
worker.stop.signal.addEventListener("abort", () => setTimeout(() => worker.late.abort(), Number(values["drain-ms"])).unref());
const slots = Array.from({ length: Number(values.slots) }, () => worker.slot());
worker.discover();
console.error("taking tasks");
await Promise.all(slots);
await nc.drain();
process.exit(0);
