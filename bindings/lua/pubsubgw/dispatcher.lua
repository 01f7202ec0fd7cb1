-- One light thread per worker that takes the events of a queue and hands each to whom it concerns.
-- It sleeps on a cosocket: the library writes a byte to it when events begin to wait.
local C = require("pubsubgw.library").C
local Mailbox = require "pubsubgw.mailbox"
local Pool = require "pubsubgw.pool"
local Queue = require "pubsubgw.queue"

local Dispatcher = {}
Dispatcher.__index = Dispatcher

local READ_TIMEOUT = 86400000 -- ms; a quiet day is no error
local WAKES_MAX = 1000000     -- then a new light thread takes over, and the old one's memory goes

local GONE = require("pubsubgw.status").codes.GONE
local LAST = 2 -- PUBSUBGW_LAST

local LEVELS = {
    [C.PUBSUBGW_LOG_ERROR] = ngx.ERR, [C.PUBSUBGW_LOG_WARN] = ngx.WARN,
    [C.PUBSUBGW_LOG_INFO] = ngx.INFO, [C.PUBSUBGW_LOG_DEBUG] = ngx.DEBUG,
}

-- path: of the socket that wakes it. is_late: made by a worker that goes already, for sessions that
-- come yet. May be called wherever ngx.timer.at may.
function Dispatcher.new(gateway, path, is_late)
    local queue, text, code = gateway:queue { log = true }
    if not queue then return nil, text, code end
    local listens
    listens, text, code = queue:wake_listen(path)
    if not listens then return nil, text, code end
    local self = setmetatable({
        queue = queue, path = path, gateway = gateway, sessions = {}, tokens = {}, next_token = 1,
        commands = {}, sources = {}, pool = Pool.new(), until_idle = is_late,
    }, Dispatcher)
    self.handle = function(raw)
        local fine, text = pcall(self.take, self, raw)
        if not fine then ngx.log(ngx.ERR, "pubsubgw: ", text) end
    end
    local begun
    begun, text = ngx.timer.at(0, function() self:run() end)
    if not begun then return nil, text end
    return self
end

-- What is called with each event of a session, up to EV.CLOSED.
function Dispatcher:watch(session, receiver) self.sessions[session] = receiver end

-- A token for a request, and what is called with each event that carries it.
function Dispatcher:token(receiver)
    local token = self.next_token
    self.next_token = token + 1
    self.tokens[token] = receiver
    return token
end

function Dispatcher:forget(token) self.tokens[token] = nil end

function Dispatcher:mailbox() return Mailbox.new() end

local OUTPUT, RESUME = { type = 1 }, { type = 3 } -- the events that say nothing else

function Dispatcher:take(raw)
    local kind = raw.type
    if kind == 1 or kind == 3 then
        local receiver = self.sessions[tonumber(raw.session)]
        return receiver and receiver(kind == 1 and OUTPUT or RESUME)
    end
    local event = Queue.event(raw)
    if kind == 11 then -- LOG
        ngx.log(LEVELS[event.code] or ngx.INFO, "pubsubgw: ", event.data)
    elseif kind == 10 then -- DRAINED
        -- A worker does not end while it waits for events. But who came behind the drain of a reload
        -- has a Close frame on its way.
        self.until_idle, self.drained = true, event.status ~= 0
    elseif kind == 5 then -- COMMAND
        self:command(event)
    elseif kind == 12 then -- TOKEN
        local source = self.sources[event.data]
        self.pool:run(function() self.gateway:token_answer(event.data, source) end)
    elseif event.session ~= 0 then
        local receiver = self.sessions[event.session]
        if kind == 4 then self.sessions[event.session] = nil end -- CLOSED
        if receiver then receiver(event) end
    else
        local receiver = self.tokens[Queue.owner(event)]
        if receiver then receiver(event) end
    end
end

-- handler: function (message, event) that returns the response's encoded sub-message, or nil, a text
-- for the client, and a code. It may wait: each command has a light thread.
function Dispatcher:on(request_field, handler) self.commands[request_field] = handler end

-- source: function (name) that returns a token and its lifetime in seconds; see pubsubgw/tokens.lua. It
-- may wait: each request has a light thread.
function Dispatcher:on_token(name, source)
    self.sources[name] = source
    return self.gateway:token_on(name, self.queue)
end

local function answer(gateway, handler, event)
    local fine, message, text, code = pcall(handler, event.data, event)
    if not fine then
        ngx.log(ngx.ERR, "pubsubgw: command ", event.code, ": ", message)
        return gateway:command_fail(event.token, 0, "the command failed")
    end
    if message then return gateway:command_reply(event.token, message) end
    gateway:command_fail(event.token, code, text)
end

function Dispatcher:command(event)
    local handler = self.commands[event.code]
    if not handler then return self.gateway:command_fail(event.token, 2, "unknown command") end
    self.pool:run(function() answer(self.gateway, handler, event) end)
end

-- Nobody is called back from within a call that takes events.
function Dispatcher:poll()
    if self.polling then return end
    self.polling = true
    repeat until (self.queue:each(self.handle) or 0) == 0
    self.polling = false
end

-- For those who still wait when the gateway's time to drain is over: nothing comes any more.
function Dispatcher:abandon()
    for session, receiver in pairs(self.sessions) do
        receiver { type = 4, status = 0, session = session, code = 1006, flags = 0, data = "" }
    end
    for token, receiver in pairs(self.tokens) do
        receiver { type = 0, status = GONE, token = token, flags = LAST, data = "the gateway ended" }
    end
    self.sessions, self.tokens = {}, {}
end

-- Ends the queue, and its socket's file with it.
function Dispatcher:close()
    if not self.closed then
        self.closed = true
        self.pool:finish()
        self.queue:close()
    end
end

function Dispatcher:is_over()
    return self.drained or self.until_idle and next(self.sessions) == nil
end

-- Until the gateway has drained or stopped.
function Dispatcher:run()
    local socket = ngx.socket.tcp()
    socket:settimeouts(1000, 1000, READ_TIMEOUT)
    local connected, text = socket:connect("unix:" .. self.path)
    if not connected then
        ngx.log(ngx.ERR, "pubsubgw: ", self.path, ": ", text)
        return ngx.timer.at(1, function() self:run() end)
    end
    for _ = 1, WAKES_MAX do
        self:poll()
        if self:is_over() then break end
        local bytes
        bytes, text = socket:receiveany(64)
        if not bytes and text ~= "timeout" then self.drained = true end
    end
    socket:close()
    if self:is_over() then
        self:poll()
        self:abandon()
        return self:close()
    end
    if not ngx.timer.at(0, function() self:run() end) then return self:run() end
end

return Dispatcher
