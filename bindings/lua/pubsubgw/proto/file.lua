-- Reads .proto files: messages, enums, oneofs, lists and maps of proto3 (and what is alike in
-- proto2). Options, services and imports say nothing about the wire and are skipped.
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

-- Adds the messages and enums of a file's text to schema.messages and schema.enums.
return function(schema, text)
    local reader = setmetatable({ words = words_of(text), at = 0 }, Reader)
    while reader:peek() do
        local word = reader:next()
        if word == "message" then reader:message(schema, "")
        elseif word == "enum" then reader:enum(schema, "")
        elseif word ~= ";" then reader:skip() end
    end
end
