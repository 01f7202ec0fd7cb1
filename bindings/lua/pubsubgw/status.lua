-- The library's results in the way of Lua: a value, or nil, text, code.
local ffi = require "ffi"
local C = require("pubsubgw.library").C

local status = {}

-- Codes by name: status.codes.CONFIG is -8.
status.codes = {
    INVALID = -1, NOMEM = -2, GONE = -3, FORKED = -4, SYSTEM = -5, FULL = -6, STATE = -7,
    CONFIG = -8, NO_ROUTE = -9, TIMEOUT = -10, PROTOCOL = -11, TLS = -12, AUTH = -13,
    UNSUPPORTED = -14, KAFKA = -1000,
}

-- nil, what went wrong, the code. Reads the thread's last error: nothing may come in between.
function status.failure(code)
    local text = ffi.string(C.pubsubgw_last_error())
    if text == "" then text = ffi.string(C.pubsubgw_strerror(code)) end
    return nil, text, code
end

-- For functions that return 0 or a status.
function status.done(code)
    if code < 0 then return status.failure(code) end
    return true
end

-- For functions that return a number or a status.
function status.number(code)
    if code < 0 then return status.failure(code) end
    return code
end

-- For functions that return text to be freed, or NULL.
function status.text(pointer, length)
    if pointer == nil then return status.failure(status.codes.INVALID) end
    local text = ffi.string(pointer, length[0])
    C.pubsubgw_free(pointer)
    return text
end

return status
