-- Scalars on the wire and in Lua.
local ffi = require "ffi"
local bit = require "bit"

local wire = {}

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
wire.scalars = {
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

-- How a field's values are written: 0 varint, 1 and 5 fixed, 2 with a length.
function wire.type_of(schema, field)
    local kind = wire.scalars[field.kind]
    if kind then return kind[1] end
    return field.kind ~= "map" and schema:find("enums", field) and 0 or 2
end

-- The message that an entry of a map is.
function wire.map_entry(field)
    local key = { name = "key", number = 1, kind = field.key, scope = field.scope }
    local value = { name = "value", number = 2, kind = field.value, scope = field.scope }
    return { name = "", fields = { key, value }, by_number = { key, value } }
end


wire.varint, wire.put_varint, wire.get_fixed, wire.put_fixed =
    varint, put_varint, get_fixed, put_fixed
wire.wide, wire.narrow, wire.malformed = wide, narrow, malformed

return wire
