// MQTT.js against a broker that the test around this one has started (mqttjs_test.cc). It passes on
// PARLEY_PORT, and a token for each person as PARLEY_TOKEN_{NAME}.
import assert from 'node:assert/strict';
import test from 'node:test';
import mqtt from 'mqtt';

const patience = AbortSignal.timeout(60_000);

function connect(user, version, more = {}) {
  return mqtt.connectAsync(`mqtt://127.0.0.1:${process.env.PARLEY_PORT}`, {
    protocolVersion: version,
    clientId: `${user}:phone`,
    username: user,
    password: process.env[`PARLEY_TOKEN_${user.toUpperCase()}`],
    reconnectPeriod: 0,
    ...more,
  });
}

// Collects what arrives; next() waits for the next message on the topic.
function listen(client) {
  const waiting = [];
  const arrived = [];
  const settle = () => {
    for (const want of [...waiting]) {
      const at = arrived.findIndex((message) => message.topic === want.topic);
      if (at < 0) continue;
      waiting.splice(waiting.indexOf(want), 1);
      want.resolve(JSON.parse(arrived.splice(at, 1)[0].payload.toString()));
    }
  };
  client.on('message', (topic, payload) => {
    arrived.push({ topic, payload });
    settle();
  });
  return (topic) =>
    new Promise((resolve, reject) => {
      patience.addEventListener('abort', () => reject(new Error(`nothing came on ${topic}`)), { once: true });
      waiting.push({ topic, resolve });
      settle();
    });
}

for (const version of [4, 5]) {
  test(`two people chat, protocol version ${version}`, async () => {
    const alice = await connect('alice', version);
    const bob = await connect('bob', version);
    const alices = listen(alice);
    const bobs = listen(bob);
    await alice.subscribeAsync('users/alice/events', { qos: 1 });
    await bob.subscribeAsync('rooms/general/messages/json', { qos: 1 });
    let last = 0;
    for (let i = 0; i < 20; ++i) {
      const cid = `js-${version}-${i}`;
      await alice.publishAsync('rooms/general/send', JSON.stringify({ cid, body: `hello ${i} ✓` }), { qos: 1 });
      const event = await bobs('rooms/general/messages/json');
      assert.equal(event.body, `hello ${i} ✓`);
      assert.equal(event.from, 'alice');
      if (i > 0) assert.equal(event.prev, last);
      last = event.seq;
      const ack = await alices('users/alice/events');
      assert.deepEqual([ack.type, ack.cid, ack.seq, ack.id], ['ack', cid, event.seq, event.id]);
    }
    await alice.publishAsync('rooms/general/send', JSON.stringify({ cid: `once-${version}`, body: 'twice' }), { qos: 2 });
    assert.equal((await bobs('rooms/general/messages/json')).body, 'twice');
    await alice.endAsync();
    await bob.endAsync();
  });

  test(`refusals, protocol version ${version}`, async () => {
    await assert.rejects(connect('alice', version, { password: 'secret' }), /not authorized/i);
    await assert.rejects(connect('mallory', version, { clientId: 'alice:phone' }), /not authorized/i);

    const mallory = await connect('mallory', version);
    const mallorys = listen(mallory);
    await mallory.subscribeAsync('users/mallory/events', { qos: 1 });
    const denied = await mallory.subscribeAsync('rooms/general/messages/json').catch((error) => error);
    assert.ok(denied instanceof Error || denied[0].qos >= 128);
    await mallory
      .publishAsync('rooms/general/send', JSON.stringify({ cid: 'm', body: 'hi' }), { qos: 1 })
      .then(() => assert.equal(version, 4), (error) => assert.equal(error.code, 0x87));
    const error = await mallorys('users/mallory/events');
    assert.deepEqual([error.type, error.code, error.cid], ['error', 'not_member', 'm']);
    await mallory.endAsync();
  });
}
