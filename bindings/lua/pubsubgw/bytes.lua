-- Serves the request at hand: nginx keeps the connection and TLS, the library speaks WebSocket.
-- The location needs nothing else: no proxy_pass, no WebSocket library.
local Mailbox = require "pubsubgw.mailbox"

local READ_MAX = 32768
local FOREVER = 86400 -- seconds
local OUTPUT = { type = 1 }

-- Light thread: from the client to the library.
local function read(gateway, session, socket, events, resumed)
    while true do
        local bytes, text, partial = socket:receiveany(READ_MAX)
        bytes = bytes or partial or ""
        local fed, pause, output = true, false, false
        if bytes ~= "" then fed, pause, output = gateway:feed(session, bytes) end
        if not fed then break end
        if output then events:put(OUTPUT) end
        if text and text ~= "timeout" then
            gateway:feed(session, "")
            break
        end
        if pause and not resumed:take(FOREVER) then break end
    end
end

-- To the client, as long as something waits. false: the client is gone.
local function write(gateway, session, socket)
    repeat
        local bytes = gateway:output(session)
        if not bytes or bytes == "" then return true end
        if not socket:send(bytes) then return false end
    until not gateway:consume(session, #bytes)
    return true
end

-- Runs the session until it has ended; returns EV.CLOSED's event. nil, text, code: nothing was sent.
-- options: as for adopt; the request head is the request's own.
return function(gateway, dispatcher, options)
    options.request_head = ngx.req.raw_header()
    options.remote_addr = options.remote_addr or ngx.var.remote_addr
    options.queue, options.tell_output = dispatcher.queue, true
    local session, text, code = gateway:open_bytes(options)
    if not session then return nil, text, code end
    ngx.status = 101 -- for the access log: it is the library that answers
    local socket
    socket, text = ngx.req.socket(true)
    if not socket then
        gateway:forget(session)
        return nil, text
    end
    socket:settimeouts(60000, 60000, FOREVER * 1000)
    local events, resumed = Mailbox.new(), Mailbox.new()
    dispatcher:watch(session, function(event)
        if event.type == 3 then resumed:put(true) else events:put(event) end -- RESUME
    end)
    local reader = ngx.thread.spawn(read, gateway, session, socket, events, resumed)
    local event
    repeat
        event = events:take(FOREVER)
        if event and event.type == 1 and not write(gateway, session, socket) then -- OUTPUT
            gateway:feed(session, "")
        end
    until event and event.type == 4 -- CLOSED
    ngx.thread.kill(reader) -- nginx lingers by itself (lingering_close)
    return event
end
