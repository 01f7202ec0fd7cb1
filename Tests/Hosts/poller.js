// A page as clients of the original protocol are written: it asks for the end of the log, begins ten
// records before it, and then asks every `interval` milliseconds from the last offset that it has
// seen, of which it shows what is new. An error is the end of it.

// Protobuf by hand: as much of proto/pubsub.proto as the original has.
const wire = {
    varint(value) {
        const bytes = [];
        for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
            if (rest < 128n) return [...bytes, Number(rest)];
            bytes.push(Number(rest & 127n) | 128);
        }
    },
    number(field, value) { return [...wire.varint(field << 3), ...wire.varint(value)]; },
    bytes(field, content) {
        return [...wire.varint(field << 3 | 2), ...wire.varint(content.length), ...content];
    },
    text(field, content) { return wire.bytes(field, new TextEncoder().encode(content)); },

    // The fields of a message in their order: [number, value], numbers as BigInt, else bytes.
    *fields(bytes) {
        let at = 0;
        const varint = () => {
            let value = 0n;
            for (let shift = 0n; ; shift += 7n) {
                const byte = bytes[at++];
                value |= BigInt(byte & 127) << shift;
                if (byte < 128) return BigInt.asIntN(64, value);
            }
        };
        while (at < bytes.length) {
            const tag = Number(varint());
            if ((tag & 7) === 0) {
                yield [tag >> 3, varint()];
            } else if ((tag & 7) === 2) {
                const length = Number(varint());
                yield [tag >> 3, bytes.subarray(at, at += length)];
            } else {
                throw new Error(`wire type ${tag & 7}`);
            }
        }
    },
    find(bytes, field) {
        for (const [number, value] of wire.fields(bytes)) if (number === field) return value;
    },
};

var Poller = class {
    constructor({ url, topic, partition = 0, interval }) {
        Object.assign(this, { topic, partition, interval, polls: 0, error: null });
        this.shown = [];
        this.place = null;
        this.socket = new WebSocket(url);
        this.socket.binaryType = "arraybuffer";
        this.socket.onopen = () => this.send(34, -1);
        this.socket.onmessage = ({ data }) => this.take(new Uint8Array(data));
        this.socket.onclose = ({ code }) => { this.error ??= `closed: ${code}`; };
    }

    send(command, number) {
        const asked = [...wire.text(1, this.topic), ...wire.number(2, this.partition),
            ...wire.number(3, number)];
        this.socket.send(new Uint8Array([...wire.number(1, command), ...wire.bytes(command, asked)]));
    }

    take(reply) {
        for (const [field, value] of wire.fields(reply)) {
            if (field === 34) this.begin(Number(wire.find(value, 1) ?? 0n) - 10);
            if (field === 33) this.show(value);
            if (field === 31) this.error = new TextDecoder().decode(wire.find(value, 2));
        }
    }

    begin(place) {
        this.place = place;
        this.send(33, place);
    }

    show(batch) {
        this.polls += 1;
        const offsets = [];
        for (const [field, record] of wire.fields(batch)) {
            if (field === 1) offsets.push(Number(wire.find(record, 1) ?? 0n));
        }
        this.shown.push(...offsets.filter(offset => offset > this.place));
        if (offsets.length) this.place = offsets.at(-1);
        setTimeout(() => this.send(33, this.place), this.interval);
    }
};
