-- Finds and loads libpubsubgw, and refuses one that this binding was not made for.
--
-- Where it is looked for: the environment's PUBSUBGW_LIBRARY, and nothing else if that is set; then
-- libpubsubgw.so along package.cpath (nginx: lua_package_cpath); then the system's loader. nginx
-- clears its environment: there PUBSUBGW_LIBRARY needs the directive `env PUBSUBGW_LIBRARY;`.
local ffi = require "ffi"
local cdef = require "pubsubgw.cdef"

local function readable(path)
    local file = io.open(path, "rb")
    if file then file:close() end
    return file ~= nil
end

local function candidates()
    local named = os.getenv "PUBSUBGW_LIBRARY"
    if named then return { named } end
    local paths = {}
    for template in package.cpath:gmatch "[^;]+" do
        local path = template:gsub("%?", "libpubsubgw")
        if readable(path) then paths[#paths + 1] = path end
    end
    paths[#paths + 1] = "libpubsubgw.so.0"
    return paths
end

local function dotted(version)
    return ("%d.%d.%d"):format(
        math.floor(version / 65536), math.floor(version / 256) % 256, version % 256)
end

-- Until 1.0 a change of the middle number may break, later one of the first; both are refused.
local function check_version(library, path)
    local known, version = pcall(function() return library.pubsubgw_version() end)
    if not known then error("pubsubgw: " .. path .. " is no libpubsubgw: " .. version, 0) end
    if math.floor(version / 256) ~= math.floor(cdef.version / 256) then
        error(("pubsubgw: the Lua binding is for version %s, but %s is version %s"):format(
            dotted(cdef.version), path, dotted(version)), 0)
    end
end

ffi.cdef(cdef.text)

local failures = {}
for _, path in ipairs(candidates()) do
    local loaded, library = pcall(ffi.load, path)
    if loaded then
        check_version(library, path)
        return { C = library, path = path, dotted = dotted }
    end
    failures[#failures + 1] = library
end
error("pubsubgw: cannot load the library (PUBSUBGW_LIBRARY or package.cpath may say where it is): "
    .. table.concat(failures, "; "), 0)
