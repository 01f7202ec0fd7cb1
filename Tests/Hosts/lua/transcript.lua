-- The transcript that every language's binding runs (Tests/ABI/transcript.txt), in Lua.
--
--     transcript.lua FILE
local pubsubgw = require "pubsubgw"

local WAIT_MS = 20000
local EV = pubsubgw.EV

local gateway = assert(pubsubgw.new { host_schemes = pubsubgw.list { "none" } })
assert(gateway:route_put("transcript", {
    uri = "/transcript", upstream = { scheme = "none", type = "none" } }))
assert(gateway:start())
local queue = assert(gateway:queue())
assert(gateway:command_on(nil, "cmd_upper", 1001, 1002, queue))

local session, ended
local head, received = "", ""

local function bytes_of(hex)
    return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function answer(event)
    assert(event.code == 1001 and event.number2 == 1002)
    if event.data == "fail" then
        return assert(gateway:command_fail(event.token, 0, "as it was asked to"))
    end
    assert(gateway:command_reply(event.token, event.data:upper()))
end

local function take_output()
    local data = gateway:output(session)
    while data and data ~= "" do
        received = received .. data
        if not gateway:consume(session, #data) then return end
        data = gateway:output(session)
    end
end

local function take_events()
    local events = assert(queue:wait(WAIT_MS))
    assert(#events > 0, "nothing came")
    for _, event in ipairs(events) do
        if event.type == EV.OUTPUT then take_output() end
        if event.type == EV.COMMAND then answer(event) end
        if event.type == EV.CLOSED then ended = event.code .. " " .. event.data end
    end
end

local perform = {}

function perform.head(hex) head = head .. bytes_of(hex) end

function perform.send(hex) assert(gateway:feed(session, bytes_of(hex))) end

function perform.receive(hex)
    local wanted = bytes_of(hex)
    while #received < #wanted do take_events() end
    assert(received:sub(1, #wanted) == wanted, "not " .. hex)
    received = received:sub(#wanted + 1)
end

function perform.closed(wanted)
    while not ended do take_events() end
    assert(ended == wanted, ended)
    assert(received == "", "more came")
end

local performed = 0
for line in io.lines(arg[1]) do
    local word, rest = line:match "^(%l+) (.*)$"
    if word then
        if word ~= "head" and not session then
            session = assert(gateway:open_bytes { request_head = head, queue = queue })
        end
        perform[word](rest)
        performed = performed + 1
    else
        assert(line == "" or line:sub(1, 1) == "#", line)
    end
end
assert(performed > 10 and ended)
assert(gateway:stop(1000))
