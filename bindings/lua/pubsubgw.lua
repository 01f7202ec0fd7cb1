-- libpubsubgw for LuaJIT: Kafka for WebSocket clients, from inside of a Lua program or of nginx.
--
--     local pubsubgw = require "pubsubgw"
--     local gateway = assert(pubsubgw.new())
--     assert(gateway:route_put("kafka", { uri = "/kafka", upstream = {
--         scheme = "kafka", type = "none", nodes = "127.0.0.1:9092" } }))
--     assert(gateway:start())
--     assert(gateway:listen "127.0.0.1:9080")
--
-- What each call does is in include/pubsubgw.h. A call that fails returns nil, the library's text,
-- and the code (pubsubgw.E.CONFIG, ...), as assert() likes it. Ids are Lua numbers. Handles end with
-- their last reference; close() ends them now. For nginx there is pubsubgw.nginx.
local ffi = require "ffi"
local library = require "pubsubgw.library"
local Gateway = require "pubsubgw.gateway"
local Kafka = require "pubsubgw.kafka"
local Pump = require "pubsubgw.pump"
local json = require "pubsubgw.json"
local status = require "pubsubgw.status"
local C = library.C

local pubsubgw = {
    path = library.path,                              -- of the library that was loaded
    version = library.dotted(C.pubsubgw_version()),   -- its version, "0.1.0"
    E = status.codes,
    EV = {
        OUTPUT = 1, MESSAGE = 2, RESUME = 3, CLOSED = 4, COMMAND = 5, DELIVERY = 6,
        RECORDS = 7, OFFSET = 8, METADATA = 9, DRAINED = 10, LOG = 11, TOKEN = 12, ROOM = 13,
        FLUSHED = 14, TRANSACTION = 15,
    },
    LOG = { OFF = 0, ERROR = 1, WARN = 2, INFO = 3, DEBUG = 4 },
    new = Gateway.new,
    list = json.list,
}

-- Whether the library can do what `name` says ("zstd", "kafka-tls", ...), here and now.
function pubsubgw.has_feature(name) return C.pubsubgw_has_feature(name) == 1 end

-- "PUBSUBGW_E_GONE", Kafka's own names for its errors.
function pubsubgw.error_name(code) return ffi.string(C.pubsubgw_error_name(code)) end

-- One sentence about a code.
function pubsubgw.strerror(code) return ffi.string(C.pubsubgw_strerror(code)) end

-- The level of log lines of the whole process. They go to standard error, or to queues made with
-- { log = true }: a Lua function can't be called from the library's threads.
function pubsubgw.set_log_level(level) return status.done(C.pubsubgw_set_log(level, nil, nil)) end

-- Reads Kafka, and blocks meanwhile (pubsubgw/kafka.lua). config: { route = id }, or
-- { nodes = "host:port,..." }, ...; in nginx there is pubsubgw.nginx's own.
function pubsubgw.kafka(gateway, config)
    local queue, text, code = gateway:queue()
    if not queue then return nil, text, code end
    return Kafka.new(gateway, config, Pump.new(queue))
end

local function told(notes)
    if notes < 0 then return status.failure(notes) end
    return notes, notes > 0 and ffi.string(C.pubsubgw_last_error()) or ""
end

-- Checks a route without a gateway: the number of notes and their text, or nil, text, code.
function pubsubgw.route_check(route)
    local text = json.text(route)
    return told(C.pubsubgw_route_check(text, #text))
end

-- The same for an upstream object.
function pubsubgw.upstream_check(upstream)
    local text = json.text(upstream)
    return told(C.pubsubgw_upstream_check(text, #text))
end

return pubsubgw
