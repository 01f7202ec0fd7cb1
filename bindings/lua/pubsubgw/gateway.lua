-- The gateway: routes, life, clients, numbers. Each function is the one of the same name in
-- include/pubsubgw.h, which says what it does; failures are nil, text, code.
local ffi = require "ffi"
local C = require("pubsubgw.library").C
local json = require "pubsubgw.json"
local opening = require "pubsubgw.opening"
local Queue = require "pubsubgw.queue"
local status = require "pubsubgw.status"

local Gateway = {}
Gateway.__index = Gateway

local ROUTE_ID_CAP = 4096
local SESSION_OUT = ffi.typeof "pubsubgw_session[1]"

-- settings: nil, a table or JSON. Starts nothing: fine before a fork, as in init_by_lua.
function Gateway.new(settings)
    local out = ffi.new "pubsubgw_gateway *[1]"
    local code = C.pubsubgw_new(json.text(settings), out)
    if code < 0 then return status.failure(code) end
    return setmetatable({ handle = ffi.gc(out[0], C.pubsubgw_destroy) }, Gateway)
end

-- In the process that serves, after its last fork, as in init_worker_by_lua.
function Gateway:start() return status.done(C.pubsubgw_start(self.handle)) end

-- Returns at once; each queue gets EV.DRAINED.
function Gateway:drain(close_code, milliseconds)
    return status.done(C.pubsubgw_drain(self.handle, close_code or 1001, milliseconds or 30000))
end

-- Blocks up to about `milliseconds`.
function Gateway:stop(milliseconds)
    return status.done(C.pubsubgw_stop(self.handle, milliseconds or 5000))
end

-- Ends the handle; otherwise it ends with its last reference.
function Gateway:close()
    C.pubsubgw_destroy(ffi.gc(self.handle, nil))
end

-- route, upstream: a table or JSON. id: nil for the object's own.
function Gateway:route_put(id, route)
    local text = json.text(route)
    return status.done(C.pubsubgw_route_put(self.handle, id, text, #text))
end

function Gateway:route_delete(id, close_sessions)
    local flags = close_sessions and C.PUBSUBGW_CLOSE_SESSIONS or 0
    return status.done(C.pubsubgw_route_delete(self.handle, id, flags))
end

function Gateway:upstream_put(id, upstream)
    local text = json.text(upstream)
    return status.done(C.pubsubgw_upstream_put(self.handle, id, text, #text))
end

function Gateway:upstream_delete(id)
    return status.done(C.pubsubgw_upstream_delete(self.handle, id))
end

-- The id of the route that would serve the request.
function Gateway:route_match(host, uri)
    local room = ffi.new("char[?]", ROUTE_ID_CAP)
    local length = C.pubsubgw_route_match(self.handle, host, uri, room, ROUTE_ID_CAP)
    if length < 0 then return status.failure(length) end
    return ffi.string(room, length)
end

-- All routes and upstreams as JSON text, secrets masked.
function Gateway:routes_json()
    local length = ffi.new "size_t[1]"
    return status.text(C.pubsubgw_routes_json(self.handle, length), length)
end

-- A queue of events. options.log: log lines of this gateway come as events.
function Gateway:queue(options) return Queue.new(self, options) end

-- Accepts clients on "127.0.0.1:0", "unix:/path", ...; returns the port, or 0. mode: of the file.
function Gateway:listen(address, mode)
    return status.number(C.pubsubgw_listen(self.handle, address, mode or 0))
end

-- Hands over a connected socket; returns the session's number. options: see pubsubgw/opening.lua.
function Gateway:adopt(fd, options)
    local out = SESSION_OUT()
    local code = C.pubsubgw_session_adopt_fd(self.handle, fd, opening(options), out)
    if code < 0 then return status.failure(code) end
    return tonumber(out[0])
end

for _, part in ipairs { "pubsubgw.sessions", "pubsubgw.commands", "pubsubgw.tokens" } do
    for name, call in pairs(require(part)) do Gateway[name] = call end
end

local numbers = {
    "threads", "sessions", "sessions_total", "messages_in", "messages_out", "bytes_in", "bytes_out",
    "commands", "command_errors", "kafka_requests", "kafka_errors", "kafka_connections",
    "records_in", "records_out", "queued_events",
}

-- pubsubgw_stats as a table of numbers.
function Gateway:stats()
    local raw = ffi.new "pubsubgw_stats"
    raw.struct_size = ffi.sizeof(raw)
    local code = C.pubsubgw_get_stats(self.handle, raw)
    if code < 0 then return status.failure(code) end
    local found = {}
    for _, name in ipairs(numbers) do found[name] = tonumber(raw[name]) end
    return found
end

-- Prometheus' text format.
function Gateway:metrics()
    local length = ffi.new "size_t[1]"
    return status.text(C.pubsubgw_metrics_text(self.handle, length), length)
end

return Gateway
