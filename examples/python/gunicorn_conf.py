"""gunicorn's configuration for gunicorn_app.py."""

import pubsubgw.gunicorn

workers = 2
on_reload, post_worker_init, worker_exit = pubsubgw.gunicorn.hooks("gunicorn_app:gateway")
