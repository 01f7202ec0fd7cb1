-- luajit recode.lua PROTO MESSAGE: decodes and encodes again each line's bytes (hexadecimal).
-- A line that begins with "?" is only decoded; the answer is what is wrong with it, or "fine".
local proto = require "pubsubgw.proto"
local schema = proto.schema(assert(io.open(arg[1])):read "*a")

local function bytes(hex) return (hex:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end)) end
local function hex(data) return (data:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

for line in io.lines() do
    if line:sub(1, 1) == "?" then
        local _, text = schema:decode(arg[2], bytes(line:sub(2)))
        print(text or "fine")
    else
        print(hex(schema:encode(arg[2], assert(schema:decode(arg[2], bytes(line))))))
    end
end
