-- Protocol buffers for handlers in Lua: reads .proto files (proto3: messages, enums, oneofs, lists,
-- maps), decodes and encodes tables. As lua-protobuf with "int64_as_string": 64-bit integers are
-- numbers from -2^31 to 2^32-1 and else strings "#123"; scalars that are not on the wire have their
-- default; a oneof's name holds the name of the field that is set.
local ffi = require "ffi"
local bit = require "bit"

local proto = {}
local Schema = {}
Schema.__index = Schema

-- The file ------------------------------------------------------------------------------------

local function words_of(text)
    text = text:gsub("/%*.-%*/", " "):gsub("//[^\n]*", " ")
    local words, at = {}, 1
    while true do
        at = text:find("%S", at)
        if not at then return words end
        local quoted = text:match('^"[^"]*"', at) or text:match("^'[^']*'", at)
        local word = quoted or text:match("^[%w_%.%-]+", at) or text:sub(at, at)
        words[#words + 1] = word
        at = at + #word
    end
end

local Reader = {}
Reader.__index = Reader

function Reader:next()
    self.at = self.at + 1
    return self.words[self.at] or error("the .proto file ends early", 0)
end

function Reader:peek() return self.words[self.at + 1] end

function Reader:expect(word)
    local found = self:next()
    if found ~= word then error(("expected %q, found %q"):format(word, found), 0) end
end

-- Up to the end of a statement that says nothing about the wire.
function Reader:skip()
    local depth = 0
    repeat
        local word = self:next()
        if word == "{" then depth = depth + 1 elseif word == "}" then depth = depth - 1 end
    until depth == 0 and (word == ";" or word == "}")
end

function Reader:field(message, kind, oneof, label)
    local field = { kind = kind, oneof = oneof, list = label == "repeated",
        optional = label == "optional", scope = message.name }
    if kind == "map" then
        self:expect "<"
        field.key = self:next()
        self:expect ","
        field.value = self:next()
        self:expect ">"
    end
    field.name = self:next()
    self:expect "="
    field.number = tonumber(self:next())
    self:skip()
    message.fields[#message.fields + 1] = field
    message.by_number[field.number] = field
end

function Reader:oneof(message)
    local name = self:next()
    self:expect "{"
    while self:peek() ~= "}" do
        local word = self:next()
        if word == "option" then self:skip() else self:field(message, word, name) end
    end
    self:expect "}"
end

function Reader:enum(schema, scope)
    local values = { by_name = {}, by_number = {} }
    schema.enums[scope .. self:next()] = values
    self:expect "{"
    while self:peek() ~= "}" do
        local name = self:next()
        if name == "option" or name == "reserved" then
            self:skip()
        else
            self:expect "="
            local number = tonumber(self:next())
            self:skip()
            values.by_name[name], values.by_number[number] = number, name
        end
    end
    self:expect "}"
end

local IGNORED = { option = true, reserved = true, extensions = true, [";"] = true }

function Reader:message(schema, scope)
    local name = scope .. self:next()
    local message = schema.messages[name] or { name = name, fields = {}, by_number = {} }
    schema.messages[name] = message
    self:expect "{"
    while self:peek() ~= "}" do
        local word = self:next()
        if word == "message" then self:message(schema, name .. ".")
        elseif word == "enum" then self:enum(schema, name .. ".")
        elseif word == "oneof" then self:oneof(message)
        elseif word == "repeated" or word == "optional" then
            self:field(message, self:next(), nil, word)
        elseif word ~= ";" and IGNORED[word] then self:skip()
        elseif word ~= ";" then self:field(message, word) end
    end
    self:expect "}"
end

-- Adds the messages of a file. A message of a name that is known already gets further fields.
function Schema:load(text)
    local reader = setmetatable({ words = words_of(text), at = 0 }, Reader)
    while reader:peek() do
        local word = reader:next()
        if word == "message" then reader:message(self, "")
        elseif word == "enum" then reader:enum(self, "")
        elseif word ~= ";" then reader:skip() end
    end
    return self
end

function proto.schema(text)
    return setmetatable({ messages = {}, enums = {} }, Schema):load(text)
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

-- Numbers -------------------------------------------------------------------------------------

local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"

local function malformed(what) error({ malformed = what }, 0) end

-- Seven bytes fit a Lua number; longer ones are uint64_t.
local function varint(data, at, last)
    local value, factor = 0, 1
    for index = at, at + 6 do
        if index > last then malformed "a number ends early" end
        local byte = data:byte(index)
        if byte < 128 then return value + byte * factor, index + 1 end
        value, factor = value + (byte - 128) * factor, factor * 128
    end
    local wide, shift = uint64(value), 49
    for index = at + 7, at + 9 do
        if index > last then malformed "a number ends early" end
        local byte = data:byte(index)
        wide = wide + bit.lshift(uint64(bit.band(byte, 127)), shift)
        if byte < 128 then return wide, index + 1 end
        shift = shift + 7
    end
    malformed "a number has more than ten bytes"
end

local function text_of(value) return "#" .. tostring(value):gsub("U?LL$", "") end

local function as_lua(value)
    local number = tonumber(value)
    if number >= -2147483648 and number <= 4294967295 then return number end
    return text_of(value)
end

local function signed(value) return as_lua(type(value) == "cdata" and ffi.cast(int64, value) or int64(value)) end
local function unsigned(value) return as_lua(uint64(value)) end
local function zigzag(value)
    value = uint64(value)
    return as_lua(ffi.cast(int64, bit.bxor(bit.rshift(value, 1), -bit.band(value, 1))))
end
local function narrow(value) return tonumber(ffi.cast("int32_t", uint64(value))) end
local function narrow_unsigned(value) return tonumber(ffi.cast("uint32_t", uint64(value))) end

-- uint64_t of what a handler may give: a number, "#123", "123", "-1", "0x1f", a 64-bit cdata.
local function wide(value)
    local kind = type(value)
    if kind == "cdata" then return ffi.cast(uint64, value) end
    if kind == "number" then return ffi.cast(uint64, int64(value)) end
    if kind == "boolean" then return uint64(value and 1 or 0) end
    if kind ~= "string" then error("no number: " .. tostring(value), 0) end
    local sign, digits = value:match "^#?([+-]?)(%w+)$"
    if not digits then error("no number: " .. value, 0) end
    local base, from = 10, 1
    if digits:sub(1, 2):lower() == "0x" then base, from = 16, 3 end
    local sum = uint64(0)
    for index = from, #digits do
        local digit = tonumber(digits:sub(index, index), base)
        if not digit then error("no number: " .. value, 0) end
        sum = sum * base + digit
    end
    return sign == "-" and -sum or sum
end

local function put_varint(out, value)
    while value >= 128 do
        out[#out + 1] = string.char(tonumber(bit.band(value, 127)) + 128)
        value = bit.rshift(value, 7)
    end
    out[#out + 1] = string.char(tonumber(value))
end

local function put_fixed(out, ctype, value)
    local box = ffi.new(ctype .. "[1]")
    box[0] = value
    out[#out + 1] = ffi.string(box, ffi.sizeof(box))
end

local function get_fixed(data, at, ctype)
    local box = ffi.new(ctype .. "[1]")
    ffi.copy(box, data:sub(at, at + ffi.sizeof(box) - 1), ffi.sizeof(box))
    return box[0]
end

local function put_zigzag(value, bits)
    local number = ffi.cast(int64, wide(value))
    return ffi.cast(uint64, bit.bxor(bit.lshift(number, 1), bit.arshift(number, bits - 1)))
end

-- kind = { wire type, from the wire, default, to the wire }
local SCALARS = {
    int32 = { 0, narrow, 0, wide }, int64 = { 0, signed, 0, wide },
    uint32 = { 0, narrow_unsigned, 0, wide }, uint64 = { 0, unsigned, 0, wide },
    sint32 = { 0, zigzag, 0, function(v) return bit.band(put_zigzag(v, 64), 0xffffffffULL) end },
    sint64 = { 0, zigzag, 0, function(v) return put_zigzag(v, 64) end },
    bool = { 0, function(v) return v ~= 0 end, false, wide },
    string = { 2, nil, "" }, bytes = { 2, nil, "" },
    fixed64 = { 1, unsigned, 0, wide, "uint64_t" },
    sfixed64 = { 1, signed, 0, wide, "int64_t" },
    double = { 1, tonumber, 0, tonumber, "double" },
    fixed32 = { 5, tonumber, 0, wide, "uint32_t" },
    sfixed32 = { 5, tonumber, 0, wide, "int32_t" },
    float = { 5, tonumber, 0, tonumber, "float" },
}
local SIZES = { [1] = 8, [5] = 4 }

-- Decoding ------------------------------------------------------------------------------------

local function skip(wire, data, at, last)
    if wire == 0 then
        local _, next_at = varint(data, at, last)
        return next_at
    elseif wire == 2 then
        local length, next_at = varint(data, at, last)
        if length > last - next_at + 1 then malformed "a field ends early" end
        return next_at + tonumber(length)
    elseif SIZES[wire] then
        if at + SIZES[wire] - 1 > last then malformed "a field ends early" end
        return at + SIZES[wire]
    end
    malformed "a wire type that does not exist"
end

local function scalar(schema, field, wire, data, at, after)
    local kind = SCALARS[field.kind]
    if not kind then
        local enum = schema:find("enums", field)
        local value = narrow((varint(data, at, after - 1)))
        return enum and enum.by_number[value] or value
    end
    if wire == 0 then return kind[2]((varint(data, at, after - 1))) end
    return kind[2](get_fixed(data, at, kind[5]))
end

local function wire_of(schema, field)
    local kind = SCALARS[field.kind]
    if kind then return kind[1] end
    return field.kind ~= "map" and schema:find("enums", field) and 0 or 2
end

local decode_message

local function packed(schema, field, list, data, at, after)
    local wire = wire_of(schema, field)
    while at < after do
        local next_at = skip(wire, data, at, after - 1)
        list[#list + 1] = scalar(schema, field, wire, data, at, next_at)
        at = next_at
    end
end

local function map_entry(field)
    return { name = "", fields = {
        { name = "key", number = 1, kind = field.key, scope = field.scope },
        { name = "value", number = 2, kind = field.value, scope = field.scope } } }
end

local function with_numbers(message)
    message.by_number = {}
    for _, field in ipairs(message.fields) do message.by_number[field.number] = field end
    return message
end

local function set(schema, found, field, wire, data, at, after)
    local value
    if wire == 2 then
        local length, start = varint(data, at, after - 1)
        if field.kind == "map" then
            local entry = decode_message(schema, with_numbers(map_entry(field)), data, start, after - 1)
            found[field.name][entry.key] = entry.value
            return
        elseif wire_of(schema, field) ~= 2 then
            return packed(schema, field, found[field.name], data, start, after)
        elseif SCALARS[field.kind] then
            value = data:sub(start, after - 1)
        else
            value = decode_message(schema, schema:find("messages", field), data, start, after - 1)
        end
    else
        value = scalar(schema, field, wire, data, at, after)
    end
    if field.list then
        table.insert(found[field.name], value)
        return
    end
    if field.oneof then
        local former = found[field.oneof]
        if former then found[former] = nil end
        found[field.oneof] = field.name
    end
    found[field.name] = value
end

local function defaults(schema, message)
    local found = {}
    for _, field in ipairs(message.fields) do
        local kind = SCALARS[field.kind]
        if field.list or field.kind == "map" then
            found[field.name] = {}
        elseif not field.oneof and not field.optional then
            local enum = not kind and schema:find("enums", field)
            found[field.name] = kind and kind[3] or enum and (enum.by_number[0] or 0) or nil
            if kind and kind[3] == false then found[field.name] = false end
        end
    end
    return found
end

function decode_message(schema, message, data, at, last)
    local found = defaults(schema, message)
    while at <= last do
        local tag
        tag, at = varint(data, at, last)
        tag = tonumber(tag)
        local number, wire = math.floor(tag / 8), tag % 8
        if number == 0 then malformed "a field has number 0" end
        local after = skip(wire, data, at, last)
        local field = message.by_number[number]
        local own = field and wire_of(schema, field)
        if field and (own == wire or field.list and wire == 2) then
            set(schema, found, field, wire, data, at, after)
        end
        at = after
    end
    return found
end

-- A table, or nil and what is wrong.
function Schema:decode(name, data)
    local fine, found = pcall(decode_message, self, self.messages[name], data, 1, #data)
    if fine then return found end
    if type(found) == "table" and found.malformed then return nil, found.malformed end
    error(found, 0)
end

-- Encoding ------------------------------------------------------------------------------------

local encode_message

local function put_tag(out, number, wire) put_varint(out, uint64(number * 8 + wire)) end

local function put_bytes(out, number, data)
    put_tag(out, number, 2)
    put_varint(out, uint64(#data))
    out[#out + 1] = data
end

local function put_number(schema, out, field, value)
    local kind = SCALARS[field.kind]
    if not kind then
        local enum = schema:find("enums", field)
        put_varint(out, wide(enum.by_name[value] or value))
    elseif kind[5] then
        put_fixed(out, kind[5], kind[4](value))
    else
        put_varint(out, kind[4](value))
    end
end

local function put_one(schema, out, field, value)
    local wire = wire_of(schema, field)
    if wire ~= 2 then
        put_tag(out, field.number, wire)
        return put_number(schema, out, field, value)
    end
    if SCALARS[field.kind] then return put_bytes(out, field.number, tostring(value)) end
    local message = schema:find("messages", field) or error("no message " .. field.kind, 0)
    put_bytes(out, field.number, encode_message(schema, message, value))
end

local function put_list(schema, out, field, list)
    local wire = wire_of(schema, field)
    if wire == 2 then
        for _, value in ipairs(list) do put_one(schema, out, field, value) end
    elseif list[1] ~= nil then
        local inner = {}
        for _, value in ipairs(list) do put_number(schema, inner, field, value) end
        put_bytes(out, field.number, table.concat(inner))
    end
end

local function is_default(schema, field, value)
    local kind = SCALARS[field.kind]
    if kind and kind[1] == 2 then return value == "" end
    if wire_of(schema, field) == 2 then return false end
    if type(value) == "string" and not kind then
        local enum = schema:find("enums", field)
        return (enum.by_name[value] or value) == 0
    end
    if kind and kind[4] == tonumber then return value == 0 end
    return value == false or wide(value) == 0
end

function encode_message(schema, message, values)
    local out = {}
    for _, field in ipairs(message.fields) do
        local value = values[field.name]
        if value == nil then -- not set
        elseif field.list then
            put_list(schema, out, field, value)
        elseif field.kind == "map" then
            local entry = map_entry(field)
            for key, item in pairs(value) do
                put_bytes(out, field.number, encode_message(schema, entry, { key = key, value = item }))
            end
        elseif field.oneof or field.optional or not is_default(schema, field, value) then
            put_one(schema, out, field, value)
        end
    end
    return table.concat(out)
end

-- Bytes; an error for values that their fields can't hold.
function Schema:encode(name, values) return encode_message(self, self.messages[name], values) end

return proto
