-- The gateway's calls for sessions of hosts that keep the socket, or WebSocket too. Sessions are
-- Lua numbers. A second result of feed and message: true asks to wait for EV.RESUME. A third, only
-- for sessions that were opened with tell_output: true: output waits (feed), or events in the queue
-- (message), of which no event, and no wake-up, tells.
local bit = require "bit"
local ffi = require "ffi"
local C = require("pubsubgw.library").C
local opening = require "pubsubgw.opening"
local status = require "pubsubgw.status"

local sessions = {}

local SESSION_OUT = ffi.typeof "pubsubgw_session[1]"
local PAUSE, OUTPUT = 1, 2
local SLICES = 16
local PIECE_MAX = 65536

local function opened(code, out)
    if code < 0 then return status.failure(code) end
    return tonumber(out[0])
end

local function taken(code)
    if code < 0 then return status.failure(code) end
    if code == 0 then return true, false, false end
    return true, bit.band(code, PAUSE) ~= 0, bit.band(code, OUTPUT) ~= 0
end

-- The host owns the connection and moves its bytes. options: see pubsubgw/opening.lua.
function sessions:open_bytes(options)
    local out = SESSION_OUT()
    return opened(C.pubsubgw_session_open_bytes(self.handle, opening(options), out), out)
end

-- What came from the client; "" ends its stream.
function sessions:feed(session, bytes)
    return taken(C.pubsubgw_session_feed(self.handle, session, bytes, #bytes))
end

local slices

-- Some of what waits for the client, "" if nothing does. Goes on waiting until it is consumed.
function sessions:output(session)
    slices = slices or ffi.new("pubsubgw_slice[?]", SLICES)
    local count = C.pubsubgw_session_output(self.handle, session, slices, SLICES)
    if count < 0 then return status.failure(count) end
    if count == 0 then return "" end
    local first = ffi.string(slices[0].data, math.min(tonumber(slices[0].len), PIECE_MAX))
    if count == 1 or #first == PIECE_MAX then return first end
    local pieces, length = { first }, #first
    for index = 1, count - 1 do
        local slice = slices[index]
        if length + tonumber(slice.len) > PIECE_MAX then break end
        pieces[index + 1] = ffi.string(slice.data, slice.len)
        length = length + #pieces[index + 1]
    end
    return table.concat(pieces)
end

-- The first `length` bytes of the output were sent. Returns whether more waits.
function sessions:consume(session, length)
    local code = C.pubsubgw_session_consume(self.handle, session, length)
    if code < 0 then return status.failure(code) end
    return code == 1
end

local PROTOCOL_MAX = 8192

-- Before the host answers an upgrade by itself: the sub-protocol to agree to, "" for none. nil, text
-- and what to answer: an HTTP status; or a code of the library's, below 0.
function sessions:open_check(options)
    local protocol = ffi.new("char[?]", PROTOCOL_MAX)
    local code = C.pubsubgw_open_check(self.handle, opening(options), protocol, PROTOCOL_MAX)
    if code ~= 0 then return status.failure(code) end
    return ffi.string(protocol)
end

-- The host owns WebSocket; options.protocol says which format the messages have.
function sessions:open_messages(options)
    local out = SESSION_OUT()
    return opened(C.pubsubgw_session_open_messages(self.handle, opening(options), out), out)
end

-- A whole message of the client. opcode 1: text, 2: binary, 8: it closed (code and reason as in the
-- frame) or is lost ("").
function sessions:message(session, opcode, bytes)
    return taken(C.pubsubgw_session_message(self.handle, session, opcode, bytes, #bytes))
end

-- Sends a message nobody asked for: PubSubResp with `field` (a number) and no sequence.
function sessions:push(session, field, message)
    return status.done(
        C.pubsubgw_session_push(self.handle, session, field, message, #message))
end

-- Closes with a WebSocket code and a reason; EV.CLOSED follows.
function sessions:close_session(session, code, reason)
    return status.done(C.pubsubgw_session_close(self.handle, session, code or 1000, reason))
end

-- No later poll returns an event of the session.
function sessions:forget(session)
    return status.done(C.pubsubgw_session_forget(self.handle, session))
end

return sessions
