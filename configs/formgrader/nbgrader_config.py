"""Nothing of its own: what formgrader needs stands in jupyter_server_config.py."""
