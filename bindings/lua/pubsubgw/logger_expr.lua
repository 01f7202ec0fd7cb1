-- Conditions as APISIX's plug-ins have them (lua-resty-expr): a list of { variable, operator, value },
-- or { variable, "!", operator, value }, or { "OR" | "AND" | "!OR" | "!AND", condition, ... }. Those of
-- a list hold together. Variables are nginx's.
local logger_expr = {}

local function both_numbers(compare)
    return function(found, value)
        found, value = tonumber(found), tonumber(value)
        return found ~= nil and value ~= nil and compare(found, value)
    end
end

local function same(found, value)
    if type(value) == "number" then found = tonumber(found) end
    return found == value
end

local function among(list, wanted)
    for _, value in ipairs(list) do
        if same(wanted, value) then return true end
    end
    return false
end

local function matches(flags)
    return function(found, pattern)
        return found ~= nil and ngx.re.find(found, pattern, flags) ~= nil
    end
end

local OPERATORS = {
    ["=="] = same,
    ["~="] = function(found, value) return not same(found, value) end,
    [">"] = both_numbers(function(a, b) return a > b end),
    [">="] = both_numbers(function(a, b) return a >= b end),
    ["<"] = both_numbers(function(a, b) return a < b end),
    ["<="] = both_numbers(function(a, b) return a <= b end),
    ["~~"] = matches "jo",
    ["~*"] = matches "joi",
    ["in"] = function(found, list) return among(list, found) end,
}

local LOGIC = { AND = true, OR = true, ["!AND"] = true, ["!OR"] = true }

local function check_pattern(pattern, place, fail)
    if type(pattern) ~= "string" then fail(place, "expected a regular expression") end
    local _, _, text = ngx.re.find("", pattern, "jo")
    if text then fail(place, "not a regular expression: " .. text) end
end

local function check_value(operator, value, place, fail)
    if operator == "in" and type(value) ~= "table" then
        fail(place, "expected a list behind \"in\"")
    elseif operator == "~~" or operator == "~*" then
        check_pattern(value, place, fail)
    elseif operator ~= "in" and type(value) == "table" then
        fail(place, ("expected one value behind \"%s\""):format(operator))
    end
    if operator:find "[<>]" and tonumber(value) == nil then
        fail(place, ("expected a number behind \"%s\""):format(operator))
    end
end

local function condition(rule, place, fail)
    local variable, operator, value, at = rule[1], rule[2], rule[3], 3
    local wanted = true
    if operator == "!" then wanted, operator, value, at = false, rule[3], rule[4], 4 end
    if type(variable) ~= "string" or variable == "" then
        fail(place .. "[1]", "expected the name of a variable")
    end
    local name = type(operator) == "string" and operator:lower() or ""
    if name == "has" or name == "ipmatch" then
        fail(("%s[%d]"):format(place, at - 1), ("the operator %q is not supported here"):format(name))
    end
    -- { variable, value } is short for "==".
    if wanted and value == nil and operator ~= nil and not OPERATORS[name] then
        name, value, at = "==", operator, 2
    end
    if not OPERATORS[name] then
        fail(("%s[%d]"):format(place, at - 1), "expected ==, ~=, >, >=, <, <=, ~~, ~* or in")
    end
    if value == ngx.null then value = nil end
    check_value(name, value, ("%s[%d]"):format(place, at), fail)
    if rule[at + 1] ~= nil then fail(("%s[%d]"):format(place, at + 1), "nothing is expected here") end
    local compare = OPERATORS[name]
    return function(variables) return compare(variables[variable], value) == wanted end
end

local rule

-- Whether one of the parts gives `found`.
local function any(parts, found)
    return function(variables)
        for _, part in ipairs(parts) do
            if part(variables) == found then return true end
        end
        return false
    end
end

local function negated(part) return function(variables) return not part(variables) end end

local function joined(logic, list, first, place, fail)
    local parts = {}
    for index = first, #list do
        parts[#parts + 1] = rule(list[index], ("%s[%d]"):format(place, index), fail)
    end
    if logic == "OR" then return any(parts, true) end
    if logic == "!OR" then return negated(any(parts, true)) end
    if logic == "!AND" then return any(parts, false) end
    return negated(any(parts, false))
end

function rule(value, place, fail)
    if type(value) ~= "table" or value[1] == nil then fail(place, "expected a condition, a list") end
    if type(value[1]) == "table" then return joined("AND", value, 1, place, fail) end
    local logic = type(value[1]) == "string" and value[1]:upper()
    if not LOGIC[logic] then return condition(value, place, fail) end
    if #value < 3 then fail(place, ("expected two conditions behind %q"):format(value[1])) end
    return joined(logic, value, 2, place, fail)
end

-- The list as a function of a table of variables. fail(place, text) is called, and has to raise, for
-- what is wrong in it.
function logger_expr.compile(list, place, fail)
    if type(list) ~= "table" or list[1] == nil then
        fail(place, "expected a list of at least one condition")
    end
    for index, value in ipairs(list) do
        if type(value) ~= "table" then
            fail(("%s[%d]"):format(place, index), "expected a condition, a list")
        end
    end
    return joined("AND", list, 1, place, fail)
end

return logger_expr
