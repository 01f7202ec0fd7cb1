// Kafka's records in a page: libpubsubgw's sub-protocol "pubsub.json" in one file, to be copied.
//
//     import { follow, text } from "./pubsub.js";
//     for await (const { records } of follow("wss://example.com/kafka", { topic: "demo" }))
//         for (const { offset, value } of records) console.log(offset, text(value));
//
// The fields of commands and replies are described in proto/pubsub.proto. JSON writes their names
// like this: nextOffset, and leaves out what is 0, false or empty.
//
// Offsets are integers of 64 bits, but JavaScript's numbers are exact only up to 2^53. So JSON has
// them as strings, and this file as BigInt: 12n.

/** A command failed. `code` and `cause` are those of ErrorResp; 1000 + n is Kafka's error n. */
export class CommandError extends Error {
    constructor({ code = 0, message = "", retriable = false, cause = "", logStartOffset }) {
        super(message);
        this.code = code;
        this.cause = cause;
        this.retriable = retriable;
        // Where the log begins now, if the offset is no longer in it (code 1001).
        this.logStartOffset = logStartOffset === undefined ? null : BigInt(logStartOffset);
    }
}

/** There is no connection any more, or never was; `code` and `reason` are those of CloseEvent.
 *  Why it could not be opened (1006) a page never learns: see the browser's console. */
export class ConnectionLost extends Error {
    constructor({ code = 1006, reason }) {
        super(reason || "no connection");
        this.code = code;
    }

    /** Whether it may be tried again: README.md lists the codes. Of those that this file does not
     *  know, 4450 to 4499 ask for it. */
    get retriable() {
        if (this.code >= 4400) return this.code === 4430 || (this.code >= 4450 && this.code < 4500);
        return ![1000, 1002, 1003, 1007, 1008, 1009].includes(this.code);
    }
}

/** A connection to the gateway. Any number of commands may be under way at once. */
export class Connection {
    #socket;
    #lost = null;               // the ConnectionLost, once it is
    #pings;
    #sequence = 0n;
    #listeners = new Map();     // from a command's sequence to who takes its replies and errors

    /** Connects. Broken networks are silent: a gateway that does not answer a ping until the next
     *  one is due is given up. */
    static async open(url, { pingSeconds = 30 } = {}) {
        const connection = new Connection();
        const socket = connection.#socket = new WebSocket(url, "pubsub.json");
        socket.onmessage = event => connection.#take(JSON.parse(event.data));
        await new Promise((opened, failed) => {
            socket.onopen = opened;
            socket.onclose = event => failed(connection.#end(new ConnectionLost(event)));
        });
        let unanswered = 0;
        connection.#pings = setInterval(() => {
            if (unanswered++) connection.#end(new ConnectionLost({ reason: "no answer" }));
            else connection.ask("cmdPing", {}).catch(() => {}).then(() => { unanswered = 0; });
        }, pingSeconds * 1000);
        return connection;
    }

    close() { this.#end(new ConnectionLost({ code: 1000, reason: "closed by the page" })); }

    /** Performs a command: ask("cmdKafkaFetch", { topic }) answers the fields of its reply. */
    ask(name, fields) {
        return new Promise((answer, fail) => {
            const sequence = this.#send(name, fields, reply => {
                this.#listeners.delete(sequence);
                if (reply instanceof Error) fail(reply); else answer(reply);
            });
        });
    }

    /** The first offset with that time in milliseconds or a later one; -1n if there is none.
     *  -1: the end of the log, -2: its beginning. */
    async listOffset(topic, partition, timestamp) {
        const reply = await this.ask("cmdKafkaListOffset", { topic, partition, timestamp });
        return BigInt(reply.offset ?? 0);
    }

    /** Answers { records, nextOffset }: what there is at or behind `offset`, and where to go on. */
    async fetch(topic, partition, offset, options = {}) {
        return readBatch(await this.ask("cmdKafkaFetch", { topic, partition, offset, ...options }));
    }

    /** Yields { records, nextOffset } as records come, at first without any: where they begin.
     *  `start` is { end: "LATEST" }, { end: "EARLIEST" }, { offset } or { timestamp }. No more than
     *  `credit` records are sent ahead. A batch gives its credit back when the next one is asked
     *  for; meanwhile the others stay in Kafka, however many they are.
     *  While the partition waits, for its leader or for any broker, `waits` says why. If it has not
     *  begun yet, nextOffset is -1n for the end of the log, -2n for its beginning. */
    async *subscribe({ topic, partition = 0, start = { end: "LATEST" }, credit = 500 }) {
        const replies = [];
        let wake = () => {};
        const subscription = this.#send("cmdSubscribe", {
            subscriptions: [{ topic, partitions: [partition], ...start }], creditMessages: credit,
        }, reply => { replies.push(reply); wake(); });
        try {
            for (;;) {
                while (!replies.length) await new Promise(done => { wake = done; });
                const reply = replies.shift();
                if (reply instanceof Error) throw reply;
                if (reply.error) throw new CommandError(reply.error);
                const told = reply.starts?.[0];
                const batch = readBatch({ ...told, ...reply });
                batch.waits = told?.outcome === "WAITS" ? told.reason ?? "no answer" : null;
                yield batch;
                const messages = batch.records.length;
                if (messages) this.#send("cmdGrant", { subscription, messages });
            }
        } finally {
            this.#listeners.delete(subscription);
            if (!this.#lost) this.#send("cmdUnsubscribe", { subscription });
        }
    }

    #send(name, fields, listener) {
        if (this.#lost) throw this.#lost;
        const sequence = String(++this.#sequence);
        if (listener) this.#listeners.set(sequence, listener);
        this.#socket.send(JSON.stringify({ sequence, [name]: fields },
            (_, value) => typeof value === "bigint" ? String(value) : value));
        return sequence;
    }

    #take({ sequence, ...reply }) {
        for (const [name, fields] of Object.entries(reply))
            this.#listeners.get(sequence)?.(name === "errorResp" ? new CommandError(fields) : fields);
    }

    #end(lost) {
        if (this.#lost) return this.#lost;
        this.#lost = lost;
        clearInterval(this.#pings);
        this.#socket.close(1000);
        for (const listener of this.#listeners.values()) listener(lost);
        return lost;
    }
}

/** Connection.subscribe that outlives its connections: yields each record once, in order, and after
 *  a loss goes on behind the last batch. `onLost(error, milliseconds)` is told of a loss and when
 *  the next try is; `signal`, an AbortSignal, ends it. Throws what will not pass by itself: a
 *  CommandError, or a ConnectionLost whose code says so. */
export async function* follow(url, { onLost = () => {}, signal, start, ...what }) {
    for (let failures = 0; !signal?.aborted; failures++) {
        let connection;
        const stop = () => connection?.close();
        signal?.addEventListener("abort", stop);
        try {
            connection = await Connection.open(url, what);
            for await (const batch of connection.subscribe({ ...what, start })) {
                yield batch;
                if (batch.nextOffset >= 0n) start = { offset: batch.nextOffset };
                failures = 0;
            }
        } catch (error) {
            if (signal?.aborted) return;
            if (!error.retriable) throw error;
            // Random, so that the pages of a gateway that restarts do not all come at once.
            const wait = Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
            onLost(error, wait);
            await new Promise(done => setTimeout(done, wait));
        } finally {
            signal?.removeEventListener("abort", stop);
            connection?.close();
        }
    }
}

/** Bytes as text; null stays null. */
export const text = bytes => bytes && new TextDecoder().decode(bytes);

const bytes = base64 =>
    base64 === undefined ? null : Uint8Array.from(atob(base64), byte => byte.charCodeAt(0));

const readBatch = ({ messages = [], nextOffset = 0 }) => ({
    nextOffset: BigInt(nextOffset),
    records: messages.map(({ offset = 0, timestamp = 0, key, value, headers = [] }) => ({
        offset: BigInt(offset),
        timestamp: Number(timestamp),       // milliseconds since 1970, -1: the record has none
        key: bytes(key),                    // Uint8Array or null, as the value
        value: bytes(value),
        headers: headers.map(({ key = "", value }) => ({ key, value: bytes(value) })),
    })),
});
