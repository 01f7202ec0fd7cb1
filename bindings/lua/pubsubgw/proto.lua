-- Protocol buffers for handlers in Lua: reads .proto files (proto3: messages, enums, oneofs, lists,
-- maps), decodes and encodes tables. As lua-protobuf with "int64_as_string": 64-bit integers are
-- numbers from -2^31 to 2^32-1 and else strings "#123"; scalars that are not on the wire have their
-- default; a oneof's name holds the name of the field that is set.
local decode = require "pubsubgw.proto.decode"
local encode = require "pubsubgw.proto.encode"
local load = require "pubsubgw.proto.file"

local proto = {}
local Schema = {}
Schema.__index = Schema

-- text: of a .proto file.
function proto.schema(text)
    return setmetatable({ messages = {}, enums = {} }, Schema):load(text)
end

-- Adds the messages of another file. A message of a name that is known already gets further fields.
function Schema:load(text)
    load(self, text)
    return self
end

-- A type's name counts from the inside out.
function Schema:find(what, field)
    local scope = field.scope
    local name = field.kind:gsub("^%.", "")
    while scope do
        local found = self[what][scope .. "." .. name]
        if found then return found end
        scope = scope:match "^(.*)%."
    end
    return self[what][name]
end

-- A table, or nil and what is wrong.
function Schema:decode(name, data)
    local fine, found = pcall(decode, self, self.messages[name], data, 1, #data)
    if fine then return found end
    if type(found) == "table" and found.malformed then return nil, found.malformed end
    error(found, 0)
end

-- Bytes; an error for values that their fields can't hold.
function Schema:encode(name, values) return encode(self, self.messages[name], values) end

return proto
