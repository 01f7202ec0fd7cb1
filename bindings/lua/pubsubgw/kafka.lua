-- Reads and writes Kafka: calls that wait for their result, in plain LuaJIT by blocking, in nginx by letting
-- other light threads run. nil, text, code if it fails.
--
--     local kafka = assert(pubsubgw.kafka(gateway, { nodes = "127.0.0.1:9092" }))
--     local batch = assert(kafka:fetch { topic = "demo", offset = 0 })
--     for _, record in ipairs(batch.records) do print(record.offset, record.value) end
local Client = require "pubsubgw.client"
local status = require "pubsubgw.status"

local Kafka = {}
Kafka.__index = Kafka
local Subscription = {}
Subscription.__index = Subscription

local CALL_SECONDS = 86400 -- the library ends each request within the limits of its route
local QUEUE_BYTES = 1048576
local LAST = 2             -- PUBSUBGW_LAST

-- source: a dispatcher of nginx, or pubsubgw.pump. config: as of Client.new.
function Kafka.new(gateway, config, source)
    local client, text, code = Client.new(gateway, config, source.queue)
    if not client then return nil, text, code end
    return setmetatable({ client = client, source = source }, Kafka)
end

local function call(self, request)
    local mailbox = self.source:mailbox()
    local token = self.source:token(function(event) mailbox:put(event) end)
    local sent, text, code = request(token)
    local event = sent and mailbox:take(CALL_SECONDS)
    self.source:forget(token)
    if not sent then return nil, text, code end
    if not event then return nil, "no answer", status.codes.TIMEOUT end
    if event.status < 0 then return nil, event.data, event.status end
    return event
end

-- One fetch: { records, high_watermark (-1: not known), next_offset }. request: see Client:fetch.
function Kafka:fetch(request)
    local event, text, code = call(self, function(token) return self.client:fetch(request, token) end)
    if not event then return nil, text, code end
    return { records = event.records, high_watermark = event.number, next_offset = event.number2 }
end

-- The offset and its record's timestamp (-1: none). timestamp: milliseconds, -1 end, -2 beginning.
function Kafka:list_offset(topic, partition, timestamp)
    local event, text, code = call(self, function(token)
        return self.client:list_offset(topic, partition, timestamp, token)
    end)
    if not event then return nil, text, code end
    return event.number, event.number2
end

-- JSON text. topic nil: all topics.
function Kafka:metadata(topic)
    local event, text, code = call(self, function(token)
        return self.client:metadata(topic, token)
    end)
    if not event then return nil, text, code end
    return event.data
end

-- Brings the token of {"mechanism": "OAUTHBEARER", "host_token": name}; source: see
-- pubsubgw.nginx's `token`. In plain LuaJIT it is asked while a call of this client waits.
function Kafka:token(name, source) return self.source:on_token(name, source) end

-- Sends records to the same brokers (pubsubgw/producer.lua). settings: Kafka's, as
-- include/pubsubgw.h lists them.
function Kafka:producer(settings) return require("pubsubgw.producer").new(self, settings) end

-- Ends the client, and what waits for it with E.GONE.
function Kafka:close() self.client:close() end

-- Follows a partition; request: see Client:subscribe.
function Kafka:subscribe(request)
    local self = setmetatable({
        kafka = self, request = request, mailbox = self.source:mailbox(), waiting = 0 }, Subscription)
    local begun, text, code = self:begin(request)
    if not begun then return nil, text, code end
    return self
end

function Subscription:begin(request)
    local source = self.kafka.source
    self.token = source:token(function(event) self:receive(event) end)
    local sent, text, code = self.kafka.client:subscribe(request, self.token)
    if not sent then source:forget(self.token) end
    self.live = sent
    return sent, text, code
end

local function size(event)
    local sum = 0
    for _, record in ipairs(event.records or {}) do sum = sum + #(record.value or "") + 100 end
    return sum
end

local GIVEN_UP = {} -- stands behind the last event of a subscription that was given up for a while

-- The library counts an event as taken when it is polled. What waits here beyond a limit is bounded
-- by giving the subscription up, and taking it up again at the next offset when it was read.
function Subscription:receive(event)
    local last = event.flags % 4 >= LAST
    if last then
        self.kafka.source:forget(self.token)
        self.live = false
    end
    if not (last and self.paused and event.status < 0) then self:keep(event) end
    if last and self.paused then self.mailbox:put(GIVEN_UP) end
end

function Subscription:keep(event)
    self.waiting = self.waiting + size(event)
    if event.status == 0 then self.next_offset = event.number2 end
    self.mailbox:put(event)
    if self.waiting > QUEUE_BYTES and not self.paused and self.live then
        self.paused = true
        self.kafka.client:cancel(self.token)
    end
end

function Subscription:resume()
    self.paused = false
    local again = {}
    for key, value in pairs(self.request) do again[key] = value end
    again.start, again.offset = "offset", self.next_offset
    return self:begin(again)
end

-- The next batch: { records, high_watermark, next_offset }; waits up to `seconds`. nil alone: none
-- came; nil, text, code: it has ended.
function Subscription:next(seconds)
    if self.over then return nil, "cancelled", status.codes.GONE end
    local event
    repeat
        -- Not before its last event: one that is still on its way would come twice.
        if self.paused and not self.live and self.waiting <= QUEUE_BYTES / 2 then
            local begun, text, code = self:resume()
            if not begun then return nil, text, code end
        end
        event = self.mailbox:take(seconds)
        if not event then return nil end
    until event ~= GIVEN_UP
    self.waiting = self.waiting - size(event)
    if event.status < 0 then return nil, event.data, event.status end
    return { records = event.records, high_watermark = event.number, next_offset = event.number2 }
end

function Subscription:cancel()
    self.over = true
    if not self.paused then self.kafka.client:cancel(self.token) end
end

return Kafka
