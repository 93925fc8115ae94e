// Submits one task to a Fairlane mesh and waits for its record. Exits with 0 when it completed.
//
// NATS_URL=nats://127.0.0.1:4222 node submit.mjs echo '"hello"' --class user_auth

import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, errors, headers } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

const FULL = [10023, 10047, 10077]; // The stream takes no more for now: nothing was stored.

function token(model) {
  const plain = Buffer.from(model).toString("latin1").replace(/[^A-Za-z0-9_-]/g, "_");
  return plain === model ? plain : `${plain}-${createHash("sha256").update(model).digest("hex").slice(0, 8)}`;
}

// Publishes until the stream has it. Under one message id, twice is as good as once.
async function publish(js, subject, task) {
  const fields = headers();
  fields.set("Nats-Msg-Id", `task:${task.task_id}:0`);
  fields.set("Content-Type", "application/json");
  for (;;) {
    try {
      return await js.publish(subject, JSON.stringify(task), { headers: fields });
    } catch (error) {
      if (!(error instanceof errors.TimeoutError) && !FULL.includes(error.code)) throw error;
      console.error(`${subject}: ${error.message}; trying again`);
      await sleep(1000);
    }
  }
}

// The record as it stands in the stream. What is heard only says that it is time to look: it passes
// before it is stored, and a record that the fence refuses is heard too.
async function record(jsm, taskId, heard) {
  const query = { last_by_subj: `fl.result.${taskId}` };
  for (let pause = 2; ; pause = Math.min(pause * 2, 2000)) {
    const found = await jsm.direct.getMessage("FL_RESULTS", query).catch((error) => {
      if (!(error instanceof errors.TimeoutError)) throw error;
    });
    if (found) return found;
    const told = await Promise.race([heard.next().then(() => true), sleep(pause, false)]);
    if (told) pause = 1;
  }
}

// What was heard since it was last asked for.
function hearing(nc, subject) {
  let [count, wake] = [0, null];
  nc.subscribe(subject, { callback: () => ((count += 1), wake?.()) });
  return {
    async next() {
      if (!count) await new Promise((resolve) => (wake = resolve));
      count = 0;
    },
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "lane": { type: "string", default: "normal" },
    "class": { type: "string" },
    "task-id": { type: "string", default: randomUUID() },
  },
});
const [model, input] = positionals;
if (!values.class || input === undefined) {
  console.error("usage: node submit.mjs MODEL INPUT_AS_JSON --class CLASS [--lane core|normal] [--task-id ID]");
  process.exit(2);
}
const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222" });
const taskId = values["task-id"];
// Listen first, publish second: a record that comes at once is not missed.
const heard = hearing(nc, `fl.result.${taskId}`);
const task = { task_id: taskId, model, input: JSON.parse(input), class: values.class };
const ack = await publish(jetstream(nc), `fl.task.${values.lane}.${values.class}.${token(model)}.0`, task);
console.error(`${taskId} is stored as ${ack.stream} ${ack.seq}`);
const found = await record(await jetstreamManager(nc, { checkAPI: false }), taskId, heard);
console.log(new TextDecoder().decode(found.data));
await nc.close();
process.exit(found.header.get("Fl-State") === "completed" ? 0 : 1);
