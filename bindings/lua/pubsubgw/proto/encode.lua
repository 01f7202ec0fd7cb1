-- Tables to bytes.
local ffi = require "ffi"
local wire_types = require "pubsubgw.proto.wire"
local put_varint, put_fixed, wide = wire_types.put_varint, wire_types.put_fixed, wire_types.wide
local map_entry, wire_of = wire_types.map_entry, wire_types.type_of

local SCALARS = wire_types.scalars
local uint64 = ffi.typeof "uint64_t"

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

return encode_message
