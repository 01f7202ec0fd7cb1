-- A queue of events for one event loop, or for a program that waits.
local ffi = require "ffi"
local C = require("pubsubgw.library").C
local records = require "pubsubgw.record"
local status = require "pubsubgw.status"

local Queue = {}
Queue.__index = Queue

local BATCH = 64
local RECORDS = 7 -- PUBSUBGW_EV_RECORDS
local DELIVERY = 6 -- PUBSUBGW_EV_DELIVERY
local EVENT_SIZE = ffi.sizeof "pubsubgw_event"

-- A Lua number where it is exact, else the 64-bit cdata itself.
local function exact(value)
    local number = tonumber(value)
    return number < 2 ^ 53 and number > -2 ^ 53 and number or value
end

-- What became of records, and the text of a failure.
local function delivery(raw)
    local told = C.pubsubgw_event_delivery(raw)
    if told == nil then return nil, "" end
    local tokens = {}
    for index = 1, tonumber(told.count) do tokens[index] = exact(told.tokens[index - 1]) end
    return {
        topic = ffi.string(told.topic), partition = told.partition, offset = exact(told.offset),
        timestamp = exact(told.timestamp), tokens = tokens,
    }, ffi.string(told.text)
end

-- An event as a table. Data is copied: what the library holds is valid only until the next poll.
function Queue.event(raw)
    local event = {
        type = raw.type, status = raw.status, session = exact(raw.session),
        token = exact(raw.token), user_data = exact(raw.user_data), data = "",
        code = raw.code, flags = raw.flags,
        number = exact(raw.number), number2 = exact(raw.number2),
    }
    if raw.type == RECORDS and raw.status == 0 then
        event.records = records(raw, exact)
    elseif raw.type == DELIVERY then
        event.delivery, event.data = delivery(raw)
    elseif raw.data ~= nil then
        event.data = ffi.string(raw.data, raw.len)
    end
    return event
end

local OF_PRODUCERS = { [DELIVERY] = true, [13] = true, [14] = true, [15] = true } -- ROOM, FLUSHED, TRANSACTION

-- The token of whom an event of no session is for: a producer's user_data is one.
function Queue.owner(event)
    return OF_PRODUCERS[event.type] and event.user_data or event.token
end

function Queue.new(gateway, options)
    local out = ffi.new "pubsubgw_queue *[1]"
    local flags = options and options.log and C.PUBSUBGW_QUEUE_LOG or 0
    local code = C.pubsubgw_queue_new(gateway.handle, flags, out)
    if code < 0 then return status.failure(code) end
    return setmetatable({
        handle = ffi.gc(out[0], C.pubsubgw_queue_destroy), gateway = gateway,
        events = ffi.new("pubsubgw_event[?]", BATCH),
    }, Queue)
end

local function collected(self, count)
    if count < 0 then return status.failure(count) end
    local list = {}
    for index = 1, count do list[index] = Queue.event(self.events[index - 1]) end
    return list
end

-- The events that wait, at most 64, as a list; empty when there are none.
-- event: type (pubsubgw.EV), status, session, token, user_data, data, code, flags, number, number2;
-- records (see pubsubgw/record.lua) of EV.RECORDS; delivery (topic, partition, offset, timestamp, tokens)
-- of EV.DELIVERY.
function Queue:poll()
    return collected(self, C.pubsubgw_queue_poll(self.handle, self.events, BATCH, EVENT_SIZE))
end

-- Calls `receiver` with each event that waits, at most 64, as the library's own struct: for loops that
-- make no table of most. Returns how many there were.
function Queue:each(receiver)
    local count = C.pubsubgw_queue_poll(self.handle, self.events, BATCH, EVENT_SIZE)
    if count < 0 then return status.failure(count) end
    for index = 0, count - 1 do receiver(self.events[index]) end
    return count
end

-- As poll, and blocks the thread up to `milliseconds` (nil: without limit). Not inside nginx.
function Queue:wait(milliseconds)
    return collected(self, C.pubsubgw_queue_wait(
        self.handle, self.events, BATCH, EVENT_SIZE, milliseconds or -1))
end

-- The descriptor to wait for: readable while events wait.
function Queue:fd() return status.number(C.pubsubgw_queue_fd(self.handle)) end

-- Writes a byte to each connection of the unix socket at `path` when events begin to wait: for loops
-- that can't wait for the descriptor.
function Queue:wake_listen(path)
    return status.done(C.pubsubgw_queue_wake_listen(self.handle, path))
end

-- Ends the queue; otherwise it ends with its last reference.
function Queue:close()
    C.pubsubgw_queue_destroy(ffi.gc(self.handle, nil))
end

return Queue
