-- Serves a client whose WebSocket is lua-resty-websocket's (Debian: nginx.websocket.server): that
-- reads and writes frames, the library speaks the protocol inside of them.
local Mailbox = require "pubsubgw.mailbox"
local bit = require "bit"
local codes = require("pubsubgw.status").codes

local PING_SECONDS = 30
local LINGER = 2               -- seconds for the client to answer a Close frame
local WAITING_MAX = 16777216   -- bytes that a client may leave unread

local TRY_AGAIN, OUR_FAULT = 1013, 1011
local OPCODES = { text = 1, binary = 2 }

local Session = {}
Session.__index = Session

local function close_payload(code, reason)
    if not code then return "" end
    return string.char(bit.rshift(code, 8), bit.band(code, 255)) .. (reason or "")
end

-- Hands over what may be one piece of a message. False: the session takes no more.
function Session:frame(data, kind, more)
    if kind ~= "continuation" then self.opcode, self.pieces = OPCODES[kind], {} end
    if not self.opcode then return true end
    table.insert(self.pieces, data)
    if more then return true end
    local opcode, message = self.opcode, #self.pieces == 1 and data or table.concat(self.pieces)
    self.opcode = nil
    return self:deliver(opcode, message)
end

-- A whole message of the client.
function Session:deliver(opcode, message)
    local taken, pause, output = self.gateway:message(self.id, opcode, message)
    if output then self.dispatcher:poll() end
    return taken and (not pause or self.resumed:take(86400))
end

-- Light thread: from the client to the library.
function Session:read()
    while true do
        local data, kind, text = self.ws:recv_frame()
        if data then self.heard = ngx.now() end
        if not data then
            if self.ws.fatal then
                self.gateway:message(self.id, 8, "")
                break
            end
        elseif kind == "close" then
            self.gateway:message(self.id, 8, close_payload(text, data))
            break
        elseif kind == "ping" then
            self.outgoing:put { job = function() self.ws:send_pong(data) end }
        elseif kind ~= "pong" and not self:frame(data, kind, text == "again") then
            break
        end
    end
    self.ended:put(true)
end

-- A message of any size, in frames that lua-resty-websocket sends.
function Session:send(opcode, data)
    local length, room = #data, self.ws.max_send_len or self.ws.max_payload_len
    if length <= room then return self.ws:send_frame(true, opcode, data) end
    for first = 1, length, room do
        local last = first + room - 1
        local sent, text = self.ws:send_frame(
            last >= length, first == 1 and opcode or 0, data:sub(first, last))
        if not sent then return nil, text end
    end
    return true
end

function Session:lost() self.gateway:message(self.id, 8, "") end

-- Nothing was to be sent for a while: is the client still there?
function Session:ask()
    if ngx.now() - self.heard > 2 * PING_SECONDS + 1 or not self.ws:send_ping() then self:lost() end
end

-- From the library to the client; returns the event that ends the session.
function Session:write()
    while true do
        local item = self.outgoing:take(PING_SECONDS)
        if not item then
            self:ask()
        elseif item.job then
            local fine, text = pcall(item.job)
            if not fine then
                ngx.log(ngx.ERR, "pubsubgw: ", text)
                self.gateway:close_session(self.id, 1011)
            end
        elseif item.type == 2 then -- MESSAGE
            self.waiting = self.waiting - #item.data
            if not self:send(item.code, item.data) then self:lost() end
        elseif item.type == 4 then -- CLOSED
            return item
        end
    end
end

-- Called with the session's events. The library counts a message as sent when it is polled: what a
-- slow client leaves unread waits here, and has to end somewhere.
function Session:take(event)
    if event.type == 3 then return self.resumed:put(true) end -- RESUME
    if event.type == 2 then -- MESSAGE
        self.waiting = self.waiting + #event.data
        if self.waiting > WAITING_MAX and not self.slow then
            self.slow = true
            self.gateway:close_session(self.id, 1013, "too much is waiting to be read")
        end
    end
    self.outgoing:put(event)
end

function Session:finish(event)
    if not self.ws.fatal and event.code ~= 1006 and event.code ~= 0 then
        self.ws:send_frame(true, 8, close_payload(event.code ~= 1005 and event.code, event.data))
        self.resumed:put(true)
        self.ended:take(LINGER)
    end
    ngx.thread.kill(self.reader)
    return event
end

-- A session around `ws`; Session.run runs it until it has ended and returns EV.CLOSED's event.
-- options: `route` (or `host` and `uri`), `policy`, `protocol`, ... as for adopt; the request head is
-- the request's own, and tells Origin and sub-protocol. nil, text, code: the client got a Close frame.
function Session.open(gateway, dispatcher, ws, options, class)
    options.remote_addr = options.remote_addr or ngx.var.remote_addr
    options.queue, options.tell_output = dispatcher.queue, true
    options.request_head = options.request_head or ngx.req.raw_header()
    local id, text, code = gateway:open_messages(options)
    if not id then
        ws:send_frame(true, 8, close_payload(code == codes.STATE and TRY_AGAIN or OUR_FAULT))
        return nil, text, code
    end
    local self = setmetatable({
        gateway = gateway, dispatcher = dispatcher, ws = ws, id = id, waiting = 0,
        heard = ngx.now(),
        outgoing = Mailbox.new(), resumed = Mailbox.new(), ended = Mailbox.new(),
    }, class or Session)
    dispatcher:watch(id, function(event) self:take(event) end)
    return self
end

function Session:run()
    self.reader = ngx.thread.spawn(self.read, self)
    return self:finish(self:write())
end

return Session
