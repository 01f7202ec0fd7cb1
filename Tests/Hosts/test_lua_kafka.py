"""The direct client in Lua: in plain LuaJIT, and in nginx where other light threads go on."""

import os
import subprocess

from devbroker import DevBroker, until
from openresty import Nginx
from support import ROOT
from test_hosts import RECORDS
from test_lua import LIBRARY, PATH, luajit

READ = ("location = /metrics {", """location = /read {
            content_by_lua_block {
                local kafka = assert(require("pubsubgw.nginx").kafka { route = "kafka" })
                local seen, offset, ticks = 0, 0, 0
                local ticker = ngx.thread.spawn(function()
                    while true do ticks = ticks + 1 ngx.sleep(0.001) end
                end)
                while offset < 500 do
                    local batch = assert(kafka:fetch {
                        topic = "demo", offset = offset, max_bytes = 2000 })
                    for _, record in ipairs(batch.records) do
                        assert(record.offset == offset and record.topic == "demo")
                        offset, seen = offset + 1, seen + 1
                    end
                end
                assert(assert(kafka:list_offset("demo", 0, -1)) == 500)
                local _, text, code = kafka:fetch { topic = "missing" }
                ngx.thread.kill(ticker)
                ngx.say(seen, " ", code, " ", ticks > 0)
            }
        }
        location = /follow {
            content_by_lua_block {
                local kafka = assert(require("pubsubgw.nginx").kafka { route = "kafka" })
                local subscription = assert(kafka:subscribe {
                    topic = "big", start = "earliest", options = { max_bytes = 100000 } })
                local offset, most = 0, 0
                local slow = ngx.var.arg_slow
                while offset < 30000 do
                    local batch, text = subscription:next(20)
                    if not batch then return ngx.say("ended at ", offset, ": ", text) end
                    for _, record in ipairs(batch.records) do
                        assert(record.offset == offset)
                        offset = offset + 1
                    end
                    if slow then ngx.sleep(0.01) end
                    most = math.max(most, subscription.waiting)
                end
                subscription:cancel()
                ngx.say(offset, " ", most)
            }
        }
        location = /waits {
            content_by_lua_block {
                local kafka = assert(require("pubsubgw.nginx").kafka { route = "kafka" })
                local subscription = assert(kafka:subscribe { topic = "demo", start = "latest" })
                local batch, text, code = subscription:next(60)
                ngx.say(tostring(batch), " ", code)
            }
        }
        location = /metrics {""")
BIG = ("--records", "big:30000:1000")


def body(answer):
    return answer.rsplit("\r\n\r\n", 1)[1].strip()


def test_plain_luajit():
    with DevBroker(*RECORDS, "--no-auto-create") as broker:
        done = luajit(os.path.join(ROOT, "Tests/Hosts/lua/kafka.lua"), broker.bootstrap,
                      PUBSUBGW_LIBRARY=LIBRARY)
        assert done.returncode == 0, done.stderr


def test_plain_luajit_produces():
    with DevBroker("--topic", "t:1", "--topic", "tx:1", "--no-auto-create") as broker:
        done = luajit(os.path.join(ROOT, "Tests/Hosts/lua/producer.lua"), broker.bootstrap,
                      PUBSUBGW_LIBRARY=LIBRARY)
        assert done.returncode == 0, done.stderr


PRODUCE = ("location = /metrics {", """location = /produce {
            content_by_lua_block {
                local kafka = assert(require("pubsubgw.nginx").kafka { route = "kafka" })
                local producer = assert(kafka:producer { linger_ms = 5 })
                local threads, offsets = {}, {}
                for number = 1, 200 do
                    threads[number] = ngx.thread.spawn(function()
                        local place = assert(producer:produce {
                            topic = "demo", partition = 0, value = "v" .. number })
                        offsets[place.offset] = true
                    end)
                end
                for _, thread in ipairs(threads) do assert(ngx.thread.wait(thread)) end
                local first, count = math.huge, 0
                for offset in pairs(offsets) do first, count = math.min(first, offset), count + 1 end
                local batch = assert(kafka:fetch { topic = "demo", offset = first })
                ngx.say(first, " ", count, " ", #batch.records)
                producer:close()
            }
        }
        location = /metrics {""")


def test_light_threads_produce_together():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap, replace=[PRODUCE]) as nginx:
        before = broker.requests(0)
        assert body(nginx.get("/produce")) == "500 200 200"
        assert broker.requests(0) - before < 50
        assert body(nginx.get("/produce")) == "700 200 200"


def test_example_reads_what_is_there_and_what_comes():
    with DevBroker(*RECORDS) as broker:
        with subprocess.Popen(
                ["luajit", os.path.join(ROOT, "examples/lua/read.lua"), broker.bootstrap, "demo",
                 "0", "498"], env={**os.environ, "LUA_PATH": PATH}, text=True,
                stdout=subprocess.PIPE) as reader:
            lines = [reader.stdout.readline() for _ in range(2)]
            assert [line.split("\t")[0] for line in lines] == ["498", "499"], lines
            reader.terminate()


def test_nginx_reads_and_goes_on():
    with DevBroker(*RECORDS, "--no-auto-create") as broker, \
            Nginx(broker.bootstrap, replace=[READ]) as nginx:
        for _ in range(4):
            assert body(nginx.get("/read")) == "500 -1003 true"


def test_nginx_follows_at_the_readers_pace():
    with DevBroker(*RECORDS, *BIG) as broker, \
            Nginx(broker.bootstrap, replace=[READ]) as nginx:
        answer = body(nginx.get("/follow"))
        assert answer.startswith("30000 "), answer
        offset, most = map(int, body(nginx.get("/follow?slow=1")).split())
        # 30 MB went through; what waited in Lua is bounded.
        assert offset == 30000 and most < 6 << 20, most


def test_a_reload_ends_what_waits():
    with DevBroker(*RECORDS) as broker, Nginx(broker.bootstrap, replace=[READ]) as nginx:
        import threading
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(body(nginx.get("/waits"))))
                   for _ in range(6)]
        for thread in threads:
            thread.start()
        until(20, "subscriptions", lambda: broker.requests(1) > 0)
        nginx.signal("SIGHUP")
        for thread in threads:
            thread.join(30)
        assert answers == ["nil -3"] * 6, answers
