-- The transcript in Lua.
--
--     luajit transcript.lua FILE      (package.path has bindings/lua; PUBSUBGW_LIBRARY the library)
local pubsubgw = require "pubsubgw"

local WAIT_MS = 20000

local gateway = assert(pubsubgw.new { host_schemes = { "none" } })
assert(gateway:route_put("transcript", {
    uri = "/transcript", upstream = { scheme = "none", type = "none" } }))
assert(gateway:start())
local queue = assert(gateway:queue())
assert(gateway:command_on("transcript", "cmd_upper", 1001, 1002, queue))

local head, output, session, closed = "", "", nil, nil

-- The host's own command: the same bytes in upper case, or a refusal.
local function answer(event)
    if event.data == "fail" then
        assert(gateway:command_fail(event.token, 0, "as it was asked to"))
    else
        assert(gateway:command_reply(event.token, event.data:upper()))
    end
    local done, _, code = gateway:command_reply(event.token, "again")
    assert(not done and code == pubsubgw.E.GONE)
end

local function take_output()
    while true do
        local bytes = assert(gateway:output(session))
        if bytes == "" then return end
        output = output .. bytes
        if not gateway:consume(session, #bytes) then return end
    end
end

local function take_events()
    local events = assert(queue:wait(WAIT_MS))
    assert(#events > 0, "nothing came")
    for _, event in ipairs(events) do
        if event.type == pubsubgw.EV.OUTPUT then take_output() end
        if event.type == pubsubgw.EV.COMMAND then answer(event) end
        if event.type == pubsubgw.EV.CLOSED then closed = event end
    end
end

local steps = {}

function steps.head(bytes) head = head .. bytes end

function steps.send(bytes) assert(gateway:feed(session, bytes)) end

function steps.receive(bytes)
    while #output < #bytes do take_events() end
    assert(output:sub(1, #bytes) == bytes, "other bytes came")
    output = output:sub(#bytes + 1)
end

local function from_hex(text)
    return (text:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local count = 0
for line in io.lines(arg[1]) do
    local word, rest = line:match "^([a-z]+) (.*)$"
    if word then
        count = count + 1
        if word ~= "head" and not session then
            session = assert(gateway:open_bytes { queue = queue, request_head = head })
        end
        if word == "closed" then
            while not closed do take_events() end
            local code, reason = rest:match "^(%d+) ?(.*)$"
            assert(closed.code == tonumber(code) and closed.data == reason and output == "")
        else
            assert(steps[word], word)(from_hex(rest))
        end
    end
end
assert(count > 10 and closed)
assert(gateway:stop(1000))
print(count .. " steps")
