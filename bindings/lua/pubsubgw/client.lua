-- The direct Kafka client as include/pubsubgw.h has it: requests carry a token of the host's, and
-- results are events of the client's queue. pubsubgw.kafka waits for them.
local ffi = require "ffi"
local C = require("pubsubgw.library").C
local json = require "pubsubgw.json"
local status = require "pubsubgw.status"

local Client = {}
Client.__index = Client

local STARTS = { offset = 0, earliest = 1, latest = 2, timestamp = 3 }
local ISOLATIONS = { read_uncommitted = 1, read_committed = 2 }

-- config: { route = id }, or { nodes = "host:port,...", tls = ..., plugins = ..., pubsub = ... }; a
-- table or JSON.
function Client.new(gateway, config, queue, user_data)
    local out = ffi.new "pubsubgw_client *[1]"
    local code = C.pubsubgw_client_new(
        gateway.handle, json.text(config), queue.handle, user_data or 0, out)
    if code < 0 then return status.failure(code) end
    return setmetatable(
        { handle = ffi.gc(out[0], C.pubsubgw_client_destroy), gateway = gateway, queue = queue },
        Client)
end

local function isolation(name)
    if name == nil then return 0 end -- the client's
    return ISOLATIONS[name] or error("no isolation " .. tostring(name), 3)
end

-- request: topic, partition, offset (-1 latest, -2 earliest), max_bytes, min_bytes, max_wait_ms,
-- isolation ("read_uncommitted", "read_committed").
function Client:fetch(request, token)
    local raw = ffi.new "pubsubgw_fetch_args"
    raw.struct_size = ffi.sizeof(raw)
    raw.topic, raw.partition, raw.offset = request.topic, request.partition or 0, request.offset or 0
    raw.max_bytes, raw.min_bytes = request.max_bytes or 0, request.min_bytes or 0
    raw.max_wait_ms, raw.isolation = request.max_wait_ms or 0, isolation(request.isolation)
    return status.done(C.pubsubgw_fetch(self.handle, raw, token))
end

-- timestamp: milliseconds, -1 end, -2 beginning, -3 the record with the largest.
function Client:list_offset(topic, partition, timestamp, token)
    return status.done(C.pubsubgw_list_offset(self.handle, topic, partition, timestamp, token))
end

-- topic nil: all.
function Client:metadata(topic, token)
    return status.done(C.pubsubgw_metadata(self.handle, topic, token))
end

-- request: topic, partition, isolation, start ("offset", "earliest", "latest", "timestamp"), offset,
-- timestamp, options (max_bytes, queue_bytes).
function Client:subscribe(request, token)
    local raw = ffi.new "pubsubgw_subscribe_args"
    local options = json.text(request.options)
    raw.struct_size = ffi.sizeof(raw)
    raw.topic, raw.partition = request.topic, request.partition or 0
    raw.start = STARTS[request.start or (request.offset and "offset" or "latest")]
        or error("no start " .. tostring(request.start), 2)
    raw.offset, raw.timestamp = request.offset or 0, request.timestamp or 0
    raw.isolation, raw.options_json = isolation(request.isolation), options
    return status.done(C.pubsubgw_subscribe(self.handle, raw, token))
end

-- Ends a request; its last event comes with status E.GONE.
function Client:cancel(token) return status.done(C.pubsubgw_cancel(self.handle, token)) end

-- Ends the client and its requests; otherwise it ends with its last reference.
function Client:close() C.pubsubgw_client_destroy(ffi.gc(self.handle, nil)) end

return Client
