-- Records of a PUBSUBGW_EV_RECORDS event as tables. What Kafka calls null is nil.
local ffi = require "ffi"
local C = require("pubsubgw.library").C

local APPEND_TIME = 1

local function bytes(pointer, length)
    if pointer == nil then return nil end
    return ffi.string(pointer, length)
end

local function headers(raw)
    local list = {}
    for index = 0, tonumber(raw.header_count) - 1 do
        local header = raw.headers[index]
        list[index + 1] = {
            name = ffi.string(header.name), value = bytes(header.value, header.value_len) }
    end
    return list
end

-- exact: makes a Lua number of a 64-bit integer where that is possible.
local function record(raw, exact)
    return {
        topic = ffi.string(raw.topic), partition = raw.partition, offset = exact(raw.offset),
        timestamp = exact(raw.timestamp), append_time = raw.flags % 2 == APPEND_TIME,
        key = bytes(raw.key, raw.key_len), value = bytes(raw.value, raw.value_len),
        headers = headers(raw),
    }
end

-- A list; to be made before the queue is polled again.
return function(event, exact)
    local list = {}
    for index = 1, tonumber(event.len) do
        list[index] = record(C.pubsubgw_event_record(event, index - 1), exact)
    end
    return list
end
