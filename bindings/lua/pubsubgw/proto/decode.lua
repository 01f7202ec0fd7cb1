-- Bytes to tables.
local wire_types = require "pubsubgw.proto.wire"
local varint, get_fixed, narrow = wire_types.varint, wire_types.get_fixed, wire_types.narrow
local malformed, map_entry, wire_of =
    wire_types.malformed, wire_types.map_entry, wire_types.type_of

local SCALARS = wire_types.scalars
local SIZES = { [1] = 8, [5] = 4 }

local decode_message

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

local decode_message

local function packed(schema, field, list, data, at, after)
    local wire = wire_of(schema, field)
    while at < after do
        local next_at = skip(wire, data, at, after - 1)
        list[#list + 1] = scalar(schema, field, wire, data, at, next_at)
        at = next_at
    end
end

local function set(schema, found, field, wire, data, at, after)
    local value
    if wire == 2 then
        local length, start = varint(data, at, after - 1)
        if field.kind == "map" then
            local entry = decode_message(schema, map_entry(field), data, start, after - 1)
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
            if kind then
                found[field.name] = kind[3]
            elseif enum then
                found[field.name] = enum.by_number[0] or 0
            end
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

return decode_message
