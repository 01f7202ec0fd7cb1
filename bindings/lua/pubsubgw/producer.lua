-- Sends records to Kafka: calls that wait until they are stored, in plain LuaJIT by blocking, in nginx
-- by letting other light threads run. nil, text, code if it fails. What light threads produce at the
-- same time goes together.
--
--     local producer = assert(kafka:producer { linger_ms = 5, compression_type = "lz4" })
--     local place = assert(producer:produce { topic = "demo", key = "k", value = "v" })
--     print(place.partition, place.offset)
local ffi = require "ffi"
local C = require("pubsubgw.library").C
local json = require "pubsubgw.json"
local status = require "pubsubgw.status"

local Producer = {}
Producer.__index = Producer

local CALL_SECONDS = 86400 -- the library tells of each record within delivery_timeout_ms
local BATCH_MAX = 10000    -- records of one call of the library
local FULL = status.codes.FULL
local ROOM, DELIVERY = 13, 6
local MUST_ABORT = 8 -- PUBSUBGW_MUST_ABORT

-- kafka: as of pubsubgw.kafka. settings: Kafka's, as include/pubsubgw.h lists them; a table or JSON.
function Producer.new(kafka, settings)
    local self = setmetatable({ source = kafka.source, records = {}, steps = {}, rooms = {}, last = 0 }, Producer)
    self.name = self.source:token(function(event) self:receive(event) end)
    local out = ffi.new "pubsubgw_producer *[1]"
    local code = C.pubsubgw_producer_new(
        kafka.client.handle, json.text(settings), self.name, out)
    if code < 0 then
        self.source:forget(self.name)
        return status.failure(code)
    end
    self.handle = ffi.gc(out[0], C.pubsubgw_producer_destroy)
    return self
end

-- Events ------------------------------------------------------------------------------------------

function Producer:receive(event)
    if event.type == DELIVERY then
        self:delivered(event)
    elseif event.type == ROOM then
        local rooms = self.rooms
        self.rooms = {}
        for _, mailbox in ipairs(rooms) do mailbox:put(event) end
    else
        local mailbox = self.steps[event.token]
        if mailbox then mailbox:put(event) end
    end
end

function Producer:delivered(event)
    local delivery = event.delivery
    for index, token in ipairs(delivery.tokens) do
        local waiting = self.records[token]
        if waiting then
            waiting.left = waiting.left - 1
            if event.status < 0 and not waiting.failed then waiting.failed = event end
            if waiting.left == 0 then
                self.records[token] = nil
                waiting.mailbox:put(waiting.failed or {
                    status = 0, topic = delivery.topic, partition = delivery.partition,
                    offset = delivery.offset < 0 and -1 or delivery.offset + index - 1,
                    timestamp = delivery.timestamp,
                })
            end
        end
    end
end

function Producer:token()
    self.last = self.last + 1
    return self.last
end

-- Records -----------------------------------------------------------------------------------------

local function bytes(text)
    if text == nil then return nil, 0 end
    return ffi.cast("const char *", text), #text
end

-- held: keeps what the arguments point to.
local function fill(raw, record, token, held)
    if type(record) ~= "table" then record = { value = record } end
    raw.struct_size, raw.partition = ffi.sizeof "pubsubgw_produce_args", record.partition or -1
    raw.topic = record.topic
    raw.key, raw.key_len = bytes(record.key)
    raw.value, raw.value_len = bytes(record.value)
    raw.timestamp, raw.token = record.timestamp or 0, token
    local headers = record.headers
    if headers and #headers > 0 then
        local list = ffi.new("pubsubgw_header[?]", #headers)
        held[#held + 1] = list
        for index, header in ipairs(headers) do
            list[index - 1].name = header.name
            list[index - 1].value, list[index - 1].value_len = bytes(header.value)
        end
        raw.headers, raw.header_count = list, #headers
    end
end

-- Hands `count` arguments over, as there is room; how many were taken, and what is wrong with the next.
function Producer:hand(raw, count)
    local done = 0
    while done < count do
        if not self.handle then return done, "the producer was closed", status.codes.GONE end
        local code = C.pubsubgw_produce_batch(self.handle, raw + done, count - done)
        if code >= 0 then
            done = done + code
        elseif code == FULL then
            local mailbox = self.source:mailbox()
            self.rooms[#self.rooms + 1] = mailbox
            mailbox:take(CALL_SECONDS)
        else
            local _, text = status.failure(code)
            return done, text, code
        end
    end
    return done
end

local function outcome(self, token, waiting)
    local event = waiting.mailbox:take(CALL_SECONDS)
    self.records[token] = nil
    if not event then return nil, "no answer", status.codes.TIMEOUT end
    if event.status < 0 then return nil, event.data, event.status end
    return event
end

-- One record: topic, value, key, partition (nil: the partitioner chooses), headers (a list of { name,
-- value }), timestamp (milliseconds; nil: now). Its place: { topic, partition, offset, timestamp }.
function Producer:produce(record)
    return self:produce_batch({ record })
end

-- Many at a fraction of the cost: a list of records, which may be texts where `topic` is given.
-- The place of the last one when all are stored; else the first failure.
function Producer:produce_batch(records, topic)
    if #records == 0 then return true end
    local token, waiting = self:token(), { left = #records, mailbox = self.source:mailbox() }
    self.records[token] = waiting
    local taken, text, code = 0
    for first = 1, #records, BATCH_MAX do
        local count = math.min(BATCH_MAX, #records - first + 1)
        local raw, held = ffi.new("pubsubgw_produce_args[?]", count), {}
        for index = 0, count - 1 do
            fill(raw[index], records[first + index], token, held)
            if topic then raw[index].topic = topic end
        end
        local done
        done, text, code = self:hand(raw, count)
        taken = taken + done
        if text then break end
    end
    if text then
        -- What was taken is told of, to nobody.
        self.records[token] = nil
        return nil, text, code
    end
    return outcome(self, token, waiting)
end

-- Flushes and transactions ------------------------------------------------------------------------

local function step(self, call)
    if not self.handle then return nil, "the producer was closed", status.codes.GONE end
    local token, mailbox = self:token(), self.source:mailbox()
    self.steps[token] = mailbox
    local begun, text, code = status.done(call(self.handle, token))
    local event = begun and mailbox:take(CALL_SECONDS)
    self.steps[token] = nil
    if not begun then return nil, text, code end
    if not event then return nil, "no answer", status.codes.TIMEOUT end
    if event.status < 0 then return nil, event.data, event.status, event.flags end
    return true
end

-- Sends at once what waits for more, and waits until it is told of.
function Producer:flush() return step(self, C.pubsubgw_flush) end

-- Calls `body` with the producer within a transaction: commits when it returns, and aborts if it
-- raises an error, which is raised again, or if it returns nil and a text. Needs transactional_id.
function Producer:transaction(body)
    local begun, text, code = step(self, C.pubsubgw_transaction_begin)
    if not begun then return nil, text, code end
    local fine, result, reason, number = pcall(body, self)
    if not fine or result == nil and reason ~= nil then
        step(self, C.pubsubgw_transaction_abort)
        if not fine then error(result, 0) end
        return nil, reason, number
    end
    local committed, flags
    committed, text, code, flags = step(self, C.pubsubgw_transaction_commit)
    if committed then return true end
    if flags and flags % (2 * MUST_ABORT) >= MUST_ABORT then step(self, C.pubsubgw_transaction_abort) end
    return nil, text, code
end

-- Ends it; what was taken is still sent. Who waits gets E.GONE: flush first.
function Producer:close()
    if not self.handle then return end
    C.pubsubgw_producer_destroy(ffi.gc(self.handle, nil))
    self.handle = nil
    self.source:forget(self.name)
    local gone = { status = status.codes.GONE, data = "the producer was closed", flags = 0 }
    for _, waiting in pairs(self.records) do waiting.mailbox:put(gone) end
    for _, mailbox in pairs(self.steps) do mailbox:put(gone) end
    for _, mailbox in ipairs(self.rooms) do mailbox:put(gone) end
    self.records, self.steps, self.rooms = {}, {}, {}
end

return Producer
