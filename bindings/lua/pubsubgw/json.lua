-- Just enough JSON for settings, routes and policies that are written as Lua tables. A table with
-- [1] is a list, any other an object; json.list {} is a list that may be empty. Texts pass through.
local json = {}

local LIST = {}
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quoted(text)
    return '"' .. text:gsub('[%c"\\]', function(c)
        return escapes[c] or ("\\u%04x"):format(c:byte())
    end) .. '"'
end

local function number(value)
    if value ~= value or value == math.huge or value == -math.huge then
        error("JSON has no number " .. tostring(value), 0)
    end
    return value % 1 == 0 and math.abs(value) < 2 ^ 53 and ("%d"):format(value)
        or ("%.17g"):format(value)
end

local encode

local function list(value)
    local parts = {}
    for index = 1, #value do parts[index] = encode(value[index]) end
    return "[" .. table.concat(parts, ",") .. "]"
end

local function object(value)
    local keys, parts = {}, {}
    for key in pairs(value) do keys[#keys + 1] = tostring(key) end
    table.sort(keys)
    for index, key in ipairs(keys) do parts[index] = quoted(key) .. ":" .. encode(value[key]) end
    return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
    local kind = type(value)
    if kind == "table" then
        return (getmetatable(value) == LIST or value[1] ~= nil) and list(value) or object(value)
    end
    if kind == "string" then return quoted(value) end
    if kind == "number" then return number(value) end
    if kind == "boolean" then return tostring(value) end
    error("JSON has no " .. kind, 0)
end

-- Marks a table as a list, empty or not.
function json.list(items) return setmetatable(items, LIST) end

-- JSON text: a string as it is, a table encoded, nil as nil.
function json.text(value)
    if value == nil or type(value) == "string" then return value end
    return encode(value)
end

return json
