"""The configurations that the READMEs show, from their own text."""

import os
import re

from devbroker import DevBroker
from nginx import MODULE, Nginx
from support import ROOT, check_records


def test_the_readmes_configuration_serves():
    with open(os.path.join(ROOT, "README.md")) as file:
        text = re.search(r"^```nginx\n(.*?)^```$", file.read(), re.S | re.M)[1]
    assert len(text.splitlines()) <= 10
    with DevBroker("--records", "demo:500:100") as broker:
        nginx = Nginx(start=False)
        for shown, real in [
                ("/usr/lib/nginx/modules/ngx_http_pubsubgw_module.so", MODULE),
                ("127.0.0.1:9092", broker.bootstrap),
                ("127.0.0.1:9080", f"127.0.0.1:{nginx.port}"),
                # What every test needs: to run apart from the machine's own nginx.
                ("events {}", "events {} pid nginx.pid; daemon off; error_log error.log;"),
                ("http {", "http { access_log access.log; client_body_temp_path body;"
                           " proxy_temp_path proxy; fastcgi_temp_path fastcgi;"
                           " uwsgi_temp_path uwsgi; scgi_temp_path scgi;"),
                ("location /kafka", "location /hello { return 200 hello; }"
                                    " location /kafka")]:
            assert shown in text, shown
            text = text.replace(shown, real, 1)
        nginx.configure(text)
        nginx.start()
        with nginx, nginx.client() as client:
            assert client.end("demo") == 500
            check_records(client.read_all("demo", 0, 500), "demo", 0)
