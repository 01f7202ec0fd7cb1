-- APISIX's plug-in kafka-logger on the library's producer: request logs of nginx go to a Kafka topic.
--
--     local logger = require "pubsubgw.kafka_logger"
--     local log, notes = assert(logger.new(conf))     -- in init_by_lua: a wrong conf stops nginx
--
--     access_by_lua_block      { log:access_phase() }       -- for include_req_body
--     body_filter_by_lua_block { log:body_filter_phase() }  -- for include_resp_body
--     log_by_lua_block         { log:log_phase() }
--
-- conf is the object of a route's plugins["kafka-logger"] as it stands there. Nothing waits for Kafka
-- but a timer of the worker: an entry is text in memory, and the library's from when its batch is
-- closed. What waits is bounded in bytes; beyond that new entries are dropped and counted. A worker that
-- leaves sends what it has before it ends. Needs pubsubgw.nginx's init, init_worker and exit_worker.
local ffi = require "ffi"
local C = require("pubsubgw.library").C
local Client = require "pubsubgw.client"
local conf = require "pubsubgw.logger_conf"
local entry = require "pubsubgw.logger_entry"
local json = require "pubsubgw.json"
local Queue = require "pubsubgw.queue"
local status = require "pubsubgw.status"

local logger = {}
local Logger = {}
Logger.__index = Logger

local DELIVERY = 6        -- PUBSUBGW_EV_DELIVERY
local ENTRY_BYTES = 64    -- of memory for an entry, beside its text
local BUSY_SECONDS = 0.05 -- between two looks while the library has batches, or a worker leaves
local IDLE_SECONDS = 0.25 -- while entries wait for more
local START_SECONDS = 1   -- until another try where the library has no producer for us
local TURNS_MAX = 10000   -- of one timer; then another takes over, and its memory goes
local MESSAGE_OVERHEAD = 2

-- All loggers of this process by number; `queue` and `running` are the worker's.
local worker = { loggers = {}, count = 0 }

local OPTIONS = {
    route_id = "string", service_id = "string", version = "string", consumer = "function",
    max_pending_bytes = "number", max_message_bytes = "number", exit_seconds = "number",
}

local function check_options(options)
    for key, value in pairs(options) do
        if not OPTIONS[key] then return nil, "options." .. tostring(key) .. ": there is no such option" end
        if type(value) ~= OPTIONS[key] then
            return nil, ("options.%s: expected a %s"):format(key, OPTIONS[key])
        end
        if type(value) == "number" and not (value >= 0 and value <= 2 ^ 30) then
            return nil, ("options.%s: expected a number from 0 to 2^30"):format(key)
        end
    end
    return true
end

-- Checks a conf without a logger: a list of notes, or nil and what is wrong where.
function logger.check(given)
    local found, notes = conf.check(given)
    if not found then return nil, "kafka-logger: " .. notes, status.codes.CONFIG end
    local upstream = conf.client(found)
    upstream.pubsub, upstream.plugins, upstream.scheme = nil, nil, "kafka"
    local text = json.text(upstream)
    if C.pubsubgw_upstream_check(text, #text) < 0 then
        return nil, "kafka-logger: brokers: " .. ffi.string(C.pubsubgw_last_error()), status.codes.CONFIG
    end
    return notes, found
end

-- given: the plug-in's object, as a table. options, all of them may be left out:
--   route_id, service_id  what entries say of the route
--   consumer              function () that returns the name of who has logged in, for entries
--   version               of the server, for entries; default: the library's
--   max_pending_bytes     33554432: what may wait in this worker; beyond it entries are dropped
--   max_message_bytes     1000000: where a batch ends at the latest. Brokers take 1 MiB by default
--   exit_seconds          10: how long a worker that leaves may take to get rid of what it has
-- Returns the logger, and a list of notes: what conf has that has no effect. In init_by_lua (each worker
-- then has it), or in a worker, once: each logger has connections of its own.
function logger.new(given, options)
    options = options or {}
    local fine, text = check_options(options)
    if not fine then return nil, "kafka-logger: " .. text, status.codes.INVALID end
    local notes, found, code = logger.check(given)
    if not notes then return nil, found, code end
    worker.count = worker.count + 1
    local self = setmetatable({
        number = worker.count, conf = found,
        options = setmetatable({
            version = options.version or require("pubsubgw").version }, { __index = options }),
        limit = options.max_pending_bytes or 33554432,
        message_max = options.max_message_bytes or 1000000,
        exit_seconds = options.exit_seconds or 10,
        bytes = 0, pending = 0, in_flight = 0, last = 0,
        first_ready = 1, last_ready = 0, ready = {}, repeats = {}, taken = {},
        counted = { accepted = 0, delivered = 0, dropped = 0, failed = 0, retried = 0, messages = 0 },
    }, Logger)
    worker.loggers[self.number] = self
    -- In init there is no worker yet, and pubsubgw.nginx's init_worker starts it.
    local phase = ngx.get_phase()
    if worker.started or phase ~= "init" and phase ~= "init_worker" then self:start() end
    return self, notes
end

-- Called by pubsubgw.nginx's init_worker: a worker that leaves can begin nothing new.
function logger.init_worker()
    worker.started = true
    for _, self in pairs(worker.loggers) do self:start() end
end

-- The producer -------------------------------------------------------------------------------------

local function queue_of(gateway)
    if worker.queue and worker.gateway == gateway then return worker.queue end
    local queue, text, code = gateway:queue()
    if queue then worker.queue, worker.gateway = queue, gateway end
    return queue, text, code
end

local function producer_of(self)
    local gateway = require("pubsubgw.nginx").gateway()
    if not gateway then return nil, "pubsubgw.nginx's init was not called" end
    local queue, text = queue_of(gateway)
    if not queue then return nil, text end
    self.client, text = Client.new(gateway, conf.client(self.conf), queue)
    if not self.client then return nil, text end
    local out = ffi.new "pubsubgw_producer *[1]"
    local settings = conf.producer(self.conf, self.message_max, self.limit)
    local code = C.pubsubgw_producer_new(self.client.handle, json.text(settings), self.number, out)
    if code < 0 then return nil, select(2, status.failure(code)) end
    return ffi.gc(out[0], C.pubsubgw_producer_destroy)
end

function Logger:say(...) ngx.log(ngx.ERR, "pubsubgw: ", self.conf.name, ": ", ...) end

-- Whether there is a producer; makes it where there is none.
function Logger:start()
    if self.handle then return true end
    local now = ngx.now()
    if self.start_at and now < self.start_at then return false end
    local text
    self.handle, text = producer_of(self)
    if self.handle then return true end
    self.start_at = now + START_SECONDS
    if text ~= self.told_start then
        self.told_start = text
        self:say("no producer: ", text)
    end
    return false
end

-- Batches ------------------------------------------------------------------------------------------

function Logger:settle(batch)
    self.pending = self.pending - batch.count
    self.bytes = self.bytes - batch.bytes
end

function Logger:failed(batch, text)
    if batch.text and batch.attempts < self.conf.max_retry_count then
        batch.attempts = batch.attempts + 1
        batch.due = ngx.now() + (self.leave_by and 0 or self.conf.retry_delay)
        self.counted.retried = self.counted.retried + batch.count
        self.repeats[#self.repeats + 1] = batch
        return
    end
    self:settle(batch)
    self:lost(batch.count, text)
end

-- One line when entries begin to be lost, and one when they arrive again.
function Logger:lost(count, text)
    self.counted.failed = self.counted.failed + count
    if self.failing then return end
    self.failing = self.counted.failed - count
    self:say("entries are not delivered: ", text)
end

function Logger:delivered(batch)
    self:settle(batch)
    self.counted.delivered = self.counted.delivered + batch.count
    if not self.failing then return end
    self:say("entries are delivered again; ", self.counted.failed - self.failing, " were not")
    self.failing = nil
end

-- The entries that were collected become a message that waits for the producer.
function Logger:close_batch()
    local open = self.open
    if not open then return end
    self.open = nil
    local text = self.conf.batch_max_size == 1 and open[1] or "[" .. table.concat(open, ",") .. "]"
    self.last_ready = self.last_ready + 1
    self.ready[self.last_ready] = {
        text = text, count = #open, bytes = open.bytes, attempts = 0 }
end

function Logger:add(text, bytes)
    local now, open = ngx.now(), self.open
    if open and open.size + #text + 1 > self.message_max then
        self:close_batch()
        open = nil
    end
    if not open then
        open = { size = MESSAGE_OVERHEAD, bytes = 0, first = now }
        self.open = open
    end
    open[#open + 1] = text
    open.size, open.bytes, open.newest = open.size + #text + 1, open.bytes + bytes, now
    if #open >= self.conf.batch_max_size then self:close_batch() end
end

-- When the open batch is to be closed: a time, or nil.
function Logger:due()
    local open = self.open
    return open and math.min(
        open.newest + self.conf.inactive_timeout, open.first + self.conf.buffer_duration)
end

local function bytes(text)
    if text == nil then return nil, 0 end
    return ffi.cast("const char *", text), #text
end

-- Gives a batch to the library. true: it is taken; false: not now; nil: it never will be.
function Logger:give(batch)
    local raw, found = ffi.new "pubsubgw_produce_args", self.conf
    raw.struct_size, raw.partition, raw.topic = ffi.sizeof(raw), -1, found.kafka_topic
    raw.key, raw.key_len = bytes(found.key)
    raw.value, raw.value_len = bytes(batch.text)
    raw.token = self.last + 1
    local code = C.pubsubgw_produce(self.handle, raw)
    if code >= 0 then
        self.last = self.last + 1
        self.taken[self.last] = batch
        self.in_flight = self.in_flight + 1
        self.counted.messages = self.counted.messages + 1
        if batch.attempts >= found.max_retry_count then batch.text = nil end
        return true
    end
    if code == status.codes.FULL or code == status.codes.STATE then return false end
    local _, text = status.failure(code)
    self:failed(batch, text)
end

function Logger:hand()
    local given = false
    while self.first_ready <= self.last_ready and self.in_flight < self.conf.producer_max_buffering do
        local batch = self.ready[self.first_ready]
        local taken = self:give(batch)
        if taken == false then break end
        given = given or taken
        self.ready[self.first_ready] = nil
        self.first_ready = self.first_ready + 1
    end
    return given
end

function Logger:receive(event)
    local text = event.data ~= "" and event.data or "the producer ended"
    for _, token in ipairs(event.delivery.tokens) do
        local batch = self.taken[token]
        if batch then
            self.taken[token] = nil
            self.in_flight = self.in_flight - 1
            if event.status < 0 then self:failed(batch, text) else self:delivered(batch) end
        end
    end
end

-- The worker's timer -------------------------------------------------------------------------------

function Logger:repeat_due(now)
    if #self.repeats == 0 then return end
    local later = {}
    for _, batch in ipairs(self.repeats) do
        if batch.due > now then
            later[#later + 1] = batch
        else
            self.last_ready = self.last_ready + 1
            self.ready[self.last_ready] = batch
        end
    end
    self.repeats = later
end

-- What is left when the time to leave is over.
function Logger:give_up()
    local count = self.pending
    if count > 0 then
        self.counted.failed = self.counted.failed + count
        self:say(count, " entries are lost: not delivered within ", self.exit_seconds,
            " seconds, and the worker ends")
    end
    self.pending, self.bytes, self.in_flight = 0, 0, 0
    self.open, self.ready, self.repeats, self.taken = nil, {}, {}, {}
    self.first_ready, self.last_ready = 1, 0
end

function Logger:check_dropping()
    if self.dropping and self.bytes <= self.limit / 2 then
        self:say("there is room again: ", self.counted.dropped - self.dropping,
            " entries were dropped")
        self.dropping = nil
    end
end

function Logger:turn(now, leaving)
    if leaving and not self.leave_by then self.leave_by = now + self.exit_seconds end
    local due = self:due()
    if due and (leaving or due <= now) then self:close_batch() end
    self:repeat_due(now)
    if self.last_ready >= self.first_ready and self:start() and self:hand() then
        self.unflushed = true
    end
    if leaving and self.handle and self.in_flight > 0 and (self.unflushed or not self.flushes) then
        self.unflushed = false
        self.flushes = (self.flushes or 0) + 1
        C.pubsubgw_flush(self.handle, self.flushes)
    end
    if self.leave_by and now >= self.leave_by then self:give_up() end
end

local function receive(raw)
    if raw.type ~= DELIVERY then return end
    local event = Queue.event(raw)
    local self = worker.loggers[event.user_data]
    if self then self:receive(event) end
end

-- One look at everything; seconds until the next one, nil: nothing waits.
local function look(premature)
    local now, leaving = ngx.now(), premature or ngx.worker.exiting()
    if worker.queue then
        repeat until (worker.queue:each(receive) or 0) == 0
    end
    local pause
    for number, self in pairs(worker.loggers) do
        if self.pending > 0 then self:turn(now, leaving or self.closing) end
        self:check_dropping()
        -- Who comes later has as long again.
        if self.pending == 0 then self.leave_by = nil end
        if self.pending > 0 then
            local busy = leaving or self.in_flight > 0 or self.last_ready >= self.first_ready
            pause = math.min(pause or IDLE_SECONDS, busy and BUSY_SECONDS or IDLE_SECONDS)
        elseif self.closing then
            self:finish()
            worker.loggers[number] = nil
        end
    end
    return pause
end

local run

local function begin()
    local begun, text = ngx.timer.at(0, run)
    worker.running = begun and true or false
    return begun, text
end

function run(premature)
    for _ = 1, TURNS_MAX do
        local fine, pause = pcall(look, premature)
        if not fine then
            ngx.log(ngx.ERR, "pubsubgw: kafka-logger: ", pause)
            pause = IDLE_SECONDS
        end
        if not pause then
            worker.running = false
            return
        end
        ngx.sleep(pause)
    end
    if not begin() then return run(premature) end
end

local function wake(self)
    if worker.running then return end
    local begun, text = begin()
    if not begun and not self.told_timer then
        self.told_timer = true
        self:say("no timer: ", text)
    end
end

-- Phases of a request ------------------------------------------------------------------------------

function Logger:is_off() return self.conf._meta.disable or self.closing end

-- For access_by_lua, or rewrite_by_lua: reads the request's body if it will be logged.
function Logger:access_phase()
    if not self:is_off() and entry.wants_body(self.conf) then ngx.req.read_body() end
end

-- For body_filter_by_lua: keeps what will be logged of the response's body.
function Logger:body_filter_phase()
    local found = self.conf
    if not found.include_resp_body or self:is_off() then return end
    local kept = ngx.ctx[self]
    if not kept then
        local expr = found.include_resp_body_expr
        kept = { is_wanted = not expr or expr(ngx.var), left = found.max_resp_body_bytes }
        ngx.ctx[self] = kept
    end
    local chunk = ngx.arg[1]
    if not kept.is_wanted or kept.left == 0 or type(chunk) ~= "string" or chunk == "" then return end
    if #chunk > kept.left then chunk = chunk:sub(1, kept.left) end
    kept.left = kept.left - #chunk
    kept[#kept + 1] = chunk
end

local function entry_of(self)
    local found = self.conf
    if found.meta_format == "origin" then
        local text = entry.origin(found)
        return found.batch_max_size == 1 and text or entry.quoted(text)
    end
    if found.log_format then return entry.json(entry.formatted(found, self.options)) end
    local kept = ngx.ctx[self]
    return entry.json(entry.full(
        found, self.options, kept and kept.is_wanted and table.concat(kept) or nil))
end

-- For log_by_lua: takes the entry of the request. false: it is dropped.
function Logger:log_phase()
    if self:is_off() then return false end
    local fine, text = pcall(entry_of, self)
    if not fine then
        self:lost(1, text)
        return false
    end
    local counted, size = self.counted, #text + ENTRY_BYTES
    if #text + MESSAGE_OVERHEAD > self.message_max then
        self:lost(1, ("an entry of %d bytes is more than max_message_bytes, %d"):format(
            #text, self.message_max))
        return false
    end
    if self.bytes + size > self.limit then
        counted.dropped = counted.dropped + 1
        if not self.dropping then
            self.dropping = counted.dropped - 1
            self:say("entries are dropped: ", self.bytes, " bytes wait, ", self.limit,
                " at most (max_pending_bytes)")
        end
        wake(self)
        return false
    end
    counted.accepted = counted.accepted + 1
    self.pending, self.bytes = self.pending + 1, self.bytes + size
    self:add(text, size)
    wake(self)
    return true
end

-- Numbers of this worker: entries accepted, of them delivered, failed (not delivered, or too large) and
-- pending (on their way), bytes (which those take); dropped (for want of room), retried; messages that
-- were given to the producer, and in_flight of them.
function Logger:counters()
    local found = { pending = self.pending, bytes = self.bytes, in_flight = self.in_flight }
    for name, value in pairs(self.counted) do found[name] = value end
    return found
end

function Logger:finish()
    if self.handle then C.pubsubgw_producer_destroy(ffi.gc(self.handle, nil)) end
    if self.client then self.client:close() end
    self.handle, self.client = nil, nil
end

-- Takes no entries any more, sends those it has, within exit_seconds, and ends. For confs that changed.
function Logger:close()
    self.closing = true
    wake(self)
end

return logger
