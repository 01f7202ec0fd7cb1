// What the tests of test_browser.py use in a page: a WebSocket that keeps what nobody has asked
// for yet.
var TestSocket = class {
    constructor(url, protocols) {
        this.socket = new WebSocket(url, protocols);
        this.socket.binaryType = "arraybuffer";
        this.received = [];
        this.takers = [];
        this.errors = 0;
        this.socket.onerror = () => { this.errors += 1; };
        this.socket.onmessage = ({ data }) => {
            const taker = this.takers.shift();
            if (taker) taker(data); else this.received.push(data);
        };
        this.opened = new Promise(done => { this.socket.onopen = () => done(true); });
        this.closed = new Promise(done => {
            this.socket.onclose = ({ code, reason, wasClean }) =>
                done({ code, reason, wasClean, errors: this.errors });
        });
    }

    // Objects go out as JSON.
    send(message) {
        const isReady = typeof message === "string" || ArrayBuffer.isView(message);
        this.socket.send(isReady ? message : JSON.stringify(message));
    }

    // The next message. An end in place of it is an error.
    next() {
        if (this.received.length) return Promise.resolve(this.received.shift());
        return Promise.race([
            new Promise(done => this.takers.push(done)),
            this.closed.then(closed => { throw new Error("closed: " + JSON.stringify(closed)); })]);
    }

    ask(message) { this.send(message); return this.next(); }

    close(code, reason) { this.socket.close(code, reason); return this.closed; }
};

async function open(url, protocols) {
    const found = new TestSocket(url, protocols);
    await Promise.race([found.opened, found.closed.then(closed => {
        throw new Error("refused: " + JSON.stringify(closed));
    })]);
    return found;
}

function toBase64(buffer) {
    let binary = "";
    for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
    return btoa(binary);
}

function fromBase64(text) { return Uint8Array.from(atob(text), byte => byte.charCodeAt(0)); }
